"""The cluster as a whole: a provider, Prometheus, the chart, operator and webhook, over one state folder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.chart import CHART, NAMESPACE, Chart
from e2e.cluster.errors import ClusterError
from e2e.cluster.existing import ExistingProvider
from e2e.cluster.kind import KindProvider
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.launch import write_atomically
from e2e.cluster.local import LocalProvider
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings, check_installed
from e2e.cluster.ports import is_taken
from e2e.cluster.progress import Say, say
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.providers import Provider
from e2e.cluster.site import Site
from e2e.cluster.state import DEFAULT_FOLDER
from e2e.cluster.supervisor import Part
from e2e.cluster.tools import Finder, Found
from e2e.cluster.waiting import becomes
from e2e.cluster.webhook_process import SECRET, WebhookProcess

# Clients before the servers that they talk to; what is not named here (operators of tests) goes first of all.
STOP_ORDER = (
    "operator",
    "webhook",
    "prometheus",
    "kwok",
    "kube-scheduler",
    "kube-controller-manager",
    "kube-apiserver",
    "etcd",
)
PORT_SECONDS = 10.0
WEBHOOK_SECRET = f"{NAMESPACE}/{SECRET}"


@dataclass(frozen=True)
class PartStatus:
    """One process as `status` shows it."""

    name: str
    pid: int | None
    healthy: bool
    ports: tuple[int, ...]


class Cluster:
    """A cluster with Frostline in it.

    Args:
        folder: its state; two clusters with different folders do not meet.
        environment: CLUSTER, KUBECONFIG, CLUSTER_CONTEXT and what `tools.Finder` reads.
        tell: hears what goes on, a line at a time.
        chart: to install.
        scrape_interval: of its Prometheus.

    """

    def __init__(
        self,
        folder: Path = DEFAULT_FOLDER,
        *,
        environment: Mapping[str, str] = os.environ,
        tell: Say = say,
        chart: Path = CHART,
        scrape_interval: str = "5s",
    ) -> None:
        self.site = Site(folder, tell)
        self.folder = self.site.folder
        self.prometheus = Prometheus(
            self.folder / "prometheus",
            self.site.tool,
            self.site.supervisor,
            scrape_interval=scrape_interval,
            targets=self.folder / "targets",
        )
        self._environment = environment
        self._chart = Chart(self.site, chart)
        self._tell = tell

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.site.kubeconfig

    @property
    def kubectl(self) -> Kubectl:
        """Runs kubectl on this cluster as the administrator."""
        return Kubectl(self.site.tool("kubectl"), self.kubeconfig)

    @property
    def prometheus_url(self) -> str:
        """Where its Prometheus answers."""
        return self.prometheus.url

    def operator(self, *flags: str) -> OperatorProcess:
        """Return the handle of the cluster's operator, to be run with these further flags."""
        passed = tuple((n, os.environ[n]) for n in self._provider().passed_on if n in os.environ)
        return OperatorProcess(self.site, OperatorSettings(self.prometheus_url, (), flags, passed))

    def webhook(self) -> WebhookProcess | None:
        """Return the handle of the cluster's webhook; None where the API server cannot reach this machine."""
        if self._provider().name != LocalProvider.name:
            return None
        return WebhookProcess(self.site, "webhook", secret=WEBHOOK_SECRET)

    def find_tools(self) -> dict[str, Found]:
        """Find or build what the cluster needs.

        Raises:
            ClusterError: something cannot be had.

        """
        return Finder(self._environment, self._tell).find(self._provider().tools)

    def up(self, *, operator: bool = True, operator_flags: Sequence[str] = ()) -> None:
        """Bring the cluster up, or what of it is not; return when all is ready. Harmless to repeat.

        Args:
            operator: whether to run operator and webhook as well.
            operator_flags: further flags for the operator. If it runs with others, it is restarted.

        Raises:
            ClusterError: something is missing, refused or does not come up.

        """
        self._refuse_another_kind()
        provider = self._provider()
        provider.check()
        if operator:
            check_installed()
        found = self.find_tools()
        self._tell_sources(found)
        with self.site.state.locked(self._tell):
            self._stop_strays()
            provider.prepare()
            self.site.state.put(provider=provider.name)
            self.site.link_tools(found.values())
            waiting = self.prometheus.begin()
            provider.start()
            self.site.supervisor.finish(self.prometheus.part, fresh=waiting)
            write_atomically(self.folder / "prometheus.url", f"{self.prometheus_url}\n")
            if self._chart.install(self.prometheus_url):
                self._tell("  installed charts/frostline")
            if operator:
                write_atomically(self.folder / "operator.url", f"{self._start_ours(*operator_flags)}\n")

    def down(self) -> list[str]:
        """Stop exactly what was started. Harmless to repeat.

        Returns:
            names of the processes that were stopped.

        Raises:
            ClusterError: a process does not end, or somebody else's cluster does not let go.

        """
        with self.site.state.locked(self._tell):
            self._stop_strays()
            state = self.site.state
            ports = [port for name in self.site.processes.names() for port in state.ports(name).values()]
            names = sorted(self.site.processes.names(), key=_stop_rank)
            stopped = [name for name in names if self.site.processes.stop(name)]
            if state.get("provider"):
                self._provider().release()
            becomes(lambda: not any(is_taken(port) for port in ports), PORT_SECONDS)
            self.site.state.clear()
        return stopped

    def status(self) -> list[PartStatus]:
        """Look at every process that belongs to the cluster, changing nothing."""
        processes = self.site.processes
        expected = {part.name: part for part in self._parts()} if self.site.state.get("provider") else {}
        rows = []
        for name in [*expected, *(name for name in processes.names() if name not in expected)]:
            record = processes.running(name)
            part = expected.get(name)
            healthy = record is not None and (part is None or self.site.supervisor.healthy(part))
            ports = tuple(self.site.state.ports(name).values())
            rows.append(PartStatus(name, record.pid if record else None, healthy, ports))
        return rows

    def _stop_strays(self) -> None:
        if strays := self.site.processes.stop_strays():
            self._tell(f"  stopped what ran on after {self.folder} was deleted: {', '.join(strays)}")

    def _start_ours(self, *flags: str) -> str:
        """Start operator and webhook side by side; returns the operator's URL."""
        webhook = self.webhook()
        if webhook is None:
            return self.operator(*flags).start()
        webhook.start(wait=False)
        # The webhook is ready once the operator has written its certificate.
        self.operator(*_asking(webhook), *flags).start()
        webhook.start()
        # The webhook's port may have moved; an operator that names the right one is left alone.
        return self.operator(*_asking(webhook), *flags).start()

    def _parts(self) -> list[Part]:
        parts = [*self._provider().parts(), self.prometheus.part]
        if (self.folder / "operator.url").exists():
            webhook = self.webhook()
            parts += [self.operator().part, *([] if webhook is None else [webhook.part])]
        return parts

    def _provider(self) -> Provider:
        """Return the provider of the cluster that is up, else the one that CLUSTER asks for."""
        name = self.site.state.get("provider") or self._wanted()
        if name == "local":
            return LocalProvider(self.site)
        if name == "kind":
            return KindProvider(self.site)
        if name == "existing":
            return ExistingProvider(self.site, self._environment)
        raise ClusterError(f"CLUSTER={name} is none of local, kind and existing.")

    def _wanted(self) -> str:
        return self._environment.get("CLUSTER") or "local"

    def _refuse_another_kind(self) -> None:
        standing = self.site.state.get("provider")
        if standing and standing != self._wanted():
            raise ClusterError(
                f"{self.folder} holds a cluster of CLUSTER={standing}, and CLUSTER={self._wanted()} was asked"
                " for: take that one down first (make down)."
            )

    def _tell_sources(self, found: Mapping[str, Found]) -> None:
        sources: dict[str, list[str]] = {}
        for name, each in found.items():
            sources.setdefault(each.source, []).append(name)
        for source, names in sources.items():
            self._tell(f"  tools from {source}: {', '.join(names)}")


def _asking(webhook: WebhookProcess) -> tuple[str, ...]:
    """Return the operator's flags by which the API server asks this webhook."""
    return "--webhook-url", webhook.base_url, "--webhook-secret", WEBHOOK_SECRET


def _stop_rank(name: str) -> int:
    return STOP_ORDER.index(name) if name in STOP_ORDER else -1
