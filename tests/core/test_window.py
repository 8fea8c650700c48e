from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.window import Calendar, Period, Rolling, Window, bounds, longest_s, spans
from tests.support.objectives import AT, DAY, HOUR

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Pacific/Auckland")]
WINDOWS = st.builds(Calendar, st.sampled_from(Period), st.sampled_from(ZONES)) | st.builds(
    lambda days: Rolling(timedelta(days=days)), st.integers(min_value=1, max_value=366)
)
MOMENTS = st.integers(min_value=AT - 400 * DAY, max_value=AT + 400 * DAY)


def berlin(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=BERLIN).timestamp())


@pytest.mark.parametrize(
    ("period", "start", "end", "hours"),
    [
        pytest.param(Period.WEEK, (2026, 10, 19), (2026, 10, 26), 7 * 24 + 1, id="week from Monday, clocks go back"),
        pytest.param(Period.MONTH, (2026, 10, 1), (2026, 11, 1), 31 * 24 + 1, id="month"),
        pytest.param(Period.QUARTER, (2026, 10, 1), (2027, 1, 1), 92 * 24 + 1, id="quarter, into the next year"),
    ],
)
def test_periods_follow_the_clock_of_their_zone(
    period: Period, start: tuple[int, int, int], end: tuple[int, int, int], hours: int
) -> None:
    found = bounds(Calendar(period, BERLIN), berlin(2026, 10, 25, 12))

    assert found == (berlin(*start), berlin(*end))
    assert found[1] - found[0] == hours * HOUR


def test_the_end_of_a_period_belongs_to_it() -> None:
    month = Calendar(Period.MONTH, BERLIN)

    assert bounds(month, berlin(2026, 11, 1)) == (berlin(2026, 10, 1), berlin(2026, 11, 1))
    assert bounds(month, berlin(2026, 11, 1) + 1) == (berlin(2026, 11, 1), berlin(2026, 12, 1))


@given(WINDOWS, MOMENTS)
def test_a_window_holds_its_moment_and_is_no_longer_than_the_longest(window: Window, at: int) -> None:
    start, end = bounds(window, at)

    assert start < at <= end
    assert end - start <= longest_s(window)


@given(WINDOWS, MOMENTS, st.integers(min_value=300, max_value=20 * DAY))
def test_many_windows_are_each_the_single_one(window: Window, first: int, step: int) -> None:
    ends = np.arange(first, first + 20 * step, step, dtype=np.int64)

    many = spans(window, ends)

    singles = [bounds(window, int(at)) for at in ends]
    assert many.starts.tolist() == [start for start, _ in singles]
    assert many.lengths.tolist() == [end - start for start, end in singles]
