"""The cluster's own command line against real processes: up, up, kill -9, down."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.cluster.caller import PLAIN
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl, RunsOperator, ScrapedExporter
from e2e.cluster.local import LocalProvider
from e2e.cluster.ports import is_taken
from e2e.cluster.progress import silent
from e2e.cluster.session import session_folder
from e2e.cluster.state import REPOSITORY
from e2e.cluster.waiting import eventually

CORE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "prometheus")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a state folder apart from the session's cluster, which other tests rely on."""
    with session_folder(silent, purpose="-cli") as own:
        yield own


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as `make up` does."""
    argv = [sys.executable, "-m", "e2e.cluster", "--state", str(folder), *arguments]
    outside = {name: value for name, value in os.environ.items() if name not in {"CLUSTER", "KUBECONFIG"}}
    return subprocess.run(
        argv, cwd=REPOSITORY, env=outside | environment, capture_output=True, text=True, timeout=1500, check=False
    )


def up(folder: Path, **environment: str) -> str:
    done = command(folder, "up", "--without-operator", **environment)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def pids(folder: Path) -> dict[str, int]:
    return {row.name: row.pid for row in Cluster(folder, tell=silent).status() if row.pid is not None}


def kill(folder: Path, name: str) -> None:
    Cluster(folder, tell=silent).site.processes.kill(name)


def rolls_out(folder: Path, name: str) -> None:
    kubectl = Cluster(folder, tell=silent).kubectl
    kubectl("create", "deployment", name, "--image=app:1", "--replicas=3")
    kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s")


@pytest.mark.smoke
def test_up_makes_a_cluster_in_which_deployments_roll_out(folder: Path) -> None:
    printed = up(folder)

    assert f"export KUBECONFIG={folder}/kubeconfig" in printed
    assert (folder / "prometheus.url").read_text().startswith("http://127.0.0.1:")
    assert sorted(pids(folder)) == sorted(CORE)
    rolls_out(folder, "web")


@pytest.mark.smoke
def test_second_up_leaves_everything_as_it_is(folder: Path) -> None:
    up(folder)
    before = pids(folder)

    up(folder)

    assert pids(folder) == before


@pytest.mark.parametrize("name", CORE)
def test_up_restarts_what_was_killed_and_keeps_objects(folder: Path, name: str) -> None:
    up(folder)
    kubectl = Cluster(folder, tell=silent).kubectl
    kubectl("create", "configmap", f"kept-{name}")
    before = pids(folder)

    kill(folder, name)
    assert command(folder, "status").returncode == 1
    up(folder)

    after = pids(folder)
    assert {each for each in CORE if after[each] != before[each]} == {name}
    assert kubectl("get", "configmap", f"kept-{name}").returncode == 0
    rolls_out(folder, f"after-{name}")


def test_up_after_everything_was_killed_at_once(folder: Path) -> None:
    up(folder)
    for name in CORE:
        kill(folder, name)

    up(folder)

    assert command(folder, "status").returncode == 0


def test_up_goes_on_where_a_killed_up_stopped(folder: Path) -> None:
    command(folder, "down")
    argv = [sys.executable, "-m", "e2e.cluster", "--state", str(folder), "up", "--without-operator"]
    with subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        eventually((folder / "run" / "etcd.json").exists, 60, "etcd was started")
        first.send_signal(signal.SIGKILL)

    up(folder)

    rolls_out(folder, "web")


@pytest.mark.parametrize("name", ["operator", "webhook"])
def test_up_runs_operator_and_webhook_and_restarts_what_was_killed(folder: Path, name: str) -> None:
    first = command(folder, "up")
    assert first.returncode == 0, first.stderr
    before = pids(folder)
    url = (folder / "operator.url").read_text().strip()
    assert PLAIN.answers(f"{url}/readyz")

    kill(folder, name)
    assert command(folder, "status").returncode == 1
    second = command(folder, "up")

    assert second.returncode == 0, second.stderr
    after = pids(folder)
    assert {each for each in after if after[each] != before[each]} == {name}
    assert PLAIN.answers(f"{(folder / 'operator.url').read_text().strip()}/readyz")


def test_up_has_the_api_server_ask_the_webhook(folder: Path) -> None:
    assert command(folder, "up").returncode == 0
    cluster = Cluster(folder, tell=silent)
    webhook = cluster.webhook()
    assert webhook is not None

    def asked() -> str:
        kind = "mutatingwebhookconfiguration"
        return str(cluster.kubectl("get", kind, "-o", "jsonpath={..clientConfig.url}", check=False).stdout)

    eventually(lambda: asked() == webhook.review_url, 30, asked)


def test_up_after_the_folder_was_deleted_leaves_no_stray(folder: Path) -> None:
    up(folder)
    running = Cluster(folder, tell=silent).site.processes
    before = [record for name in CORE if (record := running.running(name))]
    shutil.rmtree(folder)

    printed = up(folder)

    assert "was deleted" in printed
    assert len(before) == len(CORE)
    assert not any(record.alive() for record in before)


def test_two_at_once_make_one_cluster(folder: Path) -> None:
    command(folder, "down")
    argv = [sys.executable, "-m", "e2e.cluster", "--state", str(folder), "up", "--without-operator"]
    with (
        subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as first,
        subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as second,
    ):
        assert (first.wait(300), second.wait(300)) == (0, 0)

    assert sorted(pids(folder)) == sorted(CORE)


def test_a_taken_port_is_given_up_for_another(folder: Path) -> None:
    up(folder)
    cluster = Cluster(folder, tell=silent)
    plane = LocalProvider(cluster.site).plane
    port = cluster.site.supervisor.ports(plane.api_server)["https"]
    cluster.site.processes.kill("kube-apiserver")
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        up(folder)

    assert cluster.site.supervisor.ports(plane.api_server)["https"] != port
    rolls_out(folder, "after-port")


@pytest.fixture
def other_folder() -> Iterator[Path]:
    with session_folder(silent, purpose="-existing") as own:
        yield own


def test_existing_uses_only_the_named_context(folder: Path, other_folder: Path) -> None:
    up(folder)
    kubeconfig = str(folder / "kubeconfig")
    theirs = Cluster(folder, tell=silent)
    theirs.kubectl("create", "namespace", "bystander")
    helm = [str(theirs.site.tool("helm")), "uninstall", "frostline", "-n", "frostline-system", "--wait"]
    given = {"CLUSTER": "existing", "KUBECONFIG": kubeconfig, "CLUSTER_CONTEXT": "frostline-local"}

    unnamed = command(other_folder, "up", "--without-operator", **(given | {"CLUSTER_CONTEXT": ""}))
    wrong = command(other_folder, "up", "--without-operator", **(given | {"CLUSTER_CONTEXT": "production"}))
    occupied = command(other_folder, "up", "--without-operator", **given)
    subprocess.run(helm, env=os.environ | {"KUBECONFIG": kubeconfig}, check=True, capture_output=True)
    made = command(other_folder, "up", "--without-operator", **given)
    releases = theirs.kubectl("get", "secret", "-n", "frostline-system", "-l", "owner=helm", "-o", "name")
    stopped = command(other_folder, "down")

    assert "CLUSTER_CONTEXT" in unnamed.stderr
    assert "There is no context production" in wrong.stderr
    assert "was not installed from here" in occupied.stderr
    assert made.returncode == 0, made.stderr
    assert releases.stdout.strip()
    assert stopped.returncode == 0, stopped.stderr
    left = theirs.kubectl("get", "secret", "-n", "frostline-system", "-l", "owner=helm", "-o", "name")
    assert not left.stdout.strip()
    assert theirs.kubectl("get", "namespace", "bystander").returncode == 0


@pytest.mark.smoke
def test_down_leaves_no_process_and_no_port(folder: Path) -> None:
    up(folder)
    running = Cluster(folder, tell=silent)
    ports = [port for row in running.status() for port in row.ports]
    records = [running.site.processes.running(name) for name in CORE]

    first = command(folder, "down")
    second = command(folder, "down")

    assert first.returncode == second.returncode == 0
    assert "Nothing was running" in second.stdout
    assert not any(is_taken(port) for port in ports)
    assert not any(record and record.alive() for record in records)
    assert {path.name for path in folder.iterdir()} <= {"lock", "logs"}


def test_history_is_there_before_the_first_scrape(prometheus_with_history: Callable[[str], str]) -> None:
    end = int(time.time()) // 60 * 60 - 60
    begin = end - 30 * 86400
    lines = [f'events_total{{job="past"}} {(t - begin) // 60} {t}' for t in range(begin, end + 1, 3600)]

    url = prometheus_with_history("\n".join(["# TYPE events counter", *lines, "# EOF", ""]))

    _, body = PLAIN.request(f"{url}/api/v1/query?query=increase(events_total[30d])&time={end}")
    (series,) = json.loads(body)["data"]["result"]
    assert float(series["value"][1]) == pytest.approx(30 * 1440, rel=0.01)


def test_live_counters_are_scraped_each_second(live_exporter: ScrapedExporter) -> None:
    live_exporter.exporter.set("events_total", 5, code="200")

    def scraped() -> str:
        found = live_exporter.prometheus.query('events_total{job="live",code="200"}')
        return str(found[0]["value"][1]) if found else ""

    assert eventually(scraped, 15, "the counter was scraped") == "5"
    live_exporter.exporter.add("events_total", 2, code="200")
    eventually(lambda: scraped() == "7", 15, "the counter was scraped again")


def test_each_test_has_a_namespace_of_its_own(namespace: str, kubectl: RunsKubectl) -> None:
    kubectl("create", "configmap", "mine", "-n", namespace)

    refused = kubectl("create", "configmap", "mine", "-n", namespace, check=False)

    assert "already exists" in refused.stderr


def test_operator_runs_as_the_charts_service_account(
    operator: RunsOperator, live_exporter: ScrapedExporter, namespace: str
) -> None:
    process = operator(live_exporter.url, namespace)

    assert process.ready()
    process.kill()
    assert not process.ready()
    process.start()
    assert process.ready()
