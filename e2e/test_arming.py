"""Arming on a real API server, with the identity and the rights that the chart gives the operator."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from e2e.cluster import kubeconfig
from e2e.cluster.certificates import authority
from e2e.cluster.chart import CHART
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.kubectl import run
from e2e.cluster.operator_process import credentials_file, ensure_credentials
from e2e.cluster.waiting import eventually
from e2e.disarming import disarm
from frostline.controller.arming import Arming
from frostline.core.admission import probe_binding
from frostline.core.armed import Armed, Killed, NotYet, Part, State
from frostline.kubernetes.admission import AdmissionObjects
from frostline.kubernetes.connection import Cluster as Connection
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.resource import Objects

FROSTLINE = str(Path(sys.executable).with_name("frostline"))
BYPASS = ("--as=test", "--as-group=system:masters", "--as-group=frostline:bypass")
URL = {"url": "https://127.0.0.1:9443/review"}
BOTH = "validatingadmissionpolicybindings,mutatingwebhookconfigurations"
KILL = ("delete", BOTH, "--selector", "frostline.dev/armed")


@pytest.fixture
def switched_off(cluster: Cluster) -> Iterator[None]:
    """Begin and end with nothing armed and nothing remembered."""
    disarm(cluster)
    yield
    disarm(cluster)


class Operator:
    """The part of the operator that arms, with the operator's service account and no other right."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def look(self, ca_bundle: bytes | None = None, *, webhook: bool = True) -> State:
        """Look as an operator does that has just been started."""

        async def run() -> State:
            async with await Connection(self._kubeconfig).connect() as api:
                objects = Objects(api)
                arming = Arming(AdmissionObjects(objects, Recorder(objects, "test")), URL if webhook else None)
                return await arming.run(ca_bundle, 0)

        return asyncio.run(run())

    def arm(self, ca_bundle: bytes) -> None:
        """Look until all is armed."""
        # The API server looks for new kinds twice a minute.
        eventually(lambda: isinstance(self.look(ca_bundle), Armed), 60, "armed", interval=0.5)


@pytest.fixture
def operator_arms(cluster: Cluster, request: pytest.FixtureRequest) -> Operator:
    """Give the part of the operator that arms."""
    request.getfixturevalue("switched_off")
    ensure_credentials(cluster.site)
    return Operator(credentials_file(cluster.site))


@pytest.fixture
def ca_bundle() -> bytes:
    """Give a certificate authority in PEM; nobody answers at the webhook's URL."""
    return authority("test").certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def frozen(kubectl: RunsKubectl, namespace: str) -> str:
    """Give a namespace with a deployment that is held back, though nothing refuses yet."""
    kubectl("create", "deployment", "web", "--image=web:1", "-n", namespace)
    kubectl("label", "namespace", namespace, "frostline.dev/enforced=true")
    gate = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseGate",
        "metadata": {"name": "deployment-web", "namespace": namespace},
        "spec": {
            "workload": {"kind": "Deployment", "name": "web"},
            "rule": "Freeze",
            "since": "2026-01-01T00:00:00Z",
            "by": [],
            "message": "held back",
            "running": {"containers": [{"name": "web", "image": "web:1", "imagePullPolicy": "IfNotPresent"}]},
        },
    }
    kubectl("create", "-f", "-", *BYPASS, input=json.dumps(gate))
    return namespace


def released(kubectl: RunsKubectl, namespace: str) -> bool:
    """Say whether a release would pass."""
    release = ("set", "image", "deployment/web", "*=web:2", "-n", namespace, "--dry-run=server")
    done = kubectl(*release, check=False)
    assert done.returncode == 0 or "held back" in done.stderr, done.stderr
    return done.returncode == 0


