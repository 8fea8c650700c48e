"""What happens when webhooks die, hang, lose their certificates or their API server, or are asked nonsense."""

import base64
import datetime as dt
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from e2e.api import Api
from e2e.balancer import Balancer
from e2e.cluster.chart import NAMESPACE
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import Asks, RunsKubectl, RunsWebhook
from e2e.cluster.local import LocalProvider
from e2e.cluster.session import session_folder
from e2e.cluster.state import REPOSITORY
from e2e.cluster.waiting import eventually
from e2e.cluster.webhook_process import SECRET, Certificates, WebhookProcess
from e2e.frozen import GOOD, Frozen, Load
from frostline import names
from frostline.core.admission import binding

GATE_KIND = REPOSITORY / "crds" / "frostline.dev_releasegates.yaml"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
WEBHOOK_SAYS = "releases.frostline.dev"
POLICY_SAYS = "ValidatingAdmissionPolicy"


def port(process: WebhookProcess) -> int:
    return urlsplit(process.review_url).port or 0


@pytest.fixture
def policy(api: Api, namespace: str) -> Iterator[None]:
    """Bind the freeze policy, as the operator does, in the test's namespace."""
    labelled = {"metadata": {"labels": {names.Label.ENFORCED.value: "true"}}}
    api("PATCH", f"/api/v1/namespaces/{namespace}", labelled, kind="application/merge-patch+json")
    made = api("POST", BINDINGS, binding(names.Admission.FREEZE))
    assert made.status == 201, made.message
    yield
    api("DELETE", f"{BINDINGS}/{names.Admission.FREEZE}")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "hanging"])
def test_without_the_webhook_requests_go_on_within_its_timeout(
    end: signal.Signals, frozen: Frozen, webhook: RunsWebhook, asks: Asks
) -> None:
    process = webhook()
    asks(process)
    frozen.make()
    frozen.known_to(process)

    assert process.pid is not None
    os.kill(process.pid, end)
    begun = time.monotonic()
    answer = frozen.release()
    taken = time.monotonic() - begun
    os.kill(process.pid, signal.SIGCONT) if end is signal.SIGSTOP else process.stop()

    assert answer.status == 200, answer.message
    assert taken < (3.0 if end is signal.SIGSTOP else 1.0)


@pytest.mark.usefixtures("policy")
def test_one_of_three_leaves_or_dies_in_mid_request_and_nothing_is_lost(
    cluster: Cluster, frozen: Frozen, webhook: RunsWebhook, asks: Asks
) -> None:
    """What a webhook leaves undone by its death, the policy does: no release passes, and every rollback does."""
    certificates = Certificates.made()
    replicas = [webhook(wait=False) for _ in range(3)]
    for replica in replicas:
        replica.show(certificates)
    for replica in replicas:
        eventually(lambda one=replica: one.readiness()[0] == 200, 60, "the replica is ready")  # type: ignore[misc]
    with Balancer([port(each) for each in replicas]) as balancer:
        asks(replicas[0], url=f"https://127.0.0.1:{balancer.port}{names.WEBHOOK_PATH}")
        frozen.make()
        frozen.known_to(replicas[0])
        eventually(lambda: POLICY_SAYS in _without_webhook(frozen, replicas), 60, "the policy holds as well")
        for replica in replicas:
            replica.start()
        eventually(lambda: all(WEBHOOK_SAYS in frozen.release().message for _ in range(6)), 30, "all are asked")

        with Load(cluster, frozen.namespace) as load:
            eventually(lambda: load.count > 100, 60, "the load is on")
            replicas[0].stop()
            left = load.count
            by_policy_then = load.said(POLICY_SAYS)
            eventually(lambda: load.count > left + 100, 60, "the load goes on")
            replicas[1].kill()
            eventually(lambda: load.count > left + 300, 60, "the load goes on")
            rollback = frozen.release(GOOD)

    assert by_policy_then == 0, "who leaves in order answers all that it was asked"
    assert load.answers == {403: load.count}, load.messages
    assert load.said(WEBHOOK_SAYS) > load.count * 0.95
    assert load.slowest < 3
    assert rollback.status == 200, rollback.message


