"""kwok: one node that runs nothing and says that everything runs, so that rollouts complete."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from e2e.cluster.controlplane import ControlPlane
from e2e.cluster.errors import ClusterError
from e2e.cluster.processes import Command
from e2e.cluster.supervisor import Part, Ports
from e2e.cluster.waiting import becomes

NODE = "frostline-local"
NODE_SECONDS = 60.0
POD_ADDRESSES = "10.244.0.0/16"

# Room for any test, and small enough to read in `kubectl describe node`.
CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "2000", "ephemeral-storage": "1Ti"}


class Kwok:
    """The kwok process and its node."""

    def __init__(self, folder: Path, tools: Callable[[str], Path], plane: ControlPlane) -> None:
        self._home = folder / "kwok"
        self._tools = tools
        self._plane = plane
        self.part = Part("kwok", (), self._command, lambda _: True)

    def ensure_node(self) -> None:
        """Create the node unless it is there, and wait until it is ready.

        Raises:
            ClusterError: the API server refuses it, or it is not ready in time.

        """
        nodes = f"{self._plane.url}/api/v1/nodes"
        status, answer = self._plane.admin.request(nodes, method="POST", body=node_manifest(), timeout=10)
        if status not in {201, 409}:
            raise ClusterError(f"The API server refused the node {NODE}: {answer.decode(errors='replace')}")
        if not becomes(self.node_ready, NODE_SECONDS):
            raise ClusterError(f"The node {NODE} was not ready within {NODE_SECONDS:g} s; see kwok.log.")

    def node_ready(self) -> bool:
        """Say whether the node exists and is Ready."""
        node = self._plane.read(f"/api/v1/nodes/{NODE}")
        conditions = (node or {}).get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def _command(self, _: Ports) -> Command:
        stages = self._tools("kwok-stages.yaml")
        identity = self._plane.client_config("kwok")
        arguments = (
            f"--kubeconfig={identity}",
            f"--config={stages}",
            "--manage-all-nodes=true",
            f"--cidr={POD_ADDRESSES}",
            "--node-ip=127.0.0.1",
            # Without a lease that is renewed the node counts as lost after a minute.
            "--node-lease-duration-seconds=40",
        )
        # Its own folder, since kwok would read ~/.kwok of the user otherwise.
        own_home = {"HOME": str(self._home), "KWOK_WORKDIR": str(self._home)}
        return Command("kwok", (str(self._tools("kwok")), *arguments), (identity, stages), own_home)


def node_manifest() -> dict[str, Any]:
    """Describe the node."""
    labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "type": "kwok"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": labels},
        "status": {"capacity": CAPACITY, "allocatable": CAPACITY},
    }
