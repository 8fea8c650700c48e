"""The demo from start to end: each step does something real, shows it, and checks what the status then says."""

import os
import time

from e2e.cluster.cluster import Cluster
from e2e.cluster.state import REPOSITORY
from e2e.demo import checks, history, load
from e2e.demo.freeze import Freeze
from e2e.demo.history import History
from e2e.demo.reading import Readings
from e2e.demo.screen import Screen
from e2e.demo.soulsync import WORKLOADS, SoulSync
from e2e.demo.spending import Spending
from e2e.demo.stage import IN_NAMESPACE, Stage

EXAMPLE = os.path.relpath(REPOSITORY / "examples" / "soulsync")
OPERATOR_FLAGS = ("--cycle-interval", "5s", "--query-offset", "2s")

SCRAPE_SECONDS = 60.0


class Story:
    """Tells the demo on a cluster that it brings up itself."""

    def __init__(self, cluster: Cluster, screen: Screen) -> None:
        self._cluster = cluster
        self._screen = screen
        self._stage = Stage(cluster, screen)

    def tell(self) -> SoulSync:
        """Tell it to the end, and leave everything running.

        Raises:
            StepFailedError: a step did not show what it should.
            ClusterError: the cluster, a tool or the app failed.

        """
        self._bring_up()
        past = self._write_history()
        app = self._go_live()
        self._apply()
        Spending(self._stage, app).tell(past)
        Freeze(self._stage, app).tell()
        self._sum_up()
        return app

    def now(self) -> Readings:
        """Read all objectives of the app."""
        return self._stage.now()

    def _bring_up(self) -> None:
        self._screen.chapter("1  A cluster")
        self._screen.tell(
            "A real Kubernetes API server with etcd, controllers and scheduler, a real Prometheus, and Frostline's"
            " operator and webhook as its chart installs them: all of them processes on this machine."
        )
        self._cluster.up(operator_flags=OPERATOR_FLAGS)
        self._stage.mark("the cluster is up, operator and webhook are ready")

    def _write_history(self) -> History:
        self._screen.chapter("2  A month of SoulSync, a dating app")
        self._screen.tell(
            "A promise over 30 days needs 30 days to look back on. They are written into Prometheus with promtool:"
            " days and nights of traffic, a few bad hours, and so a known answer for each budget."
        )
        began = time.monotonic()
        past = history.build(int(time.time()))
        file = self._cluster.folder / "history.openmetrics"
        samples = past.write(file)
        self._cluster.prometheus.write_history(file)
        self._screen.held(
            f"{samples:,} samples of {len(past.series)} series, written in {time.monotonic() - began:.0f} s"
        )
        self._stage.mark("30 days of history are in Prometheus")
        return past

    def _go_live(self) -> SoulSync:
        per_second = sum(stream.per_second for stream in load.streams("", "", ""))
        self._screen.tell(
            "From here on the app is live: four small HTTP services with real histograms, and people who use them"
            f" ({per_second:.0f} requests a second). Prometheus scrapes them under the labels of the history, so"
            " the series go on."
        )
        app = SoulSync.start(self._cluster)
        app.let_people_in()
        app.be_scraped()
        finding = self._stage.wait(
            lambda: checks.workloads_scraped(WORKLOADS, self._jobs_up()), SCRAPE_SECONDS, lambda found: found.holds
        )
        self._stage.require(f"Prometheus scrapes {', '.join(WORKLOADS)}", [finding])
        self._stage.mark("the app is live")
        return app

    def _apply(self) -> None:
        self._screen.chapter("3  The promise becomes a resource")
        self._stage.show("apply", "-f", EXAMPLE)
        for name in WORKLOADS:
            self._stage.quietly("rollout", "status", f"deployment/{name}", *IN_NAMESPACE, "--timeout=60s")
        self._stage.show("get", "deployments", *IN_NAMESPACE)
        self._screen.tell(
            "To be honest: nodes and pods here are simulated (kwok). The Deployments are real objects and their"
            " rollouts complete, but the four services that answer requests are plain processes beside them."
        )
        self._stage.mark("six ServiceLevelObjectives are applied")

    def _sum_up(self) -> None:
        self._screen.chapter("What happened when")
        self._screen.timeline(self._stage.timeline)

    def _jobs_up(self) -> list[str]:
        try:
            answer = self._cluster.prometheus.query("up == 1")
        except OSError:
            return []
        return [each["metric"]["job"] for each in answer]