def _without_webhook(frozen: Frozen, replicas: list[WebhookProcess]) -> str:
    """Return what is said when no webhook is there: so the policy is known to be in force."""
    for replica in replicas:
        replica.stop()
    return frozen.release().message


def test_a_certificate_is_exchanged_under_load_and_every_request_is_answered(
    cluster: Cluster, frozen: Frozen, webhook: RunsWebhook, asks: Asks
) -> None:
    process = webhook()
    old, new = process.certificates, Certificates.made()
    both = base64.b64encode(old.authority + new.authority).decode()
    asks(process, caBundle=both)
    frozen.make()
    frozen.known_to(process)
    shaking = _Handshakes(port(process), old.authority + new.authority)
    before = process.metric("decisions_total")

    with shaking, Load(cluster, frozen.namespace) as load:
        eventually(lambda: load.count > 50, 60, "the load is on")
        process.show(new)
        eventually(lambda: _shown(process) == new.certificate, 10, "the new certificate is shown")
        seen = load.count
        eventually(lambda: load.count > seen + 50, 60, "the load goes on")

    assert load.answers == {403: load.count}, load.messages
    assert process.metric("decisions_total") - before == load.count
    assert shaking.failed == []
    assert shaking.done > 20
    assert process.metric("certificates_refused_total") == 0


def _shown(process: WebhookProcess) -> bytes:
    return ssl.get_server_certificate(("127.0.0.1", port(process))).encode()


