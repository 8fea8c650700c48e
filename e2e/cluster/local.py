"""CLUSTER=local: control plane and kwok as processes of this machine."""

import shutil
from pathlib import Path

from e2e.cluster import certificates
from e2e.cluster.controlplane import ControlPlane
from e2e.cluster.errors import ClusterError, PartError
from e2e.cluster.kwok import Kwok
from e2e.cluster.providers import COMMON_TOOLS
from e2e.cluster.site import Site
from e2e.cluster.supervisor import Part
from e2e.cluster.waiting import becomes

ACCOUNT_SECONDS = 60.0


class LocalProvider:
    """A control plane of our own."""

    name = "local"
    tools: tuple[str, ...] = (
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
        "kwok-stages.yaml",
        *COMMON_TOOLS,
    )
    passed_on: tuple[str, ...] = ()

    def __init__(self, site: Site) -> None:
        self._site = site
        self.plane = ControlPlane(site.folder, site.tool, site.supervisor)
        self.kwok = Kwok(site.folder, site.tool, self.plane)

    def check(self) -> None:
        """Nothing can be wrong yet: all that is needed is found or built."""

    def prepare(self) -> None:
        """Start a new life if the certificates of the last one end soon, or the machine was restarted.

        etcd writes without waiting for the disk, so its data are good after a crash of any process but not
        after one of the machine.
        """
        boot = _boot()
        if certificates.usable(self.plane.certs) and self._site.state.get("boot") == boot:
            return
        if self._site.state.get("boot"):
            self._site.tell("  the machine was restarted or the certificates end: starting an empty cluster")
        for name in self._site.processes.names():
            self._site.processes.stop(name)
        self._site.state.clear()
        certificates.make_all(self.plane.certs)
        self._site.state.put(boot=boot)

    def start(self) -> None:
        """Start what does not run, and wait for a ready node and the default service account.

        Raises:
            ClusterError: a part does not come up.

        """
        self._report(self._store())
        self.plane.write_client_configs()
        self._report(self._site.supervisor.ensure(self.plane.api_server))
        # The port may have moved at the start.
        self.plane.write_client_configs()
        clients = (self.plane.controller_manager, self.plane.scheduler, self.kwok.part)
        self._report(self._site.supervisor.ensure(*clients))
        self.kwok.ensure_node()
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        if not becomes(lambda: self.plane.read(account) is not None, ACCOUNT_SECONDS):
            raise ClusterError("There is no default service account; see kube-controller-manager.log.")

    def release(self) -> None:
        """Do nothing: everything is a process and ends as one."""

    def parts(self) -> list[Part]:
        """Name the processes, in the order of their start."""
        plane = self.plane
        return [plane.etcd, plane.api_server, plane.controller_manager, plane.scheduler, self.kwok.part]

    def _store(self) -> list[str]:
        """Bring etcd up; with empty data if it does not take those it left."""
        had_data = (self.plane.data / "member").exists()
        try:
            return self._site.supervisor.ensure(self.plane.etcd)
        except PartError as error:
            if not had_data:
                raise
            self._site.tell(f"etcd does not take its data of before, so the cluster starts empty ({error})")
        for part in reversed(self.parts()):
            self._site.processes.stop(part.name)
        shutil.rmtree(self.plane.data)
        self._site.state.put(chart="", release="")
        return self._site.supervisor.ensure(self.plane.etcd)

    def _report(self, started: list[str]) -> None:
        if started:
            self._site.tell(f"  started {', '.join(started)}")


def _boot() -> str:
    """Name the present run of this machine's system; the same text for ever where that cannot be told."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else "unknown"
