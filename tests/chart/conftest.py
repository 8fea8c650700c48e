"""Helm, and the chart rendered by it."""

import copy
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster.progress import say
from e2e.cluster.tools import Finder

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
VALUES = sorted(path.stem for path in (HERE / "values").glob("*.yaml"))
KUBERNETES_VERSION = "1.30.0"
PROMETHEUS = "prometheus.url=http://prometheus.monitoring.svc:9090"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """The chart as a user meets it: through the helm command."""

    helm: Path

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Return what helm answered, whatever its exit code is; it never speaks to a cluster."""
        return subprocess.run(
            [self.helm, command, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def template(
        self, *arguments: str, release: str = "frostline", kubernetes: str = KUBERNETES_VERSION
    ) -> subprocess.CompletedProcess[str]:
        """Return helm's answer to `helm template`, rendered for namespace frostline-system."""
        chart = str(REPOSITORY / "charts" / "frostline")
        place = ["--namespace", "frostline-system", "--kube-version", kubernetes]
        return self.run("template", release, chart, *place, *arguments)

    def manifests(
        self, *arguments: str, release: str = "frostline", kubernetes: str = KUBERNETES_VERSION
    ) -> list[Manifest]:
        """Return the rendered objects in helm's order; fails the test with helm's words when it refuses."""
        return copy.deepcopy(_rendered(self, release, kubernetes, arguments))

    def with_values(self, name: str) -> list[Manifest]:
        """Return the objects rendered from `values/<name>.yaml` for a server that has the CRDs already."""
        values = HERE / "values" / f"{name}.yaml"
        served = ("--api-versions", "frostline.dev/v1alpha1/ErrorBudgetPolicy")
        return self.manifests("--values", str(values), "--set", "crds.install=false", *served)

    def refusal(self, *settings: str) -> str:
        """Return what helm says to these --set expressions; fails the test when it renders them."""
        answer = self.template(*(word for setting in settings for word in ("--set", setting)))
        assert answer.returncode != 0, f"helm rendered the chart with {settings}"
        return answer.stderr


@cache
def _rendered(chart: Chart, release: str, kubernetes: str, arguments: tuple[str, ...]) -> list[Manifest]:
    """Return the objects of one rendering, which many tests look at."""
    answer = chart.template(*arguments, release=release, kubernetes=kubernetes)
    assert answer.returncode == 0, answer.stderr
    return [document for document in yaml.safe_load_all(answer.stdout) if document]


@pytest.fixture(scope="session")
def chart() -> Chart:
    """The chart, and the helm of the local cluster's toolchain; built from source when there is none."""
    return Chart(Finder(os.environ, say).find(["helm"])["helm"].path)


def of_kind(manifests: Sequence[Manifest], kind: str) -> list[Manifest]:
    """Return the objects of `kind` in their order."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pod(manifests: Sequence[Manifest], component: str = "operator") -> Manifest:
    """Return the pod spec of the Deployment of a component."""
    (deployment,) = [
        each
        for each in of_kind(manifests, "Deployment")
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    spec: Manifest = deployment["spec"]["template"]["spec"]
    return spec
