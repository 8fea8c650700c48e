"""Fixtures on a real API server and a real Prometheus.

The cluster belongs to the run: its state is below build/, apart from the one of `make up`. It is started at the
first use and stopped at the end, also of a run that fails or is interrupted; what a killed run left behind is
removed by the next.
"""

import itertools
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.api import Api
from e2e.cluster.cluster import Cluster
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.fixtures import JOB, Asks, RunsKubectl, RunsOperator, RunsWebhook, ScrapedExporter
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.session import session_folder
from e2e.cluster.waiting import eventually
from e2e.cluster.webhook_process import WebhookProcess
from e2e.disarming import disarm
from e2e.frozen import Frozen
from e2e.service import Service, apply, services
from e2e.shop import BYPASS, FAST, GATEWAY, QUICK, Shop
from frostline import names

# Tests on a real node have a start of their own: make e2e-node.
collect_ignore = ["node"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Give a running cluster with the chart installed and no operator."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)

    with session_folder(tell) as folder:
        running = Cluster(folder, environment=_local_only(), tell=tell)
        running.up(operator=False)
        yield running


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> RunsKubectl:
    """Run the real kubectl: `kubectl("get", "slo", "-n", namespace).stdout`; raises unless check=False."""
    return cluster.kubectl


@pytest.fixture
def namespace(kubectl: RunsKubectl) -> Iterator[str]:
    """Give a namespace of the test's own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def prometheus_with_history(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Start a Prometheus with the history that an OpenMetrics text tells; returns its URL."""
    started: list[Prometheus] = []

    def start(openmetrics: str) -> str:
        prometheus = _prometheus(cluster, "5s")
        started.append(prometheus)
        history = tmp_path / f"{prometheus.part.name}.openmetrics"
        history.write_text(openmetrics)
        return prometheus.write_history(history)

    yield start
    for prometheus in started:
        prometheus.stop()


@pytest.fixture
def live_exporter(cluster: Cluster) -> Iterator[ScrapedExporter]:
    """Give a scrape target whose counters the test sets, and a Prometheus that scrapes it each second."""
    prometheus = _prometheus(cluster, "1s")
    with LiveExporter() as exporter:
        prometheus.add_target(JOB, exporter.address)
        try:
            prometheus.start()
            yield ScrapedExporter(exporter, prometheus)
        finally:
            prometheus.stop()


@pytest.fixture
def operator(cluster: Cluster) -> Iterator[RunsOperator]:
    """Start operators as the chart's service account: `operator(prometheus_url, namespace, flags=(…)).url`.

    What they arm is disarmed after the test.
    """
    started: list[OperatorProcess] = []

    def start(
        prometheus_url: str,
        *namespaces: str,
        flags: tuple[str, ...] = (),
        environment: tuple[tuple[str, str], ...] = (),
        wait: bool = True,
    ) -> OperatorProcess:
        settings = OperatorSettings(prometheus_url, namespaces, flags, environment)
        process = OperatorProcess(cluster.site, settings, f"operator-{next(_numbers)}")
        started.append(process)
        process.start(wait=wait)
        return process

    yield start
    for process in started:
        process.stop()
    disarm(cluster)


@pytest.fixture
def webhook(cluster: Cluster) -> Iterator[RunsWebhook]:
    """Start webhooks as the chart's service account: `webhook().configuration()` has the API server ask it."""
    started: list[WebhookProcess] = []

    def start(*flags: str, secret: str | None = None, wait: bool = True) -> WebhookProcess:
        process = WebhookProcess(cluster.site, f"webhook-{next(_numbers)}", flags, secret)
        started.append(process)
        process.start(wait=wait)
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Api]:
    """Give a client of the API server."""
    asking = Api(cluster)
    yield asking
    asking.close()


@pytest.fixture
def asks(api: Api) -> Iterator[Asks]:
    """Have the API server ask a webhook: `asks(process)`."""
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    ours = f"{path}/{names.Admission.WEBHOOK_CONFIGURATION}"

    def ask(process: WebhookProcess, **client_config: str) -> None:
        manifest = process.configuration()
        manifest["webhooks"][0]["clientConfig"] |= client_config
        api("DELETE", ours)
        made = api("POST", path, manifest)
        assert made.status == 201, made.message

    yield ask
    api("DELETE", ours)


@pytest.fixture
def frozen(api: Api, namespace: str) -> Frozen:
    """Give a workload to be frozen: `frozen.make()`."""
    return Frozen(api, namespace)


@pytest.fixture(scope="session")
def fresh_services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Service]]:
    """Give services that no test has used, each with a healthy day behind it."""
    with services(cluster, tmp_path_factory.mktemp("services")) as fresh:
        yield fresh


@pytest.fixture
def shop(fresh_services: Iterator[Service]) -> Service:
    """Give a service with a healthy day behind it."""
    return next(fresh_services)


@pytest.fixture
def people(kubectl: RunsKubectl, namespace: str) -> Shop:
    """Give what a person does in the test's namespace."""
    return Shop(kubectl, namespace)


@pytest.fixture
def quick(kubectl: RunsKubectl) -> Iterator[str]:
    """Give the name of a policy with short holds."""
    name = f"quick-{uuid.uuid4().hex[:8]}"
    kind = str(names.Kind.ERROR_BUDGET_POLICY)
    apply(kubectl, None, {"apiVersion": names.API_VERSION, "kind": kind, "metadata": {"name": name}, **QUICK})
    yield name
    kubectl("delete", "ebp", name, *BYPASS)


@pytest.fixture
def held(shop: Service, people: Shop, quick: str, operator: RunsOperator) -> OperatorProcess:
    """Freeze the gateway: revisions 1, 2 and 3 behind it, budget gone, gate held."""
    people.revisions("app:1", "app:2", "app:3")
    shop.spend()
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    running = operator(shop.url, people.namespace, flags=FAST)
    eventually(people.frozen, 60, lambda: running.log.read_text()[-2000:])
    return running


def _local_only() -> dict[str, str]:
    """Return the environment without what would point a test at somebody's cluster."""
    elsewhere = {"CLUSTER", "CLUSTER_CONTEXT", "KUBECONFIG"}
    return {name: value for name, value in os.environ.items() if name not in elsewhere}


def _prometheus(cluster: Cluster, interval: str) -> Prometheus:
    name = f"prometheus-{next(_numbers)}"
    return Prometheus(
        cluster.folder / name, cluster.site.tool, cluster.site.supervisor, name=name, scrape_interval=interval
    )
