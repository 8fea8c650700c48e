from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.core.indicator import Counted
from frostline.core.ledger import COARSE_S, FINE_HORIZON_S, FINE_S, FOLD_S, Entry, Gap, Ledger, entry, open_bucket
from frostline.core.shelf import State
from frostline.core.window import Calendar, Period, Rolling, bounds
from tests.support.objectives import AT, DAY, HOUR

FEWER = settings(max_examples=25)
WINDOW_S = DAY
OLDEST = AT - WINDOW_S - FOLD_S
BOUNDARY = AT - FINE_HORIZON_S
OPENED = open_bucket(AT)


def truth(start: int) -> Entry:
    """Return what happened in a five-minute bucket: whole numbers, so that float32 holds them."""
    luck = Random(start)
    valid = luck.randrange(1_000)
    state = luck.choice([State.ABSENT, State.NUMERATOR_ABSENT, State.PRESENT, State.PRESENT])
    if state is State.ABSENT:
        return Entry(start, FINE_S, state)
    bad = luck.randrange(valid + 1) if state is State.PRESENT else 0
    return Entry(start, FINE_S, state, float(bad), float(valid))


def hour_of(start: int) -> Entry:
    """Return what happened in the hour from `start` on."""
    parts = [truth(each) for each in range(start, start + COARSE_S, FINE_S)]
    state = State(max(part.state for part in parts))
    return Entry(start, COARSE_S, state, sum(part.bad for part in parts), sum(part.valid for part in parts))


FINE_STARTS = list(range(BOUNDARY - 6 * HOUR, OPENED, FINE_S))
COARSE_STARTS = list(range(OLDEST, BOUNDARY, COARSE_S))
EVERYTHING = [truth(start) for start in FINE_STARTS if start >= AT - FINE_HORIZON_S - HOUR] + [
    hour_of(start) for start in COARSE_STARTS
]


@dataclass(frozen=True)
class Naive:
    """The ledger as two mappings."""

    recorded: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Naive":
        return cls(frozenset((each.start, each.width_s) for each in entries))

    def knows(self, start: int, width_s: int) -> bool:
        if (start, width_s) in self.recorded:
            return True
        return width_s == COARSE_S and all(
            (part, FINE_S) in self.recorded for part in range(start, start + COARSE_S, FINE_S)
        )

    def buckets(self) -> list[Entry]:
        """Return the closed buckets that a figure at AT is made of."""
        wanted = [(start, COARSE_S) for start in COARSE_STARTS]
        wanted += [(start, FINE_S) for start in range(BOUNDARY, OPENED, FINE_S)]
        return [
            (truth(start) if width == FINE_S else hour_of(start))
            if self.knows(start, width)
            else Entry(start, width, State.UNKNOWN)
            for start, width in wanted
        ]


def ledger_of(entries: Iterable[Entry]) -> Ledger:
    ledger = Ledger(Rolling(timedelta(seconds=WINDOW_S)))
    for each in entries:
        ledger.record(each)
    return ledger


ARRIVALS = st.lists(st.sampled_from(EVERYTHING), max_size=30) | st.builds(
    lambda luck, share: luck.sample(EVERYTHING, int(share * len(EVERYTHING))),
    st.randoms(use_true_random=False),
    st.floats(min_value=0, max_value=1),
)


