"""Clusters with real nodes, for the tests in e2e/node: one of our own, or one that kind makes."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from e2e.cluster import certificates
from e2e.cluster.catalogue import NODE_TOOLS
from e2e.cluster.controlplane import ControlPlane
from e2e.cluster.errors import ClusterError
from e2e.cluster.kind import CLUSTER, KindProvider
from e2e.cluster.kubectl import Kubectl, run
from e2e.cluster.node import API_FLAGS, CLIENTS, Node
from e2e.cluster.node_confinement import CGROUP_PREFIX, furnish
from e2e.cluster.node_images import FROSTLINE, IMAGES, SOULSYNC
from e2e.cluster.node_programs import RUN_BY_NODE
from e2e.cluster.site import Site
from e2e.cluster.waiting import becomes

ACCOUNT_SECONDS = 60.0
ARCHIVE = "images.tar"
OWN, KIND = "local", "kind"

CLIENT_TOOLS = ("kubectl", "helm", "prometheus", "promtool")
OWN_TOOLS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    *NODE_TOOLS,
    *CLIENT_TOOLS,
)
# Names that the images go by on the node: releases of the demo's app, and one of Frostline to upgrade to.
ALIASES = {
    SOULSYNC: tuple(f"docker.io/soulsync/app:{version}" for version in ("1.5.0", "1.5.1", "1.6.0")),
    FROSTLINE: ("docker.io/library/frostline:e2e-next",),
}


class NodeCluster(Protocol):
    """A cluster whose pods run."""

    site: Site

    def up(self) -> None:
        """Bring it up, with the images on its node.

        Raises:
            ClusterError: something does not come up.

        """

    def down(self) -> None:
        """Let it go."""


class OwnNode:
    """A control plane and a node as processes, in namespaces of their own."""

    def __init__(self, site: Site) -> None:
        self.site = site
        programs = {each.name for each in RUN_BY_NODE}
        self._tools = lambda name: _program(site, name) if name in programs else site.tool(name)
        self.plane = ControlPlane(site.folder, site.tool, site.supervisor, flags=_api_flags(site), clients=CLIENTS)
        self.node = Node(site.folder, self._tools, self.plane, cgroup_of(site.folder))

    def up(self) -> None:
        furnish(self._tools)
        certificates.make_all(self.plane.certs)
        supervisor, plane, node = self.site.supervisor, self.plane, self.node
        supervisor.ensure(plane.etcd, node.containerd)
        plane.write_client_configs()
        waiting = supervisor.begin(plane.api_server)
        node.load(self.site.folder / ARCHIVE)
        for image, others in ALIASES.items():
            node.tag(image, *others)
        supervisor.finish(plane.api_server, fresh=waiting)
        # The port may have moved at the start.
        plane.write_client_configs()
        supervisor.ensure(plane.controller_manager, plane.scheduler, node.kubelet, node.kube_proxy)
        node.wait_until_ready()
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        if not becomes(lambda: plane.read(account) is not None, ACCOUNT_SECONDS):
            raise ClusterError("There is no default service account; see kube-controller-manager.log.")

    def down(self) -> None:
        """Do nothing: it ends with its namespaces."""


class KindNode:
    """A cluster that kind makes in Docker."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._provider = KindProvider(site)

    def up(self) -> None:
        self._provider.check()
        # A run that is killed is known by it, and its cluster is deleted by the next.
        self.site.state.put(provider=self._provider.name)
        self._provider.start()
        for image, others in ALIASES.items():
            for other in others:
                run(["docker", "tag", image, other], self.site.kubeconfig)
        names = (*IMAGES, *(other for others in ALIASES.values() for other in others))
        run(["kind", "load", "docker-image", "--name", CLUSTER, *names], self.site.kubeconfig, timeout=600)

    def down(self) -> None:
        self._provider.release()


def node_cluster(site: Site, environment: Mapping[str, str] = os.environ) -> NodeCluster:
    """Return the cluster that CLUSTER asks for.

    Raises:
        ClusterError: it is no such kind.

    """
    return KindNode(site) if wanted(environment) == KIND else OwnNode(site)


def wanted(environment: Mapping[str, str]) -> str:
    """Return what CLUSTER asks for: a node of our own, or kind.

    Raises:
        ClusterError: something else.

    """
    name = environment.get("CLUSTER") or OWN
    if name not in (OWN, KIND):
        raise ClusterError(f"CLUSTER={name} has no node for these tests: they run on {OWN} and {KIND}.")
    return name


def cgroup_of(folder: Path) -> str:
    """Name the cgroup of the node in a state folder."""
    return f"{CGROUP_PREFIX}{folder.name}"


def kubectl_of(cluster: NodeCluster) -> Kubectl:
    """Return kubectl on a cluster, as the administrator."""
    return Kubectl(cluster.site.tool("kubectl"), cluster.site.kubeconfig)


def link_programs(site: Site, programs: Mapping[str, Path]) -> None:
    """Remember where programs of the system are, for inside the namespaces."""
    folder = site.folder / "programs"
    folder.mkdir(parents=True)
    for name, path in programs.items():
        (folder / name).symlink_to(path)


def _program(site: Site, name: str) -> Path:
    return (site.folder / "programs" / name).readlink()


def _api_flags(site: Site) -> tuple[str, ...]:
    certs = site.folder / "certs"
    kubelet = (
        f"--kubelet-certificate-authority={certs}/ca.crt",
        f"--kubelet-client-certificate={certs}/api-server.crt",
        f"--kubelet-client-key={certs}/api-server.key",
    )
    return (*API_FLAGS, *kubelet)
