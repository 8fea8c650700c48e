"""Objectives are judged many at once: each must come out as if it were alone, and step by step."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.core.assess import Assessment, Case, Fresh, assess, assess_all
from frostline.core.indicator import Counted
from frostline.core.indicator import counted as counted_by
from frostline.core.ledger import COARSE_S, FINE_S, Gap, Ledger, entry, open_bucket, views
from frostline.core.level import LevelState, Observation, Seen, fold, folded, start, step
from frostline.core.objective import Objective
from frostline.core.policy import BUILT_IN, Hysteresis, Level, Lift, Policy
from frostline.core.window import Calendar, Period, Rolling, Window
from tests.support.objectives import AT, DAY, HOUR, counters, filled

QUICK = Policy(lift=Lift(hold=timedelta(minutes=5)), hysteresis=Hysteresis(margin=Decimal(3), hold=timedelta(hours=2)))
WINDOWS: list[Window] = [
    Rolling(timedelta(days=1)),
    Rolling(timedelta(days=7)),
    Calendar(Period.MONTH, ZoneInfo("Asia/Kolkata")),
]

incidents = st.lists(
    st.tuples(st.integers(AT - 2 * DAY, AT), st.integers(60, 3 * HOUR), st.floats(0.001, 1.0)), max_size=4
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Case, Ledger]:
    """Draw an objective of one of few windows and policies, and a ledger with incidents."""
    promise = Objective(
        counters(counted=draw(st.sampled_from(Counted))),
        Decimal(draw(st.sampled_from(["99", "99.9", "95"]))),
        draw(st.sampled_from(WINDOWS)),
    )
    wrong, born = draw(incidents), draw(st.sampled_from([0, AT - 3 * HOUR]))
    good = counted_by(promise.indicator) is Counted.GOOD

    def events(begin: int, end: int) -> tuple[float | None, float | None]:
        if end <= born:
            return None, None
        bad = 0.0
        for begins, lasts, share in wrong:
            bad = max(bad, share * max(0, min(end, begins + lasts) - max(begin, begins)))
        return (end - begin) - bad if good else bad, float(end - begin)

    before = draw(st.sampled_from([None, Level.HEALTHY, Level.ENDANGERED, Level.EXHAUSTED]))
    standing = None if before is None else LevelState(before, since=AT - DAY, at=AT - draw(st.integers(30, DAY)))
    policy = draw(st.sampled_from([BUILT_IN, QUICK]))
    return Case(promise, policy, Fresh(AT), None, standing), filled(promise, AT, events)


@settings(max_examples=20)
@given(st.lists(cases(), min_size=1, max_size=8))
def test_many_together_are_judged_as_each_alone(drawn: list[tuple[Case, Ledger]]) -> None:
    alone = [assess(case, ledger.view(AT)) for case, ledger in drawn]

    assert assess_all(drawn, AT) == alone


def test_no_objectives_have_no_verdicts() -> None:
    assert assess_all([], AT) == []


def one_by_one(policy: Policy, state: LevelState | None, seen: list[Observation]) -> LevelState:
    """Step through every observation, whatever it looks like."""
    for each in seen:
        state = start(policy, each) if state is None else step(policy, state, each)
    assert state is not None
    return state


@settings(max_examples=30)
@given(cases())
def test_what_looks_the_same_may_be_passed_over(drawn: tuple[Case, Ledger]) -> None:
    case, ledger = drawn
    state = case.standing
    seen = Seen(case.objective, case.policy, ledger.view(AT).alone, [None if state is None else state.at])[0]

    assert fold(case.policy, state, seen) == one_by_one(case.policy, state, list(seen))


states = st.builds(
    LevelState,
    level=st.sampled_from(Level),
    since=st.just(AT - DAY),
    at=st.sampled_from([AT, AT - 30, AT - 3 * FINE_S, AT - DAY]),
    burn=st.sampled_from([Level.HEALTHY, Level.DEPLETING]),
    better=st.sampled_from([None, Level.HEALTHY]),
    better_since=st.just(AT - DAY),
)


@settings(max_examples=60)
@given(cases(), st.lists(st.none() | states, min_size=1, max_size=4))
def test_what_stays_as_it_is_is_told_without_a_step(
    drawn: tuple[Case, Ledger], before: list[LevelState | None]
) -> None:
    case, ledger = drawn
    together = views([ledger] * len(before), AT)
    seen = Seen(case.objective, case.policy, together, [None if each is None else each.at for each in before])

    found = folded(case.objective, case.policy, together, before)

    assert found == [one_by_one(case.policy, state, list(seen[row])) for row, state in enumerate(before)]


def test_a_quiet_day_is_not_stepped_through(monkeypatch: pytest.MonkeyPatch) -> None:
    stepped = []

    def counting(policy: Policy, state: LevelState, seen: Observation) -> LevelState:
        stepped.append(seen.at)
        return step(policy, state, seen)

    promise = Objective(counters(), Decimal(99), WINDOWS[0])
    case = Case(promise, BUILT_IN, Fresh(AT), None)
    view = filled(promise, AT, lambda begin, end: (0.0, float(end - begin))).view(AT)
    monkeypatch.setattr("frostline.core.level.step", counting)

    verdict: Assessment = assess(case, view)

    assert verdict.level == LevelState(Level.HEALTHY, since=AT - DAY + FINE_S, at=AT)
    assert len(stepped) == 1


_count = st.one_of(st.none(), st.integers(0, 5_000).map(float))
_points = st.dictionaries(st.integers(0, 167), st.tuples(_count, _count), max_size=40)


@settings(max_examples=30)
@given(
    st.sampled_from([FINE_S, COARSE_S]),
    st.sampled_from(WINDOWS),
    st.integers(1, 168),
    st.tuples(st.sampled_from(Counted), _points, _points),
)
def test_an_answer_is_stored_as_its_buckets_would_be_one_by_one(
    width: int, window: Window, length: int, drawn: tuple[Counted, *tuple[dict[int, tuple[float | None, ...]], ...]]
) -> None:
    counted, *answers = drawn
    at = AT + 5 * HOUR - 30
    last = open_bucket(at) // width * width - width
    gap = Gap(last - (length - 1) * width, last, width)
    whole, single = Ledger(window), Ledger(window)
    for answer in answers:
        columns: tuple[dict[int, float], dict[int, float]] = {}, {}
        for place in range(length):
            begins = gap.start + place * width
            found = answer.get(place, (None, None))
            single.record(entry(counted, begins, width, *found))
            for column, value in zip(columns, found, strict=True):
                if value is not None:
                    column[begins + width] = value
        whole.record_gap(counted, gap, *columns)

    assert list(whole.gaps(at)) == list(single.gaps(at))
    assert whole.view(at).counts(0, at) == single.view(at).counts(0, at)
