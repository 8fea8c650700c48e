"""The story up to the empty budget: an account that is right, and one bad release that spends it."""

from e2e.demo import checks
from e2e.demo.history import History
from e2e.demo.promises import BROKEN, PROMISES
from e2e.demo.reading import Readings, level_events
from e2e.demo.releases import BAD, CULPRIT, RELEASED, release
from e2e.demo.soulsync import App
from e2e.demo.stage import IN_NAMESPACE, Stage, hold
from examples.soulsync.app.workloads import Fault

OLDEST_FIRST = ("--sort-by", ".metadata.creationTimestamp")
MEASURE_SECONDS = 120.0
EXHAUST_SECONDS = 240.0
EVENT_SECONDS = 15.0


class Spending:
    """Tells how the budget that a month left is spent by one release."""

    def __init__(self, stage: Stage, app: App) -> None:
        self._stage = stage
        self._screen = stage.screen
        self._app = app

    def tell(self, past: History) -> None:
        """Tell it to the end, on a cluster in which the objectives are applied and `past` is in Prometheus.

        Raises:
            StepFailedError: a step did not show what it should.
            ClusterError: the cluster or the app failed.

        """
        self._release(self._measure(past))

    def _measure(self, past: History) -> Readings:
        self._screen.chapter("4  The account fills in")
        names = [promise.slo for promise in PROMISES]
        self._stage.show("get", "slo", *IN_NAMESPACE)
        self._screen.tell(
            "Sums over the window are there at once. The level waits until the buckets behind them are filled in"
            " (until then Measured is False: Rehydrating)."
        )
        self._stage.wait(self._stage.now, MEASURE_SECONDS, lambda seen: hold(checks.all_measured(names, seen)))
        self._stage.require(f"all {len(names)} are measured", checks.all_measured(names, self._stage.now()))
        self._stage.show("wait", "--for=condition=Measured", "slo", "--all", *IN_NAMESPACE, "--timeout=60s")
        self._stage.show("get", "slo", *IN_NAMESPACE, picture=True)
        seen = self._stage.now()
        self._screen.tell("Whoever wrote the history knows the exact answers. Side by side:")
        findings = checks.budgets_exact(past.exact, seen)
        if hold(findings):
            self._screen.budgets(past.exact, seen)
        self._stage.require(
            f"budgets agree within {checks.BUDGET_TOLERANCE} points, and levels follow from them", findings
        )
        self._stage.mark("all six are measured, budgets are right")
        return seen

    def _release(self, before: Readings) -> None:
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
            f"It was a bad one: {CULPRIT} fails (here, POST {self._app.url(CULPRIT)}/chaos). Without a profile the"
            f" gateway answers every getMatches with 503. {left.minutes_left:.1f} minutes of budget are left; the load"
            " is far above the month's average, so they will not last as long."
        )
        self._screen.tell(f"{CULPRIT} fails; every getMatches is answered with 503:", picture=True)
        self._app.chaos(CULPRIT, Fault.ERRORS)
        self._stage.mark(f"{CULPRIT} is broken, getMatches fails")
        watch = self._stage.follow(EXHAUST_SECONDS, lambda seen: checks.is_exhausted(seen.get(BROKEN.slo)))
        after = self._stage.now()
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
