from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline import names
from frostline.controller import words
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
from tests.support.objectives import AT, objective


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        pytest.param(0.15 * 43.2, 2, "6.48", id="minutes of the worked month"),
        pytest.param(0.29 * 100, 2, "29.00", id="29 %, which floats call 28.999999999999996"),
        pytest.param((1 - 28 / 1e6) * 100, 4, "99.9972", id="an SLI of six nines"),
        pytest.param(99.99999, 2, "99.99", id="rounded down"),
        pytest.param(-0.001, 2, "-0.01", id="down below 0 as well"),
        pytest.param(0.0, 2, "0.00", id="nothing"),
        pytest.param(1e-30, 2, "0.00", id="a speck"),
        pytest.param(1e12, 1, "1000000000000.0", id="many events"),
        pytest.param(123_456_789_012.5, 1, "123456789012.5", id="many events and a half"),
    ],
)
def test_figures_are_rounded_down(value: float, digits: int, shown: str) -> None:
    assert str(words.decimal(value, digits)) == shown


@given(st.integers(min_value=0, max_value=10_000))
def test_whole_hundredths_of_a_percent_are_shown_as_they_are(hundredths: int) -> None:
    assert words.decimal(hundredths / 10_000 * 100, 2) == Decimal(hundredths) / 100


@given(st.integers(min_value=0, max_value=1_000_000), st.integers(min_value=1, max_value=1_000_000))
def test_what_is_shown_is_never_more_than_what_is(bad: int, valid: int) -> None:
    sli = 1 - min(bad, valid) / valid

    shown = words.decimal(sli * 100, 4)

    exact = 100 - Decimal(min(bad, valid)) * 100 / valid
    assert exact - Decimal("0.0001") <= shown <= exact + Decimal("1e-9")


@pytest.mark.parametrize(
    ("value", "text"),
    [("99.90", "99.9"), ("100", "100"), ("100.00", "100"), ("0.00", "0"), ("1E+2", "100"), ("-5.50", "-5.5")],
)
def test_decimals_as_people_write_them(value: str, text: str) -> None:
    assert words.plain(Decimal(value)) == text


@pytest.mark.parametrize(
    ("target", "digits"),
    [("50", 2), ("90", 2), ("98", 2), ("99", 2), ("99.5", 3), ("99.9", 3), ("99.95", 4), ("99.99", 4), ("99.999", 5)],
)
def test_an_sli_has_digits_for_a_hundredth_of_the_budget(target: str, digits: int) -> None:
    shown = words.sli_digits(objective(target))

    assert shown == digits
    assert Decimal(10) ** -shown <= objective(target).allowed


OUTCOMES: list[tuple[Outcome, names.Reason, str]] = [
    (Measured(), names.Reason.MEASURED, "every bucket"),
    (NoTraffic(), names.Reason.NO_TRAFFIC, "no valid event"),
    (Rehydrating(0.419), names.Reason.REHYDRATING, "41 % known"),
    (NoData("no series matches x"), names.Reason.NO_DATA, "no series matches x; check the selector"),
    (Stale(AT), names.Reason.STALE, "since 2027-01-15T08:00:00+00:00"),
    (Inconsistent("more good than valid"), names.Reason.INCONSISTENT, "more good than valid"),
    (Partial(("a", "b")), names.Reason.PARTIAL, "a; b"),
    (Failed(Failure.TIMEOUT, "slow"), names.Reason.QUERY_FAILED, "timeout: slow"),
]


@pytest.mark.parametrize(("outcome", "reason", "says"), OUTCOMES, ids=lambda each: type(each).__name__)
def test_every_outcome_has_a_reason_and_a_sentence(outcome: Outcome, reason: names.Reason, says: str) -> None:
    found, sentence = words.reason_and_sentence(outcome, None)

    assert found is reason
    assert says in sentence
    assert "stay as they are" not in sentence


@pytest.mark.parametrize("outcome", [each for each, _, _ in OUTCOMES[3:]], ids=lambda each: type(each).__name__)
def test_an_old_figure_is_called_old(outcome: Outcome) -> None:
    _, sentence = words.reason_and_sentence(outcome, words.utc(AT))

    assert "are of 2027-01-15T08:00:00+00:00 and stay as they are" in sentence
