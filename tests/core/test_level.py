from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.ledger import FINE_S, Ledger
from frostline.core.level import LevelState, Observation, Observations, Seen, fold, start, step, table
from frostline.core.objective import Objective
from frostline.core.policy import BUILT_IN, Level, worst
from frostline.core.view import View
from tests.support.objectives import AT, DAY, HOUR, Events, filled, objective, refill, silent, steady

MINUTE = 60
HOLD_S = 15 * MINUTE
LIFT_S = HOUR

CALM = Observation(
    at=AT,
    remaining=1.0,
    remaining_before=1.0,
    burn_long=0.0,
    burn_short=0.0,
    bad_long=0.0,
    burn_lift=0.0,
    traffic=True,
)


def left(share: float, after: int = 0, **more: Any) -> Observation:
    """Return a calm observation, `after` seconds after AT, with `share` of the budget left."""
    return CALM._replace(at=AT + after, remaining=share, **more)


def burning(long: float, short: float, bad: float, after: int = 0) -> Observation:
    return CALM._replace(at=AT + after, burn_long=long, burn_short=short, bad_long=bad)


def run(*seen: Observation) -> LevelState:
    return fold(BUILT_IN, None, list(seen))


def seen_in(promise: Objective, view: View, since: int | None) -> Observations:
    return Seen(promise, BUILT_IN, view.alone, [since])[0]


def standing(level: Level) -> LevelState:
    return LevelState(level, since=AT, at=AT)


@pytest.mark.parametrize(
    ("percent", "level"),
    [
        pytest.param(100.0, Level.HEALTHY, id="whole"),
        pytest.param(70.01, Level.HEALTHY, id="over 70"),
        pytest.param(70.0, Level.DEPLETING, id="70"),
        pytest.param(50.0, Level.DEPLETING, id="half"),
        pytest.param(30.0, Level.DEPLETING, id="30"),
        pytest.param(29.99, Level.ENDANGERED, id="under 30"),
        pytest.param(0.01, Level.ENDANGERED, id="a little"),
        pytest.param(0.0, Level.EXHAUSTED, id="none"),
        pytest.param(-250.0, Level.EXHAUSTED, id="overspent"),
    ],
)
def test_level_from_the_budget_alone(percent: float, level: Level) -> None:
    assert table(BUILT_IN, percent / 100) is level
    assert start(BUILT_IN, left(percent / 100)).level is level


@pytest.mark.parametrize(
    ("long", "short", "bad", "level"),
    [
        pytest.param(1.0, 1.0, 1e6, Level.HEALTHY, id="on course"),
        pytest.param(2.0, 2.0, 1e6, Level.HEALTHY, id="2 is not above 2"),
        pytest.param(2.01, 2.01, 10, Level.DEPLETING, id="above 2 over both"),
        pytest.param(100.0, 2.0, 1e6, Level.HEALTHY, id="it is over by now"),
        pytest.param(1.9, 100.0, 1e6, Level.HEALTHY, id="a short spike"),
        pytest.param(5.0, 5.0, 1e6, Level.DEPLETING, id="5 is not above 5"),
        pytest.param(5.01, 5.01, 10, Level.ENDANGERED, id="above 5 over both"),
        pytest.param(100.0, 3.0, 1e6, Level.DEPLETING, id="the slower of the two decides"),
        pytest.param(1_000.0, 1_000.0, 1e9, Level.ENDANGERED, id="burn alone never exhausts"),
        pytest.param(1_000.0, 1_000.0, 9, Level.HEALTHY, id="too few bad events"),
        pytest.param(1_000.0, 1_000.0, 10, Level.ENDANGERED, id="enough of them"),
    ],
)
def test_level_from_burn(long: float, short: float, bad: float, level: Level) -> None:
    assert start(BUILT_IN, burning(long, short, bad)).level is level
    assert step(BUILT_IN, standing(Level.HEALTHY), burning(long, short, bad)).level is level