class _Handshakes:
    """Opens connections, one after the other, while in its context: each shakes hands anew."""

    def __init__(self, to: int, authorities: bytes) -> None:
        self.done = 0
        self.failed: list[str] = []
        code = (
            "import socket, ssl, sys\n"
            f"context = ssl.create_default_context(cadata={authorities.decode()!r})\n"
            "while True:\n"
            f"    with socket.create_connection(('127.0.0.1', {to}), 5) as plain:\n"
            "        with context.wrap_socket(plain, server_hostname='127.0.0.1'):\n"
            "            print('done', flush=True)\n"
        )
        self._argv = [sys.executable, "-c", code]

    def __enter__(self) -> "_Handshakes":
        self._process = subprocess.Popen(self._argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        said, errors = self._process.communicate()
        self.done = said.count("done")
        self.failed = errors.splitlines()[-1:]


def test_a_secret_is_followed(webhook: RunsWebhook, kubectl: RunsKubectl) -> None:
    first, second = Certificates.made(), Certificates.made()
    # The one name that the chart's role gives it.
    kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")
    process = webhook(secret=f"{NAMESPACE}/{SECRET}", wait=False)
    eventually(lambda: "it is not there" in process.readiness()[1], 30, "the Secret is missed")

    kubectl("apply", "-f", "-", input=json.dumps(first.secret(SECRET, NAMESPACE)))
    eventually(lambda: process.readiness()[0] == 200, 30, "it is ready")
    assert _shown(process) == first.certificate
    kubectl("apply", "-f", "-", input=json.dumps(second.secret(SECRET, NAMESPACE)))
    eventually(lambda: _shown(process) == second.certificate, 10, "the new certificate is shown")
    kubectl("delete", "secret", SECRET, "-n", NAMESPACE)
    eventually(lambda: "it is not there; the certificate of before is kept" in process.log.read_text(), 10, "told")
    assert process.readiness()[0] == 200


def test_a_pair_that_is_expired_or_does_not_fit_is_not_taken(webhook: RunsWebhook) -> None:
    process = webhook()
    good = process.certificates
    expired = Certificates.made(dt.datetime.now(dt.UTC) - dt.timedelta(days=91))
    mixed = Certificates(good.authority, good.certificate, Certificates.made().key)

    for bad, says in ((mixed, "do not belong together"), (expired, "the certificate ended at")):
        process.show(bad)
        eventually(lambda text=says: text in process.log.read_text(), 10, says)  # type: ignore[misc]
        assert _shown(process) == good.certificate
        assert process.readiness()[0] == 200
    assert process.metric("certificates_refused_total") == 2


def test_an_expired_certificate_from_the_start_is_what_readiness_says(webhook: RunsWebhook) -> None:
    process = webhook()
    process.stop()
    process.certificates = Certificates.made(dt.datetime.now(dt.UTC) - dt.timedelta(days=91))
    process.start(wait=False)

    def says() -> str:
        status, text = process.readiness()
        # The index fills up meanwhile; a line each.
        return text if status == 503 and text.count("\n") == 1 else ""

    assert "the certificate ended at" in eventually(says, 30, "it is not ready, for one reason")
    process.show(Certificates.made())
    eventually(lambda: process.readiness()[0] == 200, 10, "it is ready")


@pytest.fixture(scope="module")
def spare(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Give a cluster that a test may harm."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)

    with session_folder(tell, purpose="-spare") as folder:
        running = Cluster(folder, environment={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}, tell=tell)
        running.up(operator=False)
        yield running


@pytest.fixture
def spare_webhook(spare: Cluster) -> Iterator[WebhookProcess]:
    process = WebhookProcess(spare.site, "webhook")
    yield process
    process.stop()


@pytest.fixture
def frozen_in(spare: Cluster) -> Iterator[Callable[[str], Frozen]]:
    """Give a workload in a namespace of the spare cluster, over a connection of its own."""
    opened: list[Api] = []

    def give(name: str) -> Frozen:
        spare.kubectl("create", "namespace", name, check=False)
        opened.append(Api(spare))
        return Frozen(opened[-1], name)

    yield give
    for each in opened:
        each.close()


def test_it_may_start_before_the_kinds_are_there(
    spare: Cluster, spare_webhook: WebhookProcess, frozen_in: Callable[[str], Frozen]
) -> None:
    process = spare_webhook
    spare.kubectl("delete", "crd", "releasegates.frostline.dev")
    process.start(wait=False)
    eventually(lambda: "does not know releasegates yet" in process.readiness()[1], 30, "the kind is missed")
    asked = eventually(lambda: _asked_early(process), 10, "it listens")
    spare.kubectl("apply", "--server-side", "-f", str(GATE_KIND))
    eventually(lambda: process.readiness() == (200, "ok\n"), 30, "it is ready")

    assert asked == 503
    assert process.log.read_text().count("does not know") == 1
    frozen_in("early").make()
    eventually(lambda: process.metric("gates") == 1, 5, "the gate is known")


def _asked_early(process: WebhookProcess) -> int:
    try:
        return process.caller.request(process.review_url, method="POST", body={"kind": "AdmissionReview"})[0]
    except OSError:
        return 0


def test_the_index_heals_after_the_api_server_was_away(
    spare: Cluster, spare_webhook: WebhookProcess, frozen_in: Callable[[str], Frozen]
) -> None:
    process = spare_webhook
    process.start()
    before = process.metric("gates")
    frozen_in("kept").make()
    frozen_in("gone").make()
    eventually(lambda: process.metric("gates") == before + 2, 5, "both gates are known")
    plane = LocalProvider(spare.site).plane

    spare.site.processes.kill(plane.api_server.name)
    eventually(lambda: "what is known stays" in process.log.read_text(), 30, "it is told")
    assert process.readiness()[0] == 200
    assert process.metric("gates") == before + 2
    spare.site.supervisor.ensure(plane.api_server)
    frozen_in("late").make()
    frozen_in("gone").lift()

    eventually(lambda: process.metric("gates") == before + 2, 30, "one came and one went")
    eventually(lambda: "are followed" in process.log.read_text(), 30, "it is told")
    assert process.log.read_text().count("what is known stays") <= 3
