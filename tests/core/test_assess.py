from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.core.assess import Answer, Assessment, Case, Fresh, assess, figure, figure_from_sums
from frostline.core.indicator import Counted
from frostline.core.ledger import FINE_S, Ledger, entry
from frostline.core.level import LevelState
from frostline.core.objective import Objective
from frostline.core.outcome import (
    Failed,
    Failure,
    Inconsistent,
    Measured,
    NoData,
    NoTraffic,
    Outcome,
    Partial,
    Rehydrating,
    Stale,
)
from frostline.core.policy import BUILT_IN, Level
from frostline.core.view import Counts
from tests.support.objectives import AT, DAY, HOUR, Events, filled, objective, silent, steady

PROMISE = objective("99.9", days=7)
BY_GOOD = objective("99.9", days=7, counted=Counted.GOOD)
SEEN = Fresh(AT - 15)
EARLIER = figure_from_sums(PROMISE, AT - 60, 600.0, 1_000_000.0)
BEFORE = Assessment(Measured(), EARLIER, LevelState(Level.DEPLETING, since=AT - DAY, at=AT - 60))


def judge(
    events: Events | Ledger,
    answer: Answer = SEEN,
    promise: Objective = PROMISE,
    before: Assessment | None = BEFORE,
    at: int = AT,
) -> Assessment:
    ledger = events if isinstance(events, Ledger) else filled(promise, at, events)
    return assess(Case(promise, BUILT_IN, answer, before), ledger.view(at))


def until(end: int, events: Events) -> Events:
    """Return the same events, with series that end at `end`."""
    return lambda start, stop: events(start, stop) if stop <= end else silent(start, stop)


def idle(_start: int, _end: int) -> tuple[float, float]:
    return 0.0, 0.0


def counting(numerator: float | None, valid: float | None) -> Events:
    """Return the same answer for every bucket."""
    return lambda _start, _end: (numerator, valid)


def unknown(events: Events) -> Ledger:
    """Return a ledger of which only the last hour is known."""
    ledger = Ledger(PROMISE.window)
    for start in range(AT - HOUR, AT - FINE_S, FINE_S):
        ledger.record(entry(Counted.BAD, start, FINE_S, *events(start, start + FINE_S)))
    ledger.record_open(entry(Counted.BAD, AT - FINE_S, FINE_S, *events(AT - FINE_S, AT)))
    return ledger


DOWN = Failed(Failure.UNREACHABLE, "nobody answers")
HALF = Partial(("a store is missing",))


@pytest.mark.parametrize(
    ("events", "answer", "promise", "outcome"),
    [
        pytest.param(silent, Fresh(None), PROMISE, NoData, id="no valid series"),
        pytest.param(counting(None, 100.0), Fresh(AT), BY_GOOD, NoData, id="good series never seen"),
        pytest.param(until(AT - HOUR, steady(0.0)), Fresh(None), PROMISE, Stale, id="samples ended an hour ago"),
        pytest.param(until(AT - 600, steady(0.0)), Fresh(None), PROMISE, Stale, id="samples ended ten minutes ago"),
        pytest.param(counting(200.0, 100.0), Fresh(AT), PROMISE, Inconsistent, id="more bad than valid"),
        pytest.param(counting(200.0, 100.0), Fresh(AT), BY_GOOD, Inconsistent, id="more good than valid"),
        pytest.param(steady(0.0), HALF, PROMISE, Partial, id="warnings"),
        pytest.param(steady(0.0), DOWN, PROMISE, Failed, id="no answer"),
    ],
)
@pytest.mark.parametrize("before", [pytest.param(BEFORE, id="with a past"), pytest.param(None, id="at the start")])
def test_what_is_no_measurement_leaves_figure_and_level_alone(
    events: Events, answer: Answer, promise: Objective, outcome: type[Outcome], before: Assessment | None
) -> None:
    after = judge(events, answer, promise, before)

    assert isinstance(after.outcome, outcome)
    assert (after.figure, after.level) == ((before.figure, before.level) if before else (None, None))


def test_rehydrating_leaves_figure_and_level_alone_and_says_how_much_is_known() -> None:
    after = judge(unknown(steady(1.0)))

    assert isinstance(after.outcome, Rehydrating)
    assert after.outcome.known == pytest.approx(HOUR / (8 * DAY))
    assert after._replace(outcome=BEFORE.outcome) == BEFORE


def test_one_unknown_bucket_is_enough_to_wait() -> None:
    ledger = unknown(steady(0.0))
    for gap in list(ledger.gaps(AT))[1:]:
        for start in range(gap.start, gap.last + 1, gap.width_s):
            ledger.record(entry(Counted.BAD, start, gap.width_s, 0.0, 1.0))

    assert isinstance(judge(ledger).outcome, Rehydrating)


@pytest.mark.parametrize(
    ("events", "answer", "outcome"),
    [
        pytest.param(steady(0.0), Fresh(AT - 15), Measured(), id="traffic"),
        pytest.param(steady(0.0), Fresh(None), Measured(), id="newest sample unseen, data until now"),
        pytest.param(until(AT - FINE_S, steady(0.0)), Fresh(None), Measured(), id="five minutes old is not stale"),
        pytest.param(counting(None, 100.0), Fresh(AT), Measured(), id="bad series never seen: none was bad"),
        pytest.param(idle, Fresh(AT), NoTraffic(), id="series without events"),
        pytest.param(silent, Fresh(AT), NoTraffic(), id="series born just now"),
        pytest.param(until(AT - 2 * DAY, steady(0.0)), Fresh(AT), Measured(), id="scraped again after days"),
    ],
)
def test_what_is_a_measurement_gives_figure_and_level(events: Events, answer: Answer, outcome: Outcome) -> None:
    after = judge(events, answer)

    assert after.outcome == outcome
    assert after.figure is not None
    assert after.figure.at == AT
    assert after.level is not None
    assert after.level.at == AT