@pytest.mark.parametrize(
    ("held", "rate", "after"),
    [
        pytest.param(Level.DEPLETING, 1.61, Level.DEPLETING, id="2 holds above 1.6"),
        pytest.param(Level.DEPLETING, 1.6, Level.HEALTHY, id="2 clears at 1.6"),
        pytest.param(Level.ENDANGERED, 4.01, Level.ENDANGERED, id="5 holds above 4"),
        pytest.param(Level.ENDANGERED, 4.0, Level.DEPLETING, id="5 clears at 4, 2 is still passed"),
        pytest.param(Level.ENDANGERED, 1.7, Level.DEPLETING, id="5 clears, 2 holds"),
        pytest.param(Level.ENDANGERED, 1.0, Level.HEALTHY, id="all clear"),
    ],
)
def test_burn_clears_at_four_fifths_of_its_bound(held: Level, rate: float, after: Level) -> None:
    state = LevelState(held, since=AT, at=AT, burn=held)

    assert step(BUILT_IN, state, burning(rate, rate, 1_000, after=30)).burn is after


def test_a_level_gets_worse_at_once() -> None:
    state = run(left(0.71), left(-0.5, 30))

    assert (state.level, state.since) == (Level.EXHAUSTED, AT + 30)


@pytest.mark.parametrize(
    ("share", "seconds", "level"),
    [
        pytest.param(0.70, 10 * HOUR, Level.DEPLETING, id="never at the bound"),
        pytest.param(0.719, 10 * HOUR, Level.DEPLETING, id="never within the margin"),
        pytest.param(0.721, HOLD_S, Level.DEPLETING, id="not before the hold is over"),
        pytest.param(0.721, HOLD_S + 30, Level.HEALTHY, id="beyond the margin and after the hold"),
    ],
)
def test_a_level_gets_better_beyond_the_margin_and_after_the_hold(share: float, seconds: int, level: Level) -> None:
    state = run(left(0.69), *(left(share, after) for after in range(30, seconds + 1, 30)))

    assert state.level is level


def test_one_look_below_the_margin_begins_the_hold_anew() -> None:
    state = run(left(0.69), left(0.73, 30), left(0.719, 600), *(left(0.73, after) for after in range(630, 1_500, 30)))

    assert state.level is Level.DEPLETING
    assert step(BUILT_IN, state, left(0.73, 630 + HOLD_S)).level is Level.HEALTHY


def test_the_worst_of_the_hold_is_what_it_improves_to() -> None:
    state = run(left(0.1), left(0.9, 30), left(0.5, 60), left(0.9, 90), left(0.9, 30 + HOLD_S))

    assert state.level is Level.DEPLETING


def lifting(after: int, share: float = 0.05, grown: float = 0.01, burn: float = 0.5, traffic: int = 1) -> Observation:
    return left(share, after, remaining_before=share - grown, burn_lift=burn, traffic=bool(traffic))


EXHAUSTED = left(-0.1)
AFTER_THE_HOLD = [lifting(after) for after in range(300, LIFT_S + 1, 300)]


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        pytest.param(AFTER_THE_HOLD, Level.ENDANGERED, id="lifted after an hour"),
        pytest.param(AFTER_THE_HOLD[:-1], Level.EXHAUSTED, id="not before"),
        pytest.param(
            [lifting(after, share=0.9) for after in range(300, LIFT_S + 1, 300)],
            Level.HEALTHY,
            id="to what the table gives, without margin and hold",
        ),
        pytest.param(
            [lifting(after, share=-0.01) for after in range(300, 10 * HOUR, 300)],
            Level.EXHAUSTED,
            id="not while overspent",
        ),
        pytest.param(
            [lifting(after, share=0.0) for after in range(300, 10 * HOUR, 300)],
            Level.EXHAUSTED,
            id="not while nothing is left",
        ),
        pytest.param(
            [lifting(after, grown=0.0) for after in range(300, 10 * HOUR, 300)],
            Level.EXHAUSTED,
            id="not while nothing grows",
        ),
        pytest.param(
            [lifting(after, burn=1.0) for after in range(300, 10 * HOUR, 300)],
            Level.EXHAUSTED,
            id="not while burn is 1",
        ),
        pytest.param(
            [lifting(after, burn=1.0 if after == 1_800 else 0.5) for after in range(300, LIFT_S + 301, 300)],
            Level.EXHAUSTED,
            id="one look at burn 1 begins the hour anew",
        ),
        pytest.param(
            [lifting(after, traffic=0, burn=0.0) for after in range(300, 10 * HOUR, 300)],
            Level.EXHAUSTED,
            id="time without traffic does not count",
        ),
        pytest.param(
            [lifting(after, traffic=after // 300 % 2) for after in range(300, 2 * LIFT_S, 300)],
            Level.ENDANGERED,
            id="traffic in every second bucket takes two hours",
        ),
        pytest.param([lifting(10 * HOUR)], Level.EXHAUSTED, id="time that nobody watched does not count"),
    ],
)
def test_exhausted_ends_by_the_lift_alone(seen: list[Observation], level: Level) -> None:
    assert run(EXHAUSTED, *seen).level is level


