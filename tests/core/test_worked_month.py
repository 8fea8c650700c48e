"""The budget against figures worked out by hand: the worked month, uneven traffic, slices."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.budget import budget, remaining, whole
from frostline.core.indicator import Age, Counted, Counters, Side, TimeShare
from frostline.core.objective import Objective
from frostline.core.promql import Slices
from frostline.core.selector import Selector
from frostline.core.window import Calendar, Period, Rolling, Spans, Window, bounds

DAY = 86_400
COUNTERS = Counters(Selector("bad_total"), Counted.BAD, Selector("all_total"))
THIRTY_DAYS = Rolling(timedelta(days=30))
APRIL = Calendar(Period.MONTH, ZoneInfo("Europe/Berlin"))


def _objective(window: Window, target: str = "99.9", slices: Slices | None = None) -> Objective:
    return Objective(COUNTERS, Decimal(target), window, slices)


def _left(objective: Objective, at: int, bad: float, valid: float) -> float:
    start, end = bounds(objective.window, at)
    of = Spans(np.array([start]), np.array([end - start]))
    held = whole(objective, np.array([valid]), of, np.array([at]))
    return float(remaining(objective, np.array([bad]), held)[0])


@pytest.mark.parametrize(
    ("week", "spent_minutes", "percent", "minutes"),
    [(1, 2.16, 95, 41.0), (2, 6.48, 85, 36.7), (3, 9.504, 78, 33.7), (4, 36.72, 15, 6.5)],
)
def test_the_worked_month(week: int, spent_minutes: float, percent: float, minutes: float) -> None:
    """99.9 % over a month of 30 days with uniform traffic; in minutes of total outage."""
    objective = _objective(Calendar(Period.MONTH, UTC))
    start = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp())
    per_second = 50.0

    left = _left(objective, start + week * 7 * DAY, spent_minutes * 60 * per_second, week * 7 * DAY * per_second)
    account = budget(objective, left, 0.0, 30 * DAY, 0)

    assert left * 100 == pytest.approx(percent)
    assert account.minutes_left == pytest.approx(minutes, abs=0.05)
    assert account.minutes_total == pytest.approx(43.2)


def test_the_first_bad_request_of_a_month_does_not_empty_it() -> None:
    start = bounds(APRIL, int(datetime(2026, 4, 9, tzinfo=UTC).timestamp()))[0]
    assert _left(_objective(APRIL), start + 300, 1, 100) > 0.99


def test_an_hour_of_errors_costs_what_its_traffic_is_worth() -> None:
    """1,000 requests a second for twelve hours, 1 for the other twelve: half of one hour fails."""
    valid = 30 * 12 * 3600 * (1000.0 + 1.0)
    objective = _objective(THIRTY_DAYS)
    assert _left(objective, 100 * DAY, 0.5 * 3600 * 1000, valid) < -0.38
    assert _left(objective, 100 * DAY, 0.5 * 3600 * 1, valid) > 0.998


def test_slices_of_a_calendar_period_are_all_slices_of_it() -> None:
    objective = _objective(APRIL, "99.5", Slices(60, Decimal("0.95")))
    start, end = bounds(APRIL, int(datetime(2026, 3, 30, tzinfo=UTC).timestamp()))
    # March 2026 is an hour short in Berlin.
    assert end - start == (31 * 24 - 1) * 3600
    assert _left(objective, start + 3600, 60, 60) == pytest.approx(1 - 60 / (0.005 * (31 * 24 - 1) * 60))


def test_minutes_of_a_value_are_slices_of_a_minute() -> None:
    objective = Objective(TimeShare(Age(Selector("t")), Decimal(60), Side.BELOW), Decimal(99), APRIL)
    start = bounds(APRIL, int(datetime(2026, 4, 9, tzinfo=UTC).timestamp()))[0]
    assert _left(objective, start + 7 * DAY, 43.2, 7 * 1440) == pytest.approx(0.9)


@given(
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.floats(1, 1e12),
    st.sampled_from([THIRTY_DAYS, APRIL]),
)
def test_remaining_falls_as_bad_rises(fewer: float, more: float, valid: float, window: Window) -> None:
    fewer, more = sorted((fewer, more))
    objective = _objective(window)
    at = int(datetime(2026, 4, 9, tzinfo=UTC).timestamp())
    assert _left(objective, at, fewer, valid) >= _left(objective, at, more, valid)
    assert _left(objective, at, 0, valid) == 1
