"""The story of the freeze: refused, rolled back, passed by exception, earned back, released."""

from e2e.demo import checks
from e2e.demo.promises import BROKEN
from e2e.demo.reading import Readings, reasons
from e2e.demo.releases import BAD, CULPRIT, FIRST, FIX, GATEWAY, NEXT, RELEASED, release, roll_out
from e2e.demo.soulsync import App
from e2e.demo.stage import IN_NAMESPACE, Stage
from examples.soulsync.app.workloads import Fault
from frostline import names

FREEZE_SECONDS = 30.0
LIFT_SECONDS = 120.0
RECORD_SECONDS = 15.0
ON_RECORD = (names.Reason.RELEASE_REFUSED, names.Reason.OVERRIDE_USED, names.Reason.ROLLED_BACK)
# What one look at the budgets lets go by: far more than thirty days had, so that the damage is soon little of it.
LAPSE_REQUESTS = 1_000_000


class Freeze:
    """Tells what an empty budget does to releases, and what ends it."""

    def __init__(self, stage: Stage, app: App) -> None:
        self._stage = stage
        self._screen = stage.screen
        self._app = app

    def tell(self) -> None:
        """Tell it to the end.

        Raises:
            StepFailedError: a step did not show what it should.
            ClusterError: the cluster or the app failed.

        """
        self._refuse()
        self._roll_back()
        self._except()
        self._earn()
        self._release()

    def _refuse(self) -> None:
        self._screen.chapter("6  The next release is refused")
        findings = self._stage.wait(
            lambda: checks.held(RELEASED, self._stage.rules(), self._stage.deployed()),
            FREEZE_SECONDS,
            lambda found: all(finding.holds for finding in found),
        )
        self._stage.require("what the promise protects is frozen", findings)
        said = release(self._stage, NEXT, GATEWAY, picture=True)
        self._stage.require(
            f"{NEXT} stays outside: the API server asked the webhook, which says why and what would pass",
            checks.refused(GATEWAY, BROKEN.slo, said, BAD, self._stage.deployed()),
        )
        self._stage.mark(f"{NEXT} is refused")
        self._screen.tell(
            "The webhook explains; an admission policy in the API server itself holds, even with every process of"
            " Frostline dead. Both read the same gate:"
        )
        self._stage.show("get", "releasegates", *IN_NAMESPACE)

    def _roll_back(self) -> None:
        self._screen.chapter("7  The way back is open")
        self._screen.tell("What repairs must not wait. Rollback passes, as do scaling, restarts, resources and probes:")
        said = self._stage.try_out("rollout", "undo", f"deployment/{CULPRIT}", *IN_NAMESPACE, picture=True)
        self._stage.require(
            f"{CULPRIT} is back on {FIRST}", checks.passed(CULPRIT, said, FIRST, self._stage.deployed())
        )
        roll_out(self._stage, CULPRIT)
        self._app.chaos(CULPRIT, Fault.NONE)
        self._stage.mark(f"{CULPRIT} is rolled back and well")
        self._screen.tell(
            f"{CULPRIT} works again. The service is well at once; what was spent stays spent for 30 days: the promise"
            " is about the month, not about this minute."
        )

    def _except(self) -> None:
        self._screen.chapter("8  What cannot wait")
        self._screen.tell(
            "A library has a hole. Whoever may declare an exception does, in their own name, for a while, and here for"
            " one image only:"
        )
        asked = ("override", f"deployment/{GATEWAY}", *IN_NAMESPACE, "--class", "Security", "--image", FIX)
        declared = self._stage.frostline(
            *asked, "--reason", "hole in the TLS library", "--ticket", "SEC-142", "--for", "1h", picture=True
        )
        self._stage.require("the override is live", [checks.is_live(declared)])
        said = release(self._stage, FIX, GATEWAY, picture=True)
        self._stage.require(f"{FIX} is out", checks.passed(GATEWAY, said, FIX, self._stage.deployed()))
        self._stage.mark(f"{FIX} goes out, by override")
        self._stage.require(f"{BROKEN.slo} is still Exhausted", [checks.stays_exhausted(BROKEN.slo, self._stage.now())])

    def _earn(self) -> None:
        self._screen.chapter("9  Earned back")
        self._screen.tell(
            "Good traffic makes the damage a smaller share, and one day the damage leaves the window. The freeze lifts"
            " when there is budget again, more of it than a while ago, with burn over an hour below 1. That takes days;"
            f" here they go by in seconds: the gateway counts {LAPSE_REQUESTS:,} good answers at a time"
            f" (POST {self._app.url(GATEWAY)}/lapse), and the policy of the example asks for 10 seconds of calm, not"
            " for an hour."
        )
        self._screen.tell("The service is well again; good days go by:", picture=True)
        self._stage.follow(LIFT_SECONDS, self._lapse)
        findings = checks.lifted(RELEASED, self._stage.rules(), self._stage.deployed())
        self._stage.require(
            "the freeze is lifted, gates and marks are gone",
            [*findings, checks.recovered(BROKEN.slo, self._stage.now())],
        )
        self._stage.mark("gates and marks are gone, releases are open")
        self._stage.show("get", "slo", *IN_NAMESPACE)
        self._stage.show("get", "releasegates", *IN_NAMESPACE)

    def _lapse(self, _seen: Readings) -> bool:
        """Say whether the freeze is lifted; if not, let some good days go by."""
        if checks.is_lifted(RELEASED, self._stage.rules(), self._stage.deployed()):
            return True
        self._app.lapse(GATEWAY, LAPSE_REQUESTS)
        return False

    def _release(self) -> None:
        self._screen.chapter("10  And out it goes")
        said = release(self._stage, NEXT, GATEWAY, picture=True)
        self._stage.require(
            f"{NEXT}, refused before, is out", checks.passed(GATEWAY, said, NEXT, self._stage.deployed())
        )
        self._stage.mark(f"{NEXT} goes out")
        self._screen.tell("What was refused and what passed by exception is on record:")
        finding = self._stage.wait(
            lambda: checks.recorded(ON_RECORD, reasons(self._stage.read("events"))),
            RECORD_SECONDS,
            lambda found: found.holds,
        )
        webhooks = ("--field-selector", f"reportingComponent={names.REPORTING_WEBHOOK}")
        self._stage.show(
            "get", "events", *IN_NAMESPACE, *webhooks, "-o", "custom-columns=REASON:.reason,MESSAGE:.message"
        )
        self._stage.require("Events tell who was refused and whom an override let pass", [finding])
