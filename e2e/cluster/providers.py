"""What the three kinds of cluster have in common: local, kind and existing."""

from typing import Protocol

from e2e.cluster.supervisor import Part

# Needed whatever the cluster is: clients, and Prometheus as a process of this machine.
COMMON_TOOLS: tuple[str, ...] = ("kubectl", "helm", "prometheus", "promtool")


class Provider(Protocol):
    """Gives a cluster and writes the administrator's kubeconfig of it into the site's folder."""

    name: str
    tools: tuple[str, ...]
    # Names of environment variables that the operator needs to reach the cluster.
    passed_on: tuple[str, ...]

    def check(self) -> None:
        """Refuse what cannot work or was not named on purpose, before anything is done.

        Raises:
            ClusterError: says what to give or to install.

        """

    def prepare(self) -> None:
        """Clear away what an earlier life left that cannot be used any more."""

    def start(self) -> None:
        """Make the cluster ready and write its kubeconfig.

        Raises:
            ClusterError: it cannot be.

        """

    def release(self) -> None:
        """Let go of a cluster that is not processes of this machine: undo what was done to it, no more."""

    def parts(self) -> list[Part]:
        """Name the processes, in the order of their start."""