@FEWER
@given(ARRIVALS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_arrival_matters(entries: list[Entry], luck: Random) -> None:
    once, again = ledger_of(entries).view(AT), list(entries) + luck.sample(entries, len(entries) // 2)
    luck.shuffle(again)
    shuffled = ledger_of(again).view(AT)

    for length in (FINE_S, HOUR, WINDOW_S, WINDOW_S + FOLD_S):
        assert once.counts(AT - length, AT) == shuffled.counts(AT - length, AT)


@FEWER
@given(
    ARRIVALS,
    st.integers(min_value=OLDEST, max_value=AT),
    st.integers(min_value=0, max_value=WINDOW_S + FOLD_S),
)
def test_sums_over_any_window_are_the_naive_sums(entries: list[Entry], start: int, length: int) -> None:
    end = min(start + length, AT)
    inside = [each for each in Naive.of(entries).buckets() if each.start + each.width_s > start and _ends_by(each, end)]

    counts = ledger_of(entries).view(AT).counts(start, end)

    if counts.end <= counts.start:
        assert (counts.bad, counts.valid, counts.covered_s, counts.unknown_s) == (0, 0, 0, 0)
        return
    tail = FINE_S if end == AT else 0
    assert counts.bad == sum(each.bad for each in inside)
    assert counts.valid == sum(each.valid for each in inside)
    assert counts.covered_s == sum(each.width_s for each in inside if each.state >= State.NUMERATOR_ABSENT)
    assert counts.unknown_s == sum(each.width_s for each in inside if each.state is State.UNKNOWN) + tail
    assert counts.numerator_seen == any(each.state is State.PRESENT for each in inside)


def _ends_by(each: Entry, end: int) -> bool:
    return each.start + each.width_s <= end


@FEWER
@given(ARRIVALS)
def test_running_sums_agree_with_single_windows(entries: list[Entry]) -> None:
    view = ledger_of(entries).view(AT)
    ends = np.arange(AT - 2 * HOUR, AT + 1, FINE_S, dtype=np.int64)

    bad, valid = view.sums(ends, HOUR)

    singles = [view.counts(int(end) - HOUR, int(end)) for end in ends]
    assert bad.tolist() == [each.bad for each in singles]
    assert valid.tolist() == [each.valid for each in singles]


@FEWER
@given(ARRIVALS)
def test_gaps_are_all_that_is_unknown_newest_first(entries: list[Entry]) -> None:
    gaps = list(ledger_of(entries).gaps(AT))

    found = [(start, gap.width_s) for gap in gaps for start in range(gap.start, gap.last + 1, gap.width_s)]
    wanted = {(each.start, each.width_s) for each in Naive.of(entries).buckets() if each.state is State.UNKNOWN}
    assert set(found) == wanted
    assert len(found) == len(wanted)
    assert all(newer.start > older.last for newer, older in pairwise(gaps))
    assert all(
        newer.start > older.last + older.width_s for newer, older in pairwise(gaps) if newer.width_s == older.width_s
    ), "neighbouring gaps are one"


def test_a_new_ledger_lacks_everything() -> None:
    ledger = Ledger(Rolling(timedelta(days=30)))

    fine, coarse = ledger.gaps(AT)

    assert fine == Gap(BOUNDARY, OPENED - FINE_S, FINE_S)
    assert coarse == Gap(AT - 31 * DAY, BOUNDARY - COARSE_S, COARSE_S)


def test_a_filled_ledger_lacks_nothing() -> None:
    assert list(ledger_of(EVERYTHING).gaps(AT)) == []


def test_five_minute_buckets_are_folded_into_their_hour() -> None:
    hour = BOUNDARY - HOUR
    parts = [truth(start) for start in range(hour, hour + HOUR, FINE_S)]

    almost = ledger_of(parts[1:]).view(AT).counts(hour, hour + HOUR)
    whole = ledger_of([*parts[1:], parts[0]]).view(AT).counts(hour, hour + HOUR)

    assert almost.unknown_s == HOUR
    assert whole.unknown_s == 0
    assert whole.valid == hour_of(hour).valid


def test_a_late_answer_replaces_an_earlier_one_in_bucket_and_hour() -> None:
    hour = BOUNDARY - HOUR
    parts = [Entry(start, FINE_S, State.PRESENT, 1.0, 10.0) for start in range(hour, hour + HOUR, FINE_S)]

    ledger = ledger_of([*parts, Entry(hour, FINE_S, State.PRESENT, 3.0, 20.0)])

    counts = ledger.view(AT).counts(hour, hour + HOUR)
    assert (counts.bad, counts.valid) == (14.0, 130.0)


@pytest.mark.parametrize(
    ("counted", "numerator", "valid", "expected"),
    [
        pytest.param(Counted.BAD, 2.0, 10.0, (State.PRESENT, 2.0, 10.0), id="bad events"),
        pytest.param(Counted.GOOD, 8.0, 10.0, (State.PRESENT, 2.0, 10.0), id="good events"),
        pytest.param(Counted.BAD, None, 10.0, (State.NUMERATOR_ABSENT, 0.0, 10.0), id="no bad series, no bad event"),
        pytest.param(Counted.GOOD, None, 10.0, (State.NUMERATOR_ABSENT, 10.0, 10.0), id="no good series"),
        pytest.param(Counted.BAD, 2.0, None, (State.ABSENT, 0.0, 0.0), id="no valid series"),
        pytest.param(Counted.BAD, None, None, (State.ABSENT, 0.0, 0.0), id="no series at all"),
        pytest.param(Counted.BAD, 0.0, 0.0, (State.PRESENT, 0.0, 0.0), id="series without events"),
    ],
)
def test_an_answer_becomes_an_entry(
    counted: Counted, numerator: float | None, valid: float | None, expected: tuple[State, float, float]
) -> None:
    made = entry(counted, AT, FINE_S, numerator, valid)

    assert (made.state, made.bad, made.valid) == expected


def test_unknown_and_absent_are_two_things() -> None:
    counts = ledger_of([Entry(AT - HOUR, FINE_S, State.ABSENT)]).view(AT).counts(AT - HOUR, AT)

    assert counts.unknown_s == HOUR - FINE_S
    assert counts.covered_s == 0
    assert counts.coverage == 0


@pytest.mark.parametrize(
    ("start", "width_s"),
    [
        pytest.param(AT + 1, FINE_S, id="no edge of five minutes"),
        pytest.param(AT + FINE_S, COARSE_S, id="no edge of an hour"),
        pytest.param(AT, 60, id="another width"),
    ],
)
def test_refuses_a_bucket_it_does_not_keep(start: int, width_s: int) -> None:
    with pytest.raises(ValueError, match=str(start)):
        Ledger(Rolling(timedelta(days=7))).record(Entry(start, width_s, State.PRESENT))


@pytest.mark.parametrize(
    ("at", "start"),
    [
        pytest.param(AT, AT - 300, id="at an edge: the bucket that just closed"),
        pytest.param(AT + 1, AT, id="after an edge"),
        pytest.param(AT + 299, AT, id="before the next"),
    ],
)
def test_the_open_bucket_ends_at_the_figure(at: int, start: int) -> None:
    assert open_bucket(at) == start


def test_the_open_bucket_counts_until_it_is_another_one() -> None:
    ledger = ledger_of(EVERYTHING)
    ledger.record_open(Entry(AT, 30, State.PRESENT, 1.0, 7.0))

    assert ledger.view(AT + 30).counts(AT, AT + 30).valid == 7.0
    assert ledger.view(AT + 330).counts(AT + 300, AT + 330).unknown_s == 30


def test_the_view_knows_the_ends_of_the_data() -> None:
    view = ledger_of(
        [
            Entry(AT - 3 * HOUR, FINE_S, State.PRESENT, 0.0, 1.0),
            Entry(AT - 2 * HOUR, FINE_S, State.NUMERATOR_ABSENT, 0.0, 1.0),
            Entry(AT - HOUR, FINE_S, State.ABSENT),
        ]
    ).view(AT)

    assert (view.oldest_covered(), view.newest_covered()) == (AT - 3 * HOUR, AT - 2 * HOUR + FINE_S)
    assert (view.start, view.at) == (OLDEST, AT)


def test_the_view_of_nothing_has_no_ends() -> None:
    view = Ledger(Rolling(timedelta(days=1))).view(AT)

    assert view.oldest_covered() is None
    assert view.newest_covered() is None
    assert view.counts(AT, AT).coverage == 0


def test_months_of_cycles_leave_no_gap() -> None:
    """Each bucket as it closes, for longer than both rings hold: nothing is ever asked for again."""
    ledger = ledger_of(EVERYTHING)
    for edge in range(AT, AT + 4 * DAY, FINE_S):
        ledger.record(truth(edge - FINE_S))

    assert list(ledger.gaps(AT + 4 * DAY - FINE_S)) == []


def test_a_month_takes_less_than_twenty_kilobytes() -> None:
    assert Ledger(Rolling(timedelta(days=30))).nbytes < 20_000


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("period", list(Period))
def test_the_ledger_of_a_calendar_period_can_be_filled(zone: str, period: Period) -> None:
    window = Calendar(period, ZoneInfo(zone))
    ledger = Ledger(window)
    for gap in list(ledger.gaps(AT)):
        for start in range(gap.start, gap.last + 1, gap.width_s):
            ledger.record(Entry(start, gap.width_s, State.PRESENT, 0.0, float(gap.width_s)))
    ledger.record_open(Entry(OPENED, AT - OPENED, State.PRESENT, 0.0, float(AT - OPENED)))

    start = bounds(window, AT)[0]
    counts = ledger.view(AT).counts(start, AT)

    assert list(ledger.gaps(AT)) == []
    assert (counts.start, counts.valid, counts.unknown_s) == (start, AT - start, 0)
