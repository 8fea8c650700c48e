"""The story up to the empty budget: each step does something real, shows it, and checks what the status then says."""

import os
import time

from e2e.cluster.cluster import Cluster
from e2e.cluster.state import REPOSITORY
from e2e.demo import checks, history, load
from e2e.demo.freeze import Freeze
from e2e.demo.history import History
from e2e.demo.promises import BROKEN, PROMISES
from e2e.demo.reading import Readings, level_events
from e2e.demo.releases import BAD, CULPRIT, RELEASED, release
from e2e.demo.screen import Screen
from e2e.demo.soulsync import WORKLOADS, SoulSync
from e2e.demo.stage import IN_NAMESPACE, Stage, hold
from examples.soulsync.app.workloads import Fault

EXAMPLE = os.path.relpath(REPOSITORY / "examples" / "soulsync")
OPERATOR_FLAGS = ("--cycle-interval", "5s", "--query-offset", "2s")
OLDEST_FIRST = ("--sort-by", ".metadata.creationTimestamp")

SCRAPE_SECONDS = 60.0
MEASURE_SECONDS = 120.0
EXHAUST_SECONDS = 240.0
EVENT_SECONDS = 15.0


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
        before = self._measure(past)
        self._release(app, before)
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

    def _measure(self, past: History) -> Readings:
        self._screen.chapter("4  The account fills in")
        names = [promise.slo for promise in PROMISES]
        self._stage.show("get", "slo", *IN_NAMESPACE)
        self._screen.tell(
            "Sums over the window are there at once. The level waits until the buckets behind them are filled in"
            " (until then Measured is False: Rehydrating)."
        )
        self._stage.wait(self.now, MEASURE_SECONDS, lambda seen: hold(checks.all_measured(names, seen)))
        self._stage.require(f"all {len(names)} are measured", checks.all_measured(names, self.now()))
        self._stage.show("wait", "--for=condition=Measured", "slo", "--all", *IN_NAMESPACE, "--timeout=60s")
        self._stage.show("get", "slo", *IN_NAMESPACE, picture=True)
        seen = self.now()
        self._screen.tell("Whoever wrote the history knows the exact answers. Side by side:")
        findings = checks.budgets_exact(past.exact, seen)
        if hold(findings):
            self._screen.budgets(past.exact, seen)
        self._stage.require(
            f"budgets agree within {checks.BUDGET_TOLERANCE} points, and levels follow from them", findings
        )
        self._stage.mark("all six are measured, budgets are right")
        return seen

    def _release(self, app: SoulSync, before: Readings) -> None:
        self._screen.chapter("5  One bad release")
        self._screen.tell(
            "The latency of getMatches has spent more than a third of its budget: whoever releases is warned, and may."
            f" So {BAD} goes out."
        )
        said = release(self._stage, BAD, *RELEASED)
        deployed = self._stage.deployed()
        findings = [finding for name in RELEASED for finding in checks.passed(name, said, BAD, deployed)]
        self._stage.require(f"{BAD} is out, with a warning", [*findings, checks.warned(said)])
        self._stage.mark(f"{BAD} goes out")
        left = before[BROKEN.slo]
        self._screen.tell(
            f"It was a bad one: {CULPRIT} fails (here, POST {app.url(CULPRIT)}/chaos). Without a profile the gateway"
            f" answers every getMatches with 503. {left.minutes_left:.1f} minutes of budget are left; the load is far"
            " above the month's average, so they will not last as long."
        )
        self._screen.tell(f"{CULPRIT} fails; every getMatches is answered with 503:", picture=True)
        app.chaos(CULPRIT, Fault.ERRORS)
        self._stage.mark(f"{CULPRIT} is broken, getMatches fails")
        watch = self._stage.follow(EXHAUST_SECONDS, lambda seen: checks.is_exhausted(seen.get(BROKEN.slo)))
        after = self.now()
        self._stage.require(
            f"{BROKEN.slo} is Exhausted, and its figures only fell", checks.exhausted(BROKEN.slo, watch.track)
        )
        self._stage.require("the other journeys are untouched", checks.unaffected(before, after))
        self._stage.show("get", "slo", *IN_NAMESPACE)
        self._screen.tell(
            "The level fell before the budget did: burn above 5 over six hours and over half an hour is Endangered,"
            " however much is left. Each change is an Event:"
        )
        shown = ("get", "events", *IN_NAMESPACE, "--field-selector", "reason=LevelChanged")
        finding = self._stage.wait(
            lambda: checks.event_tells(BROKEN.slo, level_events(self._stage.read("events"))),
            EVENT_SECONDS,
            lambda found: found.holds,
        )
        columns = "custom-columns=TYPE:.type,SLO:.involvedObject.name,MESSAGE:.message"
        self._stage.show(*shown, *OLDEST_FIRST, "-o", columns)
        self._stage.require("an Event tells of the Exhausted budget", [finding])

    def _sum_up(self) -> None:
        self._screen.chapter("What happened when")
        self._screen.timeline(self._stage.timeline)

    def _jobs_up(self) -> list[str]:
        try:
            answer = self._cluster.prometheus.query("up == 1")
        except OSError:
            return []
        return [each["metric"]["job"] for each in answer]