def versions(kubectl: RunsKubectl) -> list[str]:
    """Return the resource version of each thing that arming writes."""
    policies = json.loads(kubectl("get", "validatingadmissionpolicy", "frostline-freeze", "-o", "json").stdout)
    armed = json.loads(kubectl("get", BOTH, "--selector", "frostline.dev/armed", "-o", "json").stdout)["items"]
    return [each["metadata"]["resourceVersion"] for each in (policies, *armed)]


def test_armed_with_few_rights_once_and_for_all(
    operator_arms: Operator, ca_bundle: bytes, kubectl: RunsKubectl, frozen: str
) -> None:
    assert released(kubectl, frozen)

    operator_arms.arm(ca_bundle)

    eventually(lambda: not released(kubectl, frozen), 10)
    left = kubectl("get", "validatingadmissionpolicybindings", "-o", "name").stdout
    assert "frostline-probe" not in left
    before = versions(kubectl)
    assert len(before) == 4
    assert operator_arms.look(ca_bundle) == Armed(frozenset(Part))
    assert versions(kubectl) == before


def test_a_kind_that_the_api_server_does_not_know_is_never_bound(
    operator_arms: Operator, ca_bundle: bytes, kubectl: RunsKubectl, frozen: str
) -> None:
    def probe_for(kind: str) -> None:
        changed = json.dumps({"spec": {"paramKind": {"kind": kind}}})
        kubectl("patch", "validatingadmissionpolicy", "frostline-probe", "--type=merge", "-p", changed)

    asked = ("create", "configmap", "frostline-probe", "-n", "frostline-system", "--dry-run=server")
    probe_for("NobodyKnows")
    try:
        # Made by an administrator: the API server lets nobody with fewer rights bind a kind that it does not know.
        kubectl("create", "-f", "-", input=json.dumps(probe_binding()))
        eventually(lambda: "paramKind" in kubectl(*asked, check=False).stderr, 20)
        state = operator_arms.look(ca_bundle)
        assert isinstance(state, NotYet)
        assert "does not know" in state.sentence
        assert "binding" not in kubectl("get", BOTH, "--selector", "frostline.dev/armed", "-o", "name").stdout
        assert released(kubectl, frozen)
    finally:
        probe_for("ReleaseGate")
    operator_arms.arm(ca_bundle)


def test_the_kill_switch_opens_at_once_and_holds_until_resume(
    operator_arms: Operator, ca_bundle: bytes, cluster: Cluster, kubectl: RunsKubectl, frozen: str
) -> None:
    operator_arms.arm(ca_bundle)
    eventually(lambda: not released(kubectl, frozen), 10)

    kubectl(*KILL)

    eventually(lambda: released(kubectl, frozen), 2)
    killed = operator_arms.look(ca_bundle)
    assert isinstance(killed, Killed)
    assert set(killed.gone) == set(Part)
    again = operator_arms.look(ca_bundle)
    assert isinstance(again, Killed)
    assert again.since == killed.since
    assert released(kubectl, frozen)
    events = kubectl("get", "events", "-n", "default", "-o", "yaml").stdout
    assert "switched off by hand" in events

    resuming = subprocess.Popen(
        [FROSTLINE, "resume", "--kubeconfig", str(cluster.kubeconfig)], stdout=subprocess.PIPE, text=True
    )
    operator_arms.arm(ca_bundle)
    said, _ = resuming.communicate(timeout=60)
    assert resuming.returncode == 0
    assert "resumed validatingadmissionpolicybinding/frostline-freeze, found deleted at" in said
    assert "armed again" in said
    eventually(lambda: not released(kubectl, frozen), 10)


def test_a_part_that_was_deleted_is_named_and_the_rest_holds(
    operator_arms: Operator, ca_bundle: bytes, kubectl: RunsKubectl, frozen: str
) -> None:
    operator_arms.arm(ca_bundle)

    kubectl("delete", "mutatingwebhookconfiguration", "frostline")

    state = operator_arms.look(ca_bundle)
    assert isinstance(state, Killed)
    assert set(state.gone) == {Part.WEBHOOK}
    assert "still armed: validatingadmissionpolicybinding/frostline-freeze" in state.sentence
    eventually(lambda: not released(kubectl, frozen), 10)


