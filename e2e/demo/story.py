"""The story, step by step: each does something real, shows it, and checks what the status then says."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from e2e.cluster.cluster import Cluster
from e2e.cluster.state import REPOSITORY
from e2e.demo import checks, history
from e2e.demo.checks import Finding
from e2e.demo.history import History
from e2e.demo.promises import BROKEN, PROMISES
from e2e.demo.reading import Readings, level_events, readings
from e2e.demo.screen import Screen, Watch, clock, sparkline
from e2e.demo.soulsync import WORKLOADS, SoulSync
from examples.soulsync.app.workloads import Fault

T = TypeVar("T")

NAMESPACE = "soulsync"
IN_NAMESPACE = ("-n", NAMESPACE)
EXAMPLE = os.path.relpath(REPOSITORY / "examples" / "soulsync")
OPERATOR_FLAGS = ("--cycle-interval", "5s", "--query-offset", "2s")
OLDEST_FIRST = ("--sort-by", ".metadata.creationTimestamp")
CULPRIT = "user-profile"

POLL_SECONDS = 1.0
SCRAPE_SECONDS = 60.0
MEASURE_SECONDS = 120.0
EXHAUST_SECONDS = 240.0
EVENT_SECONDS = 15.0
AFTERMATH_SECONDS = 12.0


class StepFailedError(Exception):
    """A step did not show what it should; the screen has said what."""


class Story:
    """Tells the demo on a cluster that it brings up itself."""

    def __init__(self, cluster: Cluster, screen: Screen) -> None:
        self._cluster = cluster
        self._screen = screen
        self._timeline: list[tuple[float, str]] = []

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
        self._break(app, before)
        self._repair(app)
        self._sum_up()
        return app

    def now(self) -> Readings:
        """Read all objectives of the app."""
        return readings(self._json("get", "slo"))

    def _bring_up(self) -> None:
        self._screen.chapter("1  A cluster")
        self._screen.tell(
            "A real Kubernetes API server with etcd, controllers and scheduler, a real Prometheus, and Frostline's"
            " operator as its chart installs it: all of them processes on this machine."
        )
        self._cluster.up(operator_flags=OPERATOR_FLAGS)
        self._mark("the cluster is up, the operator is ready")

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
        self._mark("30 days of history are in Prometheus")
        return past

    def _go_live(self) -> SoulSync:
        self._screen.tell(
            "From here on the app is live: four small HTTP services with real histograms, and people who use them"
            " (40 requests a second). Prometheus scrapes them under the same labels, so the series go on."
        )
        app = SoulSync.start(self._cluster)
        app.let_people_in()
        app.be_scraped()
        finding = self._await(
            lambda: checks.workloads_scraped(WORKLOADS, self._jobs_up()), SCRAPE_SECONDS, lambda found: found.holds
        )
        self._require(f"Prometheus scrapes {', '.join(WORKLOADS)}", [finding])
        self._mark("the app is live")
        return app

    def _apply(self) -> None:
        self._screen.chapter("3  The promise becomes a resource")
        self._run("apply", "-f", EXAMPLE)
        for name in WORKLOADS:
            self._kubectl("rollout", "status", f"deployment/{name}", *IN_NAMESPACE, "--timeout=60s")
        self._run("get", "deployments", *IN_NAMESPACE)
        self._screen.tell(
            "To be honest: nodes and pods here are simulated (kwok). The Deployments are real objects and their"
            " rollouts complete, but the four services that answer requests are plain processes beside them."
        )
        self._mark("six ServiceLevelObjectives are applied")

    def _measure(self, past: History) -> Readings:
        self._screen.chapter("4  The account fills in")
        names = [promise.slo for promise in PROMISES]
        self._run("get", "slo", *IN_NAMESPACE)
        self._screen.tell(
            "Sums over the window are there at once. The level waits until the buckets behind them are filled in"
            " (until then Measured is False: Rehydrating)."
        )
        self._await(self.now, MEASURE_SECONDS, lambda seen: _hold(checks.all_measured(names, seen)))
        self._require(f"all {len(names)} are measured", checks.all_measured(names, self.now()))
        self._run("wait", "--for=condition=Measured", "slo", "--all", *IN_NAMESPACE, "--timeout=60s")
        self._run("get", "slo", *IN_NAMESPACE, picture=True)
        seen = self.now()
        self._screen.tell("Whoever wrote the history knows the exact answers. Side by side:")
        findings = checks.budgets_exact(past.exact, seen)
        if _hold(findings):
            self._screen.budgets(past.exact, seen)
        self._require(f"budgets agree within {checks.BUDGET_TOLERANCE} points, and levels follow from them", findings)
        self._mark("all six are measured, budgets are right")
        return seen

    def _break(self, app: SoulSync, before: Readings) -> None:
        self._screen.chapter("5  One bad minute")
        left = before[BROKEN.slo]
        self._screen.tell(
            f"Now {CULPRIT} breaks (POST {app.url(CULPRIT)}/chaos). Without a profile the gateway has no matches to"
            f" give: every getMatches is answered with 503. {left.minutes_left:.1f} minutes of budget are left. The"
            " load is far above the month's average, so they will not last as long.",
        )
        self._screen.tell(f"{CULPRIT} breaks; every getMatches is answered with 503:", picture=True)
        app.chaos(CULPRIT, Fault.ERRORS)
        self._mark(f"{CULPRIT} is broken, getMatches fails")
        watch = self._follow_until_exhausted()
        track = [each.remaining for each in watch.track if each.remaining is not None]
        self._screen.tell(f"  burn-down  {sparkline(track)}  {watch.seconds:.0f} s")
        self._timeline += watch.changes
        after = self.now()
        self._require(
            f"{BROKEN.slo} is Exhausted, and its figures only fell", checks.exhausted(BROKEN.slo, watch.track)
        )
        self._require("the other journeys are untouched", checks.unaffected(before, after))
        self._run("get", "slo", *IN_NAMESPACE, picture=True)
        self._screen.tell(
            "The level fell before the budget did: burn above 5 over six hours and over half an hour is Endangered,"
            " however much is left. Each change is an Event:"
        )
        shown = ("get", "events", *IN_NAMESPACE, "--field-selector", "reason=LevelChanged")
        finding = self._await(
            lambda: checks.event_tells(BROKEN.slo, level_events(self._json("get", "events"))),
            EVENT_SECONDS,
            lambda found: found.holds,
        )
        self._run(*shown, *OLDEST_FIRST, "-o", "custom-columns=TYPE:.type,SLO:.involvedObject.name,MESSAGE:.message")
        self._require("an Event tells of the Exhausted budget", [finding])

    def _repair(self, app: SoulSync) -> None:
        self._screen.chapter("6  Repaired, and yet")
        self._screen.tell(
            f"{CULPRIT} works again. The service is well at once; what was spent stays spent for 30 days, and the"
            " level with it. That is the point: the promise is about the month, not about this minute."
        )
        app.chaos(CULPRIT, Fault.NONE)
        self._mark(f"{CULPRIT} is repaired")
        time.sleep(AFTERMATH_SECONDS)
        self._require(f"{BROKEN.slo} is still Exhausted", [checks.stays_exhausted(BROKEN.slo, self.now())])

    def _sum_up(self) -> None:
        self._screen.chapter("What happened when")
        self._screen.timeline(self._timeline)

    def _follow_until_exhausted(self) -> Watch:
        deadline = time.monotonic() + EXHAUST_SECONDS
        with self._screen.watch(BROKEN.slo) as watch:
            while time.monotonic() < deadline:
                seen = self.now()
                watch.see(seen)
                if checks.is_exhausted(seen.get(BROKEN.slo)):
                    break
                time.sleep(POLL_SECONDS)
        return watch

    def _jobs_up(self) -> list[str]:
        try:
            answer = self._cluster.prometheus.query("up == 1")
        except OSError:
            return []
        return [each["metric"]["job"] for each in answer]

    def _mark(self, what: str) -> None:
        self._timeline.append((self._screen.elapsed, what))

    def _kubectl(self, *arguments: str) -> str:
        return self._cluster.kubectl(*arguments).stdout

    def _run(self, *arguments: str, picture: bool = False) -> None:
        self._screen.command(*arguments, output=self._kubectl(*arguments), picture=picture)

    def _json(self, *arguments: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = json.loads(self._kubectl(*arguments, *IN_NAMESPACE, "-o", "json"))
        return answer

    def _await(self, look: Callable[[], T], seconds: float, enough: Callable[[T], bool]) -> T:
        """Look until it is enough or the time is over; return what was seen last."""
        deadline = time.monotonic() + seconds
        while True:
            seen = look()
            if enough(seen) or time.monotonic() >= deadline:
                return seen
            time.sleep(POLL_SECONDS)

    def _require(self, summary: str, findings: Sequence[Finding]) -> None:
        if _hold(findings):
            self._screen.held(f"{summary} ({clock(self._screen.elapsed)})")
            return
        self._screen.failed([finding for finding in findings if not finding.holds])
        raise StepFailedError(summary)


def _hold(findings: Sequence[Finding]) -> bool:
    return all(finding.holds for finding in findings)