def test_calm_before_the_exhaustion_does_not_count() -> None:
    state = run(*(left(0.5, after) for after in range(0, 10 * HOUR, 300)), left(-0.1, 10 * HOUR))

    assert step(BUILT_IN, state, lifting(10 * HOUR + 300)).level is Level.EXHAUSTED


def test_an_old_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="older than the state"):
        step(BUILT_IN, standing(Level.HEALTHY), left(1.0, -1))


def test_nothing_seen_gives_no_level() -> None:
    with pytest.raises(ValueError, match="no observation"):
        fold(BUILT_IN, None, [])


def test_nothing_new_seen_changes_nothing() -> None:
    assert fold(BUILT_IN, standing(Level.DEPLETING), []) == standing(Level.DEPLETING)


SHARES = st.floats(min_value=-0.5, max_value=1.0)
RATES = st.floats(min_value=0.0, max_value=20.0)
LOOKS = st.lists(
    st.builds(
        Observation,
        at=st.integers(min_value=30, max_value=900),
        remaining=SHARES,
        remaining_before=SHARES,
        burn_long=RATES,
        burn_short=RATES,
        bad_long=st.integers(min_value=0, max_value=30).map(float),
        burn_lift=RATES,
        traffic=st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


def in_order(looks: list[Observation]) -> list[Observation]:
    """Return the looks with their `at` taken as the time since the look before."""
    at, ordered = AT, []
    for each in looks:
        at += each.at
        ordered.append(each._replace(at=at))
    return ordered


def states(looks: list[Observation]) -> list[LevelState]:
    state, passed = start(BUILT_IN, looks[0]), []
    passed.append(state)
    for each in looks[1:]:
        state = step(BUILT_IN, state, each)
        passed.append(state)
    return passed


@given(LOOKS)
def test_a_level_is_never_better_than_what_is_seen(looks: list[Observation]) -> None:
    looks = in_order(looks)

    for seen, state in zip(looks, states(looks), strict=True):
        assert state.level.rank >= table(BUILT_IN, seen.remaining).rank
        assert state.level.rank >= state.burn.rank


@given(LOOKS)
def test_exhausted_means_that_the_budget_was_spent(looks: list[Observation]) -> None:
    looks = in_order(looks)

    for seen, (before, after) in zip(looks[1:], pairwise(states(looks)), strict=True):
        if after.level is Level.EXHAUSTED and before.level is not Level.EXHAUSTED:
            assert seen.remaining <= 0


@given(LOOKS)
def test_levels_get_better_no_sooner_than_after_the_hold(looks: list[Observation]) -> None:
    for before, after in pairwise(states(in_order(looks))):
        if after.level.rank < before.level.rank:
            hold = LIFT_S if before.level is Level.EXHAUSTED else HOLD_S
            assert after.at - before.since >= hold


@given(st.lists(st.floats(min_value=0.2801, max_value=0.3199), min_size=2, max_size=60))
def test_nothing_flaps_inside_the_margin(shares: list[float]) -> None:
    """Budgets that swing around a bound, by less than the margin above it, make one change and no more."""
    seen = [left(share, after * 600) for after, share in enumerate(shares)]

    changes = sum(before.level is not after.level for before, after in pairwise(states(seen)))

    assert changes <= 1


def incident(begins: int, lasts: int, bad_share: float, born: int = 0) -> Events:
    """Return traffic of one request a second since `born`, of which `bad_share` fail during the incident."""

    def events(begin: int, end: int) -> tuple[float | None, float | None]:
        if end <= born:
            return silent(begin, end)
        begin = max(begin, born)
        broken = max(0, min(end, begins + lasts) - max(begin, begins))
        return bad_share * broken, float(end - begin)

    return events


def test_one_bad_minute_of_a_month_does_not_exhaust() -> None:
    promise = objective("99.9")
    view = filled(promise, AT, incident(AT - 10 * MINUTE, MINUTE, 1.0)).view(AT)

    state = fold(BUILT_IN, None, seen_in(promise, view, None))

    assert state.level.rank <= Level.ENDANGERED.rank


@pytest.mark.parametrize(
    ("lasts", "level"),
    [
        pytest.param(0, Level.HEALTHY, id="no incident"),
        pytest.param(15 * MINUTE, Level.ENDANGERED, id="burning while two thirds are left"),
        pytest.param(44 * MINUTE, Level.EXHAUSTED, id="43.2 minutes of a month"),
    ],
)
def test_levels_of_an_incident_that_ends_now(lasts: int, level: Level) -> None:
    promise = objective("99.9")
    view = filled(promise, AT, incident(AT - lasts, lasts, 1.0)).view(AT)

    assert fold(BUILT_IN, None, seen_in(promise, view, None)).level is level


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(steady(0.0005), id="steady"),
        pytest.param(incident(AT - 4 * HOUR, 20 * MINUTE, 1.0, AT - 10 * HOUR), id="an incident"),
        pytest.param(incident(AT - 9 * HOUR, 30 * MINUTE, 0.02, AT - 10 * HOUR), id="spent and lifted"),
        pytest.param(incident(AT - 2 * HOUR, 2 * HOUR, 0.01, AT - 10 * HOUR), id="still burning"),
    ],
)
def test_folding_a_view_equals_stepping_through_it(events: Events) -> None:
    """What a restart reads from the ledger is what an operator that looked at every bucket would say."""
    promise = objective("99.9", days=7)
    first = AT - 8 * HOUR
    ledger = Ledger(promise.window)
    refill(ledger, promise, first, events)
    state = fold(BUILT_IN, None, seen_in(promise, ledger.view(first), None))
    for at in range(first + FINE_S, AT + 1, FINE_S):
        refill(ledger, promise, at, events)
        state = fold(BUILT_IN, state, seen_in(promise, ledger.view(at), state.at))

    view = filled(promise, AT, events).view(AT)
    folded = fold(BUILT_IN, None, seen_in(promise, view, None))

    assert (folded.level, folded.at, folded.burn) == (state.level, state.at, state.burn)


