"""The demo's app as pods, and the people who use it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.errors import ClusterError
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.node_cluster import NodeCluster, kubectl_of
from e2e.cluster.state import REPOSITORY
from e2e.demo.soulsync import WORKLOADS
from e2e.demo.stage import NAMESPACE
from examples.soulsync.app.workloads import Fault

EXAMPLE = REPOSITORY / "examples" / "soulsync"
BASICS = ("00-namespace.yaml", "10-workloads.yaml")
PORT = 8000
PEOPLE = "people"


@dataclass(frozen=True)
class Reached:
    """A cluster as the demo's stage wants it."""

    kubectl: Kubectl
    kubeconfig: Path

    @classmethod
    def of(cls, cluster: NodeCluster) -> "Reached":
        """Return the view of a cluster from outside its pods."""
        return cls(kubectl_of(cluster), cluster.site.kubeconfig)


class SoulSyncPods:
    """The app in its namespace; orders go to each pod of a workload, through the API server."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    def deploy(self) -> None:
        """Roll out the example's workloads with a Service each, and let people in.

        Raises:
            ClusterError: something does not come up.

        """
        documents = [each for file in BASICS for each in yaml.safe_load_all((EXAMPLE / file).read_text())]
        namespaces = [each for each in documents if each["kind"] == "Namespace"]
        self._apply(*namespaces, *(_service(name) for name in WORKLOADS))
        addresses = {name: self._address(name) for name in WORKLOADS}
        deployments = [each for each in documents if each["kind"] == "Deployment"]
        for each in deployments:
            # The cluster has no DNS: the one name that the app asks for.
            known = [{"ip": addresses["user-profile"], "hostnames": ["user-profile"]}]
            each["spec"]["template"]["spec"] |= {"hostAliases": known, "terminationGracePeriodSeconds": 2}
            # One pod at a time, so that its counters go on under the labels that the month before has.
            each["spec"] |= {"replicas": 1, "strategy": {"type": "Recreate"}}
        self._apply(*deployments)
        self.rolled_out(*WORKLOADS)
        self._apply(_people(addresses))
        self.rolled_out(PEOPLE)

    def promise(self) -> None:
        """Apply policy and objectives of the example."""
        files = sorted(each for each in EXAMPLE.glob("*.yaml") if each.name not in BASICS)
        self._kubectl("apply", *(f"--filename={each}" for each in files))

    def rolled_out(self, *names: str) -> None:
        """Wait until Deployments are rolled out."""
        for name in names:
            self._kubectl("rollout", "status", f"deployment/{name}", "-n", NAMESPACE, "--timeout=120s")

    def url(self, name: str) -> str:
        """Return the base URL of a workload, inside the cluster."""
        return f"http://{name}:{PORT}"

    def chaos(self, name: str, fault: Fault) -> None:
        """Break or repair every pod of a workload. Raises ClusterError if one does not obey."""
        for pod in self._pods(name):
            self._order(pod, "chaos", {"fault": fault.value})

    def lapse(self, name: str, requests: int) -> None:
        """Have one pod of a workload count requests as answered well. Raises ClusterError if it does not obey."""
        self._order(self._pods(name)[0], "lapse", {"requests": requests})

    def _pods(self, name: str) -> list[str]:
        chosen = f"app.kubernetes.io/name={name}"
        found = json.loads(self._kubectl("get", "pods", "-n", NAMESPACE, "-l", chosen, "-o", "json").stdout)["items"]
        running = [each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]]
        if not running:
            raise ClusterError(f"{name} of the app has no pod.")
        return running

    def _order(self, pod: str, what: str, body: Mapping[str, object]) -> None:
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{PORT}/proxy/{what}"
        self._kubectl("create", f"--raw={path}", "-f", "-", input=json.dumps(body))

    def _address(self, name: str) -> str:
        return self._kubectl("get", "service", name, "-n", NAMESPACE, "-o", "jsonpath={.spec.clusterIP}").stdout

    def _apply(self, *manifests: dict[str, Any]) -> None:
        self._kubectl("apply", "-f", "-", input=yaml.safe_dump_all(manifests))


def _service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"app.kubernetes.io/name": name}, "ports": [{"port": PORT, "targetPort": "http"}]},
    }


def _people(addresses: Mapping[str, str]) -> dict[str, Any]:
    labels = {"app": PEOPLE}
    reached = {"gateway": "gateway", "chat": "realtime-chat", "matching": "matching"}
    container = {
        "name": PEOPLE,
        "image": "soulsync/app:1.4.2",
        "command": ["python3", "-m", "e2e.demo.load"],
        "args": [f"--{flag}=http://{addresses[name]}:{PORT}" for flag, name in reached.items()],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": PEOPLE, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
