"""CLUSTER=kind: a kind cluster in Docker."""

import os
import shutil
import subprocess

from e2e.cluster.errors import ClusterError
from e2e.cluster.kubectl import run
from e2e.cluster.launch import write_atomically
from e2e.cluster.providers import COMMON_TOOLS
from e2e.cluster.site import Site
from e2e.cluster.supervisor import Part

CLUSTER = "frostline-local"
CREATE_SECONDS = 600.0
NODE_IMAGE = "KIND_NODE_IMAGE"
"""Variable that names the image of the node, and so the version of Kubernetes; without it kind chooses."""


class KindProvider:
    """A kind cluster: made when there is none, and deleted again only if it was made here."""

    name = "kind"
    tools = COMMON_TOOLS
    passed_on: tuple[str, ...] = ()

    def __init__(self, site: Site) -> None:
        self._site = site

    def check(self) -> None:
        """Refuse without kind or without Docker.

        Raises:
            ClusterError: says which.

        """
        if shutil.which("kind") is None:
            raise ClusterError("CLUSTER=kind needs the command kind on PATH: install it, or use CLUSTER=local.")
        if shutil.which("docker") is None:
            raise ClusterError("CLUSTER=kind needs Docker: install it, or use CLUSTER=local.")
        try:
            asked = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=30, check=False)
        except subprocess.TimeoutExpired as error:
            raise ClusterError("CLUSTER=kind needs Docker, and `docker info` does not answer.") from error
        if asked.returncode != 0:
            raise ClusterError(f"CLUSTER=kind needs Docker, and `docker info` says: {asked.stderr.strip()}")

    def prepare(self) -> None:
        """Do nothing: kind keeps its own state."""

    def start(self) -> None:
        """Make the cluster unless it is there, and write its kubeconfig.

        Raises:
            ClusterError: kind fails.

        """
        if CLUSTER not in self._kind("get", "clusters").split():
            self._site.tell(f"  creating the kind cluster {CLUSTER}")
            # Written before, so that a cluster left halfway is known as ours.
            self._site.state.put(kind=CLUSTER)
            image = os.environ.get(NODE_IMAGE)
            chosen = ("--image", image) if image else ()
            self._kind("create", "cluster", "--name", CLUSTER, "--wait", "180s", *chosen)
        write_atomically(self._site.kubeconfig, self._kind("get", "kubeconfig", "--name", CLUSTER), mode=0o600)

    def release(self) -> None:
        """Delete the cluster if it was made here.

        Raises:
            ClusterError: kind fails.

        """
        if self._site.state.get("kind"):
            self._kind("delete", "cluster", "--name", CLUSTER)
            self._site.state.put(kind="")

    def parts(self) -> list[Part]:
        """Name the processes of this machine: there are none."""
        return []

    def _kind(self, *arguments: str) -> str:
        # A kubeconfig of its own: kind would add a context to the user's.
        own = self._site.folder / "kind.kubeconfig"
        return run(["kind", *arguments], own, timeout=CREATE_SECONDS).stdout
