"""Objectives and ledgers with known events, for tests of the arithmetic on them."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from frostline.core.indicator import Counted, Counters
from frostline.core.indicator import counted as counted_by
from frostline.core.ledger import Ledger, entry, open_bucket
from frostline.core.objective import Objective
from frostline.core.selector import Selector
from frostline.core.window import Rolling

AT = 1_800_000_000
"""An epoch second at the full hour."""

DAY = 86_400
HOUR = 3_600

Events = Callable[[int, int], tuple[float | None, float | None]]
"""(numerator, valid) that are counted from one epoch second to another; None where there is no series."""


def objective(target: str = "99.9", *, days: float = 30, counted: Counted = Counted.BAD) -> Objective:
    """Return an objective on the counters `some` and `all`."""
    return Objective(counters(counted=counted), Decimal(target), Rolling(timedelta(days=days)))


def counters(valid: str = "all", *, bad: str = "some", counted: Counted = Counted.BAD) -> Counters:
    """Return an indicator on two counters without labels."""
    return Counters(Selector(bad), counted, Selector(valid))


def filled(promise: Objective, at: int, events: Events) -> Ledger:
    """Return a ledger in which every bucket up to `at` is known."""
    ledger = Ledger(promise.window)
    refill(ledger, promise, at, events)
    return ledger


def refill(ledger: Ledger, promise: Objective, at: int, events: Events) -> None:
    """Record what is unknown up to `at`, and the open bucket."""
    counted = counted_by(promise.indicator)
    for gap in list(ledger.gaps(at)):
        for start in range(gap.start, gap.last + 1, gap.width_s):
            ledger.record(entry(counted, start, gap.width_s, *events(start, start + gap.width_s)))
    opened = open_bucket(at)
    ledger.record_open(entry(counted, opened, at - opened, *events(opened, at)))


def steady(bad_share: float, per_second: float = 1.0) -> Events:
    """Return events that come at one pace, `bad_share` of them bad."""

    def events(start: int, end: int) -> tuple[float, float]:
        valid = per_second * (end - start)
        return bad_share * valid, valid

    return events


def silent(_start: int, _end: int) -> tuple[None, None]:
    """There are no series."""
    return None, None
