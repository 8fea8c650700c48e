"""The chart's release, as a person installs it."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import yaml

from e2e.cluster.chart import CHART
from e2e.cluster.kubectl import run
from e2e.cluster.node_cluster import NodeCluster, kubectl_of

RELEASE = "frostline"
NAMESPACE = "frostline-system"
OPERATOR, WEBHOOK = "frostline-operator", "frostline-webhook"
IMAGE = {"repository": "frostline", "tag": "e2e"}
# Cycles of a test: each look counts, and so does each second.
FAST = {"operator": {"cycleInterval": "2s", "queryOffset": "1s"}}
HELM_SECONDS = 150


class Release:
    """One release of the chart in one namespace.

    Args:
        cluster: where.
        name: of the release.
        namespace: of the release.

    """

    def __init__(self, cluster: NodeCluster, name: str = RELEASE, namespace: str = NAMESPACE) -> None:
        self.kubectl = kubectl_of(cluster)
        self.name = name
        self.namespace = namespace
        self.cluster = cluster

    def install(
        self, url: str, *values: Mapping[str, Any], check: bool = True, ready: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Install or upgrade with these values, later ones over earlier, and wait until all pods are `ready`."""
        given: dict[str, Any] = {"image": IMAGE, "prometheus": {"url": url}}
        for each in values:
            given = merged(given, each)
        wait = ("--wait", f"--timeout={HELM_SECONDS}s") if ready else ()
        return self.helm("upgrade", "--install", self.name, str(CHART), "--values=-", *wait, given=given, check=check)

    def helm(
        self, *arguments: str, given: Mapping[str, Any] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run helm in the namespace."""
        argv = [str(self.cluster.site.tool("helm")), *arguments, f"--namespace={self.namespace}"]
        read = None if given is None else yaml.safe_dump(given)
        return run(argv, self.cluster.site.kubeconfig, input=read, check=check, timeout=HELM_SECONDS + 60)

    def installed(self) -> bool:
        """Say whether the release is there."""
        return self.helm("status", self.name, check=False).returncode == 0

    def uninstall(self) -> subprocess.CompletedProcess[str]:
        """Remove the release with all hooks, and wait until it is gone."""
        return self.helm("uninstall", self.name, "--wait", f"--timeout={HELM_SECONDS}s")

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Return the pods of "operator" or "webhook" that are not about to go."""
        chosen = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        found = self.kubectl("get", "pods", "-n", self.namespace, "-l", chosen, "-o", "json").stdout
        return [each for each in json.loads(found)["items"] if "deletionTimestamp" not in each["metadata"]]

    def logs(self, component: str) -> str:
        """Return what all pods of "operator" or "webhook" have written."""
        chosen = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        return self.kubectl("logs", "-n", self.namespace, "-l", chosen, "--tail=-1").stdout

    def rolled_out(self, name: str) -> None:
        """Wait until a Deployment is rolled out."""
        self.kubectl("rollout", "status", f"deployment/{name}", "-n", self.namespace, "--timeout=120s")


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return one mapping with another laid over it, as helm merges values."""
    result = dict(one)
    for key, value in other.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def restarts(pod: Mapping[str, Any]) -> int:
    """Return how often containers of a pod have been started again."""
    return sum(int(each["restartCount"]) for each in pod.get("status", {}).get("containerStatuses", ()))


def ready(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod is ready."""
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
