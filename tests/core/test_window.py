"""Windows: where they start and end, by the clock of a zone, also when that clock is changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.ledger import FINE_S, Entry, Ledger, open_bucket
from frostline.core.shelf import State
from frostline.core.window import Calendar, Period, Rolling, Window, bounds, longest_s, phase_s, spans

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Asuncion",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
FIRST = int(datetime(2015, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2035, 1, 1, tzinfo=UTC).timestamp())

moments = st.integers(FIRST, LAST)
calendars = st.builds(Calendar, st.sampled_from(Period), st.sampled_from(ZONES).map(ZoneInfo))


def _at(zone: str, *clock: int) -> int:
    return int(datetime(*clock, tzinfo=ZoneInfo(zone)).timestamp())  # type: ignore[misc, arg-type]


def _window(period: Period, zone: str) -> Calendar:
    return Calendar(period, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("window", "now", "first", "next_first", "hours"),
    [
        pytest.param(
            _window(Period.MONTH, "Europe/Berlin"),
            (2026, 3, 30, 9),
            (2026, 3, 1),
            (2026, 4, 1),
            31 * 24 - 1,
            id="to summer",
        ),
        pytest.param(
            _window(Period.MONTH, "Europe/Berlin"),
            (2026, 10, 2, 9),
            (2026, 10, 1),
            (2026, 11, 1),
            31 * 24 + 1,
            id="to winter",
        ),
        pytest.param(
            _window(Period.WEEK, "Europe/Berlin"), (2026, 3, 29, 12), (2026, 3, 23), (2026, 3, 30), 167, id="week"
        ),
        pytest.param(
            _window(Period.QUARTER, "Europe/Berlin"),
            (2026, 1, 5),
            (2026, 1, 1),
            (2026, 4, 1),
            90 * 24 - 1,
            id="quarter",
        ),
        pytest.param(
            _window(Period.QUARTER, "America/St_Johns"),
            (2026, 12, 31, 23),
            (2026, 10, 1),
            (2027, 1, 1),
            92 * 24 + 1,
            id="fall",
        ),
        pytest.param(
            _window(Period.MONTH, "Australia/Lord_Howe"),
            (2026, 4, 20),
            (2026, 4, 1),
            (2026, 5, 1),
            30 * 24 + 0.5,
            id="half",
        ),
        pytest.param(
            _window(Period.MONTH, "Asia/Kolkata"), (2026, 2, 28), (2026, 2, 1), (2026, 3, 1), 28 * 24, id="India"
        ),
        pytest.param(
            _window(Period.MONTH, "Africa/Casablanca"),
            (2026, 2, 20),
            (2026, 2, 1),
            (2026, 3, 1),
            28 * 24 + 1,
            id="Ramadan",
        ),
        # Clocks went from 24:00 to 01:00: that month began at one.
        pytest.param(
            _window(Period.MONTH, "America/Asuncion"),
            (2023, 10, 9),
            (2023, 10, 1, 1),
            (2023, 11, 1),
            31 * 24 - 1,
            id="no midnight",
        ),
    ],
)
def test_a_period_runs_from_midnight_to_midnight_by_the_clock_of_its_zone(
    window: Calendar, now: tuple[int, ...], first: tuple[int, ...], next_first: tuple[int, ...], hours: float
) -> None:
    zone = str(window.zone)
    start, end = bounds(window, _at(zone, *now))
    assert start == _at(zone, *first)
    assert end == _at(zone, *next_first)
    assert end - start == hours * 3600


def test_a_rolling_window_ends_now() -> None:
    assert bounds(Rolling(timedelta(days=7)), 1_000_000) == (1_000_000 - 7 * 86_400, 1_000_000)


@given(calendars, moments)
def test_a_period_holds_its_moment_and_the_next_begins_where_it_ends(window: Calendar, at: int) -> None:
    start, end = bounds(window, at)
    assert start < at <= end
    assert bounds(window, end) == (start, end)
    assert bounds(window, start + 1) == (start, end)
    assert bounds(window, end + 1)[0] == end
    assert bounds(window, start)[1] == start
    assert end - start <= longest_s(window)


@given(calendars, moments)
def test_a_period_starts_on_its_first_day_at_the_first_moment_of_it(window: Calendar, at: int) -> None:
    start = bounds(window, at)[0]
    first = datetime.fromtimestamp(start, window.zone)
    before = datetime.fromtimestamp(start - 1, window.zone)
    assert before.date() < first.date()
    assert first.weekday() == 0 if window.period is Period.WEEK else first.day == 1
    if window.period is Period.QUARTER:
        assert first.month in (1, 4, 7, 10)


@given(calendars, moments)
def test_edges_of_periods_are_edges_of_five_minute_buckets(window: Calendar, at: int) -> None:
    assert bounds(window, at)[0] % FINE_S == 0
    assert phase_s(window, at) == bounds(window, at)[0] % 3600


@given(st.one_of(calendars, st.builds(Rolling, st.timedeltas(timedelta(days=1), timedelta(days=366)))), moments)
def test_spans_are_the_bounds_of_each_moment(window: Window, at: int) -> None:
    ends = at + np.arange(0, 40 * 86_400, 7 * 3_600 + 300, dtype=np.int64)
    found = spans(window, ends)
    expected = [bounds(window, int(end)) for end in ends]
    assert found.starts.tolist() == [start for start, _ in expected]
    assert found.lengths.tolist() == [end - start for start, end in expected]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"])
@pytest.mark.parametrize("hours", [0.5, 10, 23.5, 26, 29.75, 31, 55.25])
def test_a_ledger_sums_a_period_from_its_very_start(zone: str, hours: float) -> None:
    """One event a second, from long before: the sum is the time since the period began."""
    window = _window(Period.MONTH, zone)
    first = _at(zone, 2026, 5 if zone == "Australia/Lord_Howe" else 4, 1)
    ledger = Ledger(window)
    at = int(first + hours * 3600) + 150
    for start in range(first - 40 * 3600, open_bucket(at), FINE_S):
        ledger.record(Entry(start, FINE_S, State.PRESENT, 1.0, float(FINE_S)))
    for gap in list(ledger.gaps(at)):
        for start in range(gap.start, gap.last + 1, gap.width_s):
            ledger.record(Entry(start, gap.width_s, State.PRESENT, gap.width_s / FINE_S, float(gap.width_s)))
    ledger.record_open(Entry(open_bucket(at), at - open_bucket(at), State.PRESENT, 0.0, float(at - open_bucket(at))))

    start = bounds(window, at)[0]
    counts = ledger.view(at).counts(start, at)

    assert (counts.start, counts.end) == (first, at)
    assert counts.valid == at - first
    assert counts.coverage == 1
