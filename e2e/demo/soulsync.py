"""The live app: four workloads and the people who use them, as processes of the demo's cluster."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from e2e.cluster.caller import PLAIN
from e2e.cluster.cluster import Cluster
from e2e.cluster.errors import ClusterError
from e2e.cluster.ports import LOOPBACK, free_ports
from e2e.cluster.processes import Command
from e2e.cluster.state import REPOSITORY
from e2e.cluster.waiting import becomes
from e2e.demo.history import target_labels
from examples.soulsync.app.workloads import Fault

WORKLOADS = ("user-profile", "gateway", "realtime-chat", "matching")
LOAD = "soulsync-load"
START_SECONDS = 30.0


class App(Protocol):
    """What the story does to the app, wherever that runs."""

    def url(self, name: str) -> str:
        """Return the base URL of a workload."""

    def chaos(self, name: str, fault: Fault) -> None:
        """Break or repair one workload. Raises ClusterError if it does not obey."""

    def lapse(self, name: str, requests: int) -> None:
        """Have one workload count requests as answered well. Raises ClusterError if it does not obey."""


@dataclass(frozen=True)
class SoulSync:
    """The app while it runs: the port of each workload on the loopback interface."""

    cluster: Cluster
    ports: Mapping[str, int]

    @classmethod
    def start(cls, cluster: Cluster) -> "SoulSync":
        """Start the four workloads and wait until each answers. Raises ClusterError if one does not."""
        app = cls(cluster, dict(zip(WORKLOADS, free_ports(len(WORKLOADS)), strict=True)))
        for name in WORKLOADS:
            arguments = ["examples.soulsync.app", name, "--listen", app.address(name)]
            arguments += ["--upstream", app.url("user-profile")] if name == "gateway" else []
            cluster.site.processes.start(_python(f"soulsync-{name}", *arguments))
        for name in WORKLOADS:
            if not becomes(partial(PLAIN.answers, f"{app.url(name)}/healthz"), START_SECONDS):
                log = cluster.site.processes.log(f"soulsync-{name}")
                raise ClusterError(f"{name} of the app did not answer within {START_SECONDS:g} s; see {log}.")
        return app

    def address(self, name: str) -> str:
        """Return host and port of a workload."""
        return f"{LOOPBACK}:{self.ports[name]}"

    def url(self, name: str) -> str:
        """Return the base URL of a workload."""
        return f"http://{self.address(name)}"

    def let_people_in(self) -> None:
        """Start the load."""
        urls = ["--gateway", self.url("gateway"), "--chat", self.url("realtime-chat")]
        urls += ["--matching", self.url("matching")]
        self.cluster.site.processes.start(_python(LOAD, "e2e.demo.load", *urls))

    def be_scraped(self) -> None:
        """Have Prometheus scrape the four, under the labels that history carries."""
        for name in WORKLOADS:
            self.cluster.prometheus.add_target(name, self.address(name), target_labels(name))

    def chaos(self, name: str, fault: Fault) -> None:
        """Break or repair one workload. Raises ClusterError if it does not obey."""
        self._order(name, "chaos", {"fault": fault.value})

    def lapse(self, name: str, requests: int) -> None:
        """Have one workload count requests as answered well. Raises ClusterError if it does not obey."""
        self._order(name, "lapse", {"requests": requests})

    def _order(self, name: str, what: str, body: Mapping[str, object]) -> None:
        url = f"{self.url(name)}/{what}"
        try:
            status, answer = PLAIN.request(url, method="POST", body=body)
        except OSError as error:
            raise ClusterError(f"POST {url} was not answered ({error}); see the logs of soulsync-{name}.") from error
        if status != 200:
            raise ClusterError(f"POST {url} was answered with {status}: {answer.decode(errors='replace')}")


def _python(name: str, module: str, *arguments: str) -> Command:
    argv = (sys.executable, "-m", module, *arguments)
    return Command(name, argv, environment={"PYTHONPATH": str(REPOSITORY)})
