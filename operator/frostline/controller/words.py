"""The sentences and figures that people read in a status."""

from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal

from frostline import names
from frostline.api.gate import GateSpec
from frostline.core.gate import Workload
from frostline.core.objective import Objective
from frostline.core.outcome import (
    Failed,
    Failure,
    Inconsistent,
    Measured,
    NoData,
    NoSource,
    NoTraffic,
    Outcome,
    Partial,
    Rehydrating,
    SeriesLost,
    SeveralSeries,
    Stale,
    Unsourced,
)

NOTHING = "-"

_UNSOURCED = {
    Unsourced.NOT_FOUND: names.Reason.SOURCE_NOT_FOUND,
    Unsourced.NOT_ALLOWED: names.Reason.SOURCE_NOT_ALLOWED,
    Unsourced.NOT_USABLE: names.Reason.SOURCE_NOT_USABLE,
}

_NOISE_DIGITS = 10
"""Binary fractions end a speck below what they mean: 29 % must not be shown as 28.99 %."""


def utc(at: int) -> datetime:
    """Return epoch second `at` as a time."""
    return datetime.fromtimestamp(at, UTC)


def decimal(value: float, digits: int) -> Decimal:
    """Return `value` with `digits` after the point, rounded down, so that no promise looks kept that is not."""
    exact = Decimal(repr(round(value, _NOISE_DIGITS)))
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR)


def plain(value: Decimal) -> str:
    """Return a decimal as people write it: 99.9, 100, 43.2."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def sli_digits(objective: Objective) -> int:
    """Return the digits an SLI needs so that a hundredth of the budget shows: 3 for 99, 4 for 99.9."""
    exponent = (objective.allowed * 100).normalize().adjusted()
    return min(max(2 - exponent, 2), 7)


def reason_and_sentence(outcome: Outcome, measured_at: datetime | None) -> tuple[names.Reason, str]:
    """Return the reason of the Measured condition and what to tell a person.

    `measured_at` is the time of the figures that are shown, None where none are.
    """
    match outcome:
        case Measured():
            return names.Reason.MEASURED, "every bucket of the window is known"
        case NoTraffic():
            return (
                names.Reason.NO_TRAFFIC,
                "the series exist but counted no valid event in the window: nothing burns",
            )
        case Rehydrating(known=known):
            return (
                names.Reason.REHYDRATING,
                f"reading the window from Prometheus, {int(known * 100)} % known; the level is not judged until all is",
            )
        case NoData(what=what):
            return (
                names.Reason.NO_DATA,
                f"{what}; check the selector and that Prometheus scrapes it{_old(measured_at)}",
            )
        case Stale(newest=newest):
            since = utc(newest).isoformat()
            return (
                names.Reason.STALE,
                f"no sample of the valid events since {since}; check the scrape{_old(measured_at)}",
            )
        case SeveralSeries(count=count):
            return (
                names.Reason.SEVERAL_SERIES,
                f"{count} series where one is meant: narrow the selector, or aggregate in a query{_old(measured_at)}",
            )
        case SeriesLost(before=before, now=now):
            return (
                names.Reason.SERIES_LOST,
                f"{now} of {before} series are left: held until they are back, or have stayed away for 5 minutes"
                f"{_old(measured_at)}",
            )
        case Inconsistent(what=what):
            return (
                names.Reason.INCONSISTENT,
                f"{what}; both selectors must count the same population{_old(measured_at)}",
            )
        case Partial() | Failed() | NoSource():
            return _unanswered(outcome, measured_at)


def _unanswered(outcome: Partial | Failed | NoSource, measured_at: datetime | None) -> tuple[names.Reason, str]:
    match outcome:
        case Partial(warnings=warnings):
            reason, said = names.Reason.PARTIAL, f"Prometheus answered with warnings: {'; '.join(warnings)}"
        case Failed(failure=failure, detail=detail):
            unrecorded = failure is Failure.NOT_RECORDED
            reason = names.Reason.RULES_NOT_EVALUATED if unrecorded else names.Reason.QUERY_FAILED
            said = detail if unrecorded else f"{failure}: {detail}"
        case NoSource(why=why, detail=detail):
            reason, said = _UNSOURCED[why], detail
    return reason, f"{said}{_old(measured_at)}"


def _old(measured_at: datetime | None) -> str:
    if measured_at is None:
        return ""
    return f". Figures and level are of {measured_at.isoformat()} and stay as they are until it is measured again"


def minute(at: datetime) -> str:
    """Return a time to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def gate_message(workload: Workload, spec: GateSpec) -> str:
    """Return what whoever is refused, or warned, at a gate is told."""
    first, others = spec.by[0], len(spec.by) - 1
    measured = "never measured" if first.measured_at is None else f"measured {minute(first.measured_at)}"
    if first.trouble:
        measured += f", not since: {first.trouble}"
    why = (
        f"objective {first.objective} has {first.budget} of its error budget left, {first.level} since"
        f" {minute(first.since)} ({measured})"
    ) + (f", and {others} more" if others else "")
    if not spec.rule.holds:
        return f"{workload} has little error budget to spend on releases: {why}"
    lifts = (
        ""
        if spec.lifts_about is None
        else f"; it may lift about {minute(spec.lifts_about)} if nothing fails until then"
    )
    classes = "/".join(spec.override_classes)
    exception = (
        f"; by exception: frostline override -n {workload.namespace} {workload} --class {classes} --reason …"
        if classes
        else ""
    )
    return (
        f"releases of {workload} are held back ({spec.rule}): {why}{lifts}. Rollback (kubectl rollout undo), scale,"
        f" restart and changes of resources or probes pass{exception}"
    )
