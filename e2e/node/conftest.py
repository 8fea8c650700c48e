"""Fixtures on a real node: started by `python -m e2e.node` (make e2e-node), which finds tools and builds images."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.node_cluster import NodeCluster, kubectl_of, node_cluster
from e2e.cluster.site import Site
from e2e.demo import history
from e2e.node import monitoring
from e2e.node.__main__ import FOLDER
from e2e.node.helm import NAMESPACE, Release
from e2e.node.spent import SPENT, Spent, write_history

Tell = Callable[[str], None]

_spent = iter(SPENT)


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Tell:
    """Print a line at once, past pytest's capture: figures are part of what these tests give."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(text, flush=True)

    return line


@pytest.fixture(scope="session")
def node(tell: Tell) -> Iterator[NodeCluster]:
    """Give a cluster with a real node and all images on it, and nothing installed."""
    assert FOLDER in os.environ, "these tests are started by `make e2e-node`"
    began = time.monotonic()
    cluster = node_cluster(Site(Path(os.environ[FOLDER]), tell))
    cluster.up()
    tell(f"\n  the node is ready after {time.monotonic() - began:.0f} s")
    yield cluster
    cluster.down()


@pytest.fixture(scope="session")
def kubectl(node: NodeCluster) -> Kubectl:
    """Run the real kubectl as the administrator."""
    return kubectl_of(node)


@pytest.fixture(scope="session")
def past(node: NodeCluster) -> history.History:
    """Give the month that the demo's app has behind it, the same for all tests."""
    del node
    return history.build(int(time.time()))


@pytest.fixture(scope="session")
def prometheus(node: NodeCluster, past: history.History, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run Prometheus as a pod; give its URL in the cluster."""
    folder = tmp_path_factory.mktemp("prometheus")
    past.write(folder / "soulsync.openmetrics")
    write_history(folder / "spent.openmetrics", int(past.timestamps[-1]))
    return monitoring.deploy(node, folder, folder / "soulsync.openmetrics", folder / "spent.openmetrics")


@pytest.fixture
def release(node: NodeCluster, kubectl: Kubectl) -> Release:
    """Give the chart's release, installed or not, in a namespace that enforces `restricted`."""
    named = {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": named}))
    return Release(node)


@pytest.fixture
def spent(kubectl: Kubectl, prometheus: str) -> Iterator[Spent]:
    """Give a workload of the test's own that runs, and whose budget history has spent."""
    del prometheus
    workload = Spent(kubectl, next(_spent))
    workload.deploy()
    yield workload
    workload.remove()