def test_observations_begin_with_the_data_and_end_with_the_figure() -> None:
    promise = objective()
    at = AT + 90
    view = filled(promise, at, incident(0, 0, 0, born=AT - HOUR)).view(at)

    seen = seen_in(promise, view, None)

    assert [each.at for each in seen] == [*range(AT - HOUR + FINE_S, AT + 1, FINE_S), at]


def test_observations_reach_a_day_back_at_most() -> None:
    promise = objective()
    seen = seen_in(promise, filled(promise, AT, steady(0)).view(AT), None)

    assert seen[0].at == AT - DAY + FINE_S
    assert len(seen) == DAY // FINE_S


def test_observations_go_on_where_they_ended() -> None:
    promise = objective()
    view = filled(promise, AT + 90, steady(0)).view(AT + 90)

    assert [each.at for each in seen_in(promise, view, AT + 60)] == [AT + 90]
    assert [each.at for each in seen_in(promise, view, AT - 10)] == [AT, AT + 90]


def test_levels_are_ordered() -> None:
    assert [level.rank for level in Level] == [0, 1, 2, 3]
    assert worst(Level.HEALTHY, Level.DEPLETING) is Level.DEPLETING
    assert worst(Level.EXHAUSTED, Level.DEPLETING) is Level.EXHAUSTED
