"""What the chart makes of many values is what the API server takes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from e2e.cluster.chart import CHART, NAMESPACE, RELEASE
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.kubectl import run
from e2e.other_kinds import definition
from e2e.service import apply

VALUES = sorted((Path(__file__).resolve().parents[1] / "tests" / "chart" / "values").glob("*.yaml"))
OTHERS = {
    "certificates.cert-manager.io": "Certificate",
    "servicemonitors.monitoring.coreos.com": "ServiceMonitor",
    "prometheusrules.monitoring.coreos.com": "PrometheusRule",
}
"""Kinds of other projects that some values make objects of."""
NAMESPACES = ("matching", "2048", "monitoring")


@pytest.fixture
def surroundings(kubectl: RunsKubectl) -> Iterator[None]:
    """Have the kinds and namespaces that values name."""
    apply(kubectl, None, *(definition(name, kind) for name, kind in OTHERS.items()))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", *(f"crd/{name}" for name in OTHERS))
    for name in NAMESPACES:
        kubectl("create", "namespace", name)
    yield
    kubectl("delete", "crd", *OTHERS)
    kubectl("delete", "namespace", *NAMESPACES, "--wait=false")


@pytest.mark.usefixtures("surroundings")
def test_the_api_server_takes_what_every_set_of_values_makes(cluster: Cluster, kubectl: RunsKubectl) -> None:
    helm = str(cluster.site.tool("helm"))
    refused = {}
    for values in VALUES:
        rendered = run(
            [
                helm,
                "template",
                RELEASE,
                str(CHART),
                "--namespace",
                NAMESPACE,
                "--values",
                str(values),
                "--validate",
                "--is-upgrade",
            ],
            cluster.site.kubeconfig,
        ).stdout
        assert list(yaml.safe_load_all(rendered)) or values.stem == "off"
        done = kubectl(
            "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", input=rendered, check=False
        )
        if done.returncode != 0:
            refused[values.stem] = done.stderr
    assert refused == {}


def test_helm_lint_has_nothing_to_say(cluster: Cluster) -> None:
    helm = str(cluster.site.tool("helm"))
    for values in VALUES:
        said = run([helm, "lint", "--strict", str(CHART), "--values", str(values)], cluster.site.kubeconfig).stdout
        assert "0 chart(s) failed" in said