def test_stale_says_since_when() -> None:
    assert judge(until(AT - HOUR, steady(0.0)), Fresh(None)).outcome == Stale(AT - HOUR)


def test_no_data_names_what_is_missing() -> None:
    nothing, no_good = judge(silent, Fresh(None)).outcome, judge(counting(None, 1.0), promise=BY_GOOD).outcome

    assert isinstance(nothing, NoData)
    assert "valid events all" in nothing.what
    assert isinstance(no_good, NoData)
    assert "good events some" in no_good.what


def test_data_before_the_window_only_is_no_data() -> None:
    after = judge(until(AT - 7 * DAY - 2 * HOUR, steady(0.0)), Fresh(None))

    assert isinstance(after.outcome, NoData)


@pytest.mark.parametrize("counted", list(Counted))
@pytest.mark.parametrize(
    ("excess", "outcome"),
    [pytest.param(0.0009, Measured, id="tolerated"), pytest.param(0.0015, Inconsistent, id="too much")],
)
def test_series_scraped_at_different_moments_may_differ_by_a_thousandth(
    counted: Counted, excess: float, outcome: type[Outcome]
) -> None:
    promise = objective("99.9", days=7, counted=counted)

    after = judge(steady(1.0 + excess, per_second=10.0), promise=promise)

    assert isinstance(after.outcome, outcome)


def test_a_good_surplus_is_a_whole_budget_and_burns_nothing() -> None:
    after = judge(steady(1.0005, per_second=10.0), promise=BY_GOOD, before=None)

    assert after.figure is not None
    assert after.figure.sli == 1.0
    assert after.figure.budget.remaining == 1.0
    assert after.figure.counts.bad == 0
    assert all(rate == 0 for _, rate in after.figure.burn), "a burn rate below 0 says nothing to anybody"


@pytest.mark.parametrize(
    "gap",
    [
        pytest.param((silent, Fresh(None)), id="no data"),
        pytest.param((steady(1.0), DOWN), id="failed"),
        pytest.param((steady(1.0), HALF), id="partial"),
        pytest.param((counting(200.0, 100.0), Fresh(AT)), id="inconsistent"),
    ],
)
def test_it_heals(gap: tuple[Events, Answer]) -> None:
    straight = judge(steady(0.0005))
    events, answer = gap

    held = judge(events, answer)
    healed = judge(steady(0.0005), before=held)

    assert healed == straight


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param(Level.ENDANGERED, Level.HEALTHY, id="told anew"),
        pytest.param(Level.EXHAUSTED, Level.EXHAUSTED, id="left by the lift alone"),
    ],
)
def test_a_clock_that_was_set_back(level: Level, expected: Level) -> None:
    ahead = BEFORE._replace(level=LevelState(level, since=AT, at=AT + HOUR))

    after = judge(steady(0.0), before=ahead)

    assert after.level is not None
    assert (after.level.level, after.level.at) == (expected, AT)


@settings(max_examples=15)
@given(st.integers(min_value=0, max_value=1_000), st.sampled_from(["99", "99.9", "99.99"]))
def test_the_figure_is_the_ratio_of_sums(bad_permille: int, target: str) -> None:
    promise = objective(target, days=1)
    share = bad_permille / 1_000
    ledger = filled(promise, AT, steady(share, per_second=10.0))

    account = figure(promise, ledger.view(AT))

    assert account.sli == pytest.approx(1 - share)
    assert account.budget.remaining == pytest.approx(1 - share / float(promise.allowed))
    assert [window for window, _ in account.burn] == [300, 1_800, 3_600, 21_600, 86_400]
    assert [rate for _, rate in account.burn] == pytest.approx([share / float(promise.allowed)] * 5)
    assert account.counts.coverage == 1.0


def test_sums_and_buckets_give_the_same_account() -> None:
    from_buckets = figure(PROMISE, filled(PROMISE, AT, steady(0.0005)).view(AT))

    from_sums = figure_from_sums(PROMISE, AT, 0.0005 * 7 * DAY, 7.0 * DAY)

    assert from_sums.sli == pytest.approx(from_buckets.sli)
    assert from_sums.budget.remaining == pytest.approx(from_buckets.budget.remaining)
    assert from_sums.counts == Counts(AT - 7 * DAY, AT, 0.0005 * 7 * DAY, 7.0 * DAY, 0.0, 7.0 * DAY, True)
    assert from_sums.burn == ()


def test_the_forecast_goes_by_the_last_hour() -> None:
    def broken_now(start: int, end: int) -> tuple[float, float]:
        return (0.001 * (end - start) * 10 if start >= AT - HOUR else 0.0), float(end - start)

    account = figure(PROMISE, filled(PROMISE, AT, broken_now).view(AT))

    assert dict(account.burn)[3_600] == pytest.approx(10.0, rel=1e-3)
    assert account.budget.exhausted_in is not None
    assert account.budget.exhausted_in == pytest.approx(
        timedelta(days=0.7 * account.budget.remaining), abs=timedelta(minutes=2)
    )


def test_no_traffic_has_no_sli_and_a_whole_budget() -> None:
    after = judge(idle, before=None)

    assert after.figure is not None
    assert after.figure.sli is None
    assert after.figure.budget.remaining == 1.0
    assert after.level is not None
    assert after.level.level is Level.HEALTHY
