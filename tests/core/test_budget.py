from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.budget import Budget, budget, burn_rate, remaining
from frostline.core.objective import Objective
from frostline.core.window import bounds
from tests.support.objectives import AT, DAY, objective

TARGETS = st.sampled_from(["50", "90", "95", "98", "99", "99.5", "99.9", "99.95", "99.99", "99.999"])


def left(target: str, bad: float, valid: float) -> float:
    return float(remaining(objective(target), np.array([bad]), np.array([valid]))[0])


def rolling(promise: Objective, share: float, burn: float) -> Budget:
    """Return the budget of a rolling window, all of which still comes."""
    start, end = bounds(promise.window, AT)
    return budget(promise, share, burn, end - start, end - start)


@pytest.mark.parametrize(
    ("target", "days", "minutes"),
    [
        pytest.param("99.9", 30, "43.2", id="core matching"),
        pytest.param("99.95", 30, "21.6", id="conversation"),
        pytest.param("99.99", 30, "4.32", id="report correctness"),
        pytest.param("98", 30, "864", id="report freshness, 14.4 h"),
        pytest.param("99.9", 28, "40.32", id="28 days"),
        pytest.param("99", 7, "100.8", id="a week"),
    ],
)
def test_the_whole_budget_in_minutes_is_exact(target: str, days: int, minutes: str) -> None:
    assert rolling(objective(target, days=days), 1.0, 0.0).minutes_total == float(minutes)


@pytest.mark.parametrize("target", ["0", "100", "101", "-1"])
def test_a_target_that_leaves_no_budget_or_no_promise_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match=f"not at {target}"):
        objective(target)


@given(TARGETS, st.integers(min_value=1, max_value=10**9), st.floats(min_value=0, max_value=1))
def test_remaining_is_the_formula_of_the_brief(target: str, valid: int, bad_share: float) -> None:
    sli = 100 - bad_share * 100
    bad = bad_share * valid

    percent = left(target, bad, valid) * 100

    assert percent == pytest.approx(100 - (100 - sli) / (100 - float(target)) * 100, rel=1e-6, abs=1e-5)


@given(TARGETS, st.integers(min_value=1, max_value=10**9))
def test_exactly_spent_is_exactly_nothing(target: str, hundred_thousands: int) -> None:
    promise = objective(target)
    valid = hundred_thousands * 100_000

    rest = left(target, float(promise.allowed * valid), float(valid))

    assert rest == 0.0
    assert not np.signbit(rest), "no minus zero, which people would read as overspent"


@pytest.mark.parametrize("noise", [1e-13, -1e-13])
def test_noise_of_sums_does_not_make_minus_zero(noise: float) -> None:
    rest = left("99.9", 1.0 + noise, 1_000.0)

    assert (rest, bool(np.signbit(rest))) == (0.0, False)


@pytest.mark.parametrize(
    ("bad", "valid", "percent", "minutes"),
    [
        pytest.param(50, 1_000_000, 95.0, 41.04, id="week 1"),
        pytest.param(150, 1_000_000, 85.0, 36.72, id="week 2"),
        pytest.param(220, 1_000_000, 78.0, 33.696, id="week 3"),
        pytest.param(850, 1_000_000, 15.0, 6.48, id="week 4, after the incident"),
        pytest.param(1_000, 1_000_000, 0.0, 0.0, id="all spent"),
        pytest.param(2_000, 1_000_000, -100.0, -43.2, id="spent twice"),
        pytest.param(0, 0, 100.0, 43.2, id="no traffic spends nothing"),
    ],
)
def test_the_worked_month(bad: float, valid: float, percent: float, minutes: float) -> None:
    rest = rolling(objective("99.9"), left("99.9", bad, valid), 0.0)

    assert rest.remaining * 100 == pytest.approx(percent, abs=1e-6)
    assert rest.minutes_left == pytest.approx(minutes, abs=1e-6)


@given(TARGETS, st.integers(min_value=1, max_value=10**7), st.data())
def test_more_bad_events_leave_less(target: str, valid: int, data: st.DataObject) -> None:
    fewer = data.draw(st.integers(min_value=0, max_value=valid))
    more = data.draw(st.integers(min_value=fewer, max_value=valid))

    assert left(target, more, valid) <= left(target, fewer, valid) <= 1


@pytest.mark.parametrize(
    ("bad", "valid", "rate"),
    [
        pytest.param(0, 1_000, 0.0, id="none bad"),
        pytest.param(1, 1_000, 1.0, id="on course to spend all"),
        pytest.param(1_000, 1_000, 1_000.0, id="all bad"),
        pytest.param(0, 0, 0.0, id="no traffic"),
    ],
)
def test_burn_is_the_error_ratio_over_what_is_allowed(bad: float, valid: float, rate: float) -> None:
    assert burn_rate(objective("99.9"), np.array([bad]), np.array([valid]))[0] == pytest.approx(rate)


def test_one_bad_minute_burns_at_sixteen_and_spends_two_percent() -> None:
    hour = burn_rate(objective("99.9"), np.array([1.0]), np.array([60.0]))[0]
    month = remaining(objective("99.9"), np.array([1.0]), np.array([30.0 * 24 * 60]))[0]

    assert hour == pytest.approx(16.67, abs=0.01)
    assert 1 - month == pytest.approx(0.023, abs=0.001)


@pytest.mark.parametrize(
    ("remaining_share", "burn", "expected"),
    [
        pytest.param(1.0, 1.0, timedelta(days=30), id="the whole at 1 lasts the window"),
        pytest.param(0.5, 2.0, timedelta(days=7.5), id="half at 2"),
        pytest.param(1.0, 14.4, timedelta(hours=50), id="14.4 spends it in 50 h"),
        pytest.param(1.0, 0.99, None, id="beyond the window nothing is said"),
        pytest.param(1.0, 0.0, None, id="nothing burns"),
        pytest.param(1.0, -0.1, None, id="more good events than valid ones"),
        pytest.param(0.0, 5.0, None, id="nothing is left"),
        pytest.param(-0.1, 5.0, None, id="overspent"),
    ],
)
def test_time_to_exhaustion(remaining_share: float, burn: float, expected: timedelta | None) -> None:
    assert rolling(objective("99.9"), remaining_share, burn).exhausted_in == expected


@pytest.mark.parametrize(
    ("rest_days", "expected"),
    [
        pytest.param(15, timedelta(days=15), id="on the last day of the period"),
        pytest.param(14, None, id="after the end of the period nothing is said"),
    ],
)
def test_time_to_exhaustion_in_a_calendar_period(rest_days: int, expected: timedelta | None) -> None:
    assert budget(objective("99.9"), 0.5, 1.0, 30 * DAY, rest_days * DAY).exhausted_in == expected