def test_what_somebody_changed_is_put_right(operator_arms: Operator, ca_bundle: bytes, kubectl: RunsKubectl) -> None:
    operator_arms.arm(ca_bundle)

    def spec(path: str, *which: str) -> str:
        return kubectl("get", *which, "-o", f"jsonpath={path}").stdout

    binding = ("validatingadmissionpolicybinding", "frostline-freeze")
    configuration = ("mutatingwebhookconfiguration", "frostline")
    weaker = {"spec": {"validationActions": ["Warn"], "matchResources": {"namespaceSelector": {}}}}
    kubectl("patch", *binding, "--type=merge", "-p", json.dumps(weaker))
    kubectl("label", *binding, "frostline.dev/armed-")
    looser = [{"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": 30}]
    kubectl("patch", *configuration, "--type=json", "-p", json.dumps(looser))

    assert isinstance(operator_arms.look(ca_bundle), Armed)

    assert spec("{.spec.validationActions}{.spec.matchResources}", *binding) == '["Deny","Audit"]'
    assert spec("{.metadata.labels}", *binding) == '{"frostline.dev/armed":"true"}'
    assert spec("{.webhooks[0].timeoutSeconds}", *configuration) == "2"


def test_resume_says_that_nothing_is_switched_off(cluster: Cluster, operator_arms: Operator, ca_bundle: bytes) -> None:
    operator_arms.arm(ca_bundle)

    said = subprocess.run(
        [FROSTLINE, "resume", "--kubeconfig", str(cluster.kubeconfig)], capture_output=True, text=True, check=True
    )

    assert said.stdout.startswith("nothing is switched off; armed: validatingadmissionpolicybinding/frostline-freeze")


def test_resume_without_the_right_says_what_it_takes(
    cluster: Cluster, operator_arms: Operator, ca_bundle: bytes
) -> None:
    operator_arms.arm(ca_bundle)
    viewer = cluster.kubectl("create", "token", "default", "-n", "default").stdout.strip()
    path = cluster.folder / "viewer.kubeconfig"
    server = kubeconfig.current_cluster(cluster.kubeconfig)
    kubeconfig.write(path, kubeconfig.render("viewer", server, {"token": viewer}))

    said = subprocess.run([FROSTLINE, "resume", "--kubeconfig", str(path)], capture_output=True, text=True, check=False)

    assert said.returncode == 1
    assert "you may not resume" in said.stderr
    assert "validatingadmissionpolicies/frostline-freeze" in said.stderr


def test_helm_upgrade_keeps_the_memory(cluster: Cluster, kubectl: RunsKubectl, tmp_path: Path) -> None:
    newer = tmp_path / "frostline"
    shutil.copytree(CHART, newer)
    about = yaml.safe_load((newer / "Chart.yaml").read_text())
    (newer / "Chart.yaml").write_text(yaml.safe_dump(about | {"appVersion": "99.0.0"}))
    # Of a policy that the chart ships, as frostline-freeze is.
    probe = ("validatingadmissionpolicy", "frostline-probe")
    kubectl("annotate", *probe, "frostline.dev/armed-freeze=armed 2026-01-01T00:00:00Z", "--field-manager=frostline")

    def upgrade(chart: Path) -> str:
        helm = str(cluster.site.tool("helm"))
        run([helm, "upgrade", "frostline", str(chart), "-n", "frostline-system", "--reuse-values"], cluster.kubeconfig)
        return kubectl("get", *probe, "-o", "jsonpath={.metadata}").stdout

    try:
        upgraded = upgrade(newer)
        assert "99.0.0" in upgraded
        assert "armed 2026-01-01T00:00:00Z" in upgraded
    finally:
        upgrade(CHART)
        kubectl("annotate", *probe, "frostline.dev/armed-freeze-")
