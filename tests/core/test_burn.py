from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from frostline.core.burn import LOWEST_FACTOR, nominal_s, thresholds
from frostline.core.window import Calendar, Period, Rolling, Window

HOUR = 3_600


def days(count: int) -> Rolling:
    return Rolling(timedelta(days=count))


def table(window: Window) -> list[tuple[int, float, str, str]]:
    """Return (long hours, short minutes, share in percent, factor) of each pair."""
    return [
        (
            each.pair.long_s // HOUR,
            each.pair.short_s / 60,
            f"{(each.pair.share * 100).normalize():f}",
            f"{each.factor.normalize():.4f}".rstrip("0").rstrip("."),
        )
        for each in thresholds(window)
    ]


def test_thirty_days() -> None:
    assert table(days(30)) == [
        (1, 5, "2", "14.4"),
        (6, 30, "5", "6"),
        (24, 120, "10", "3"),
        (72, 360, "10", "1"),
    ]


def test_twenty_eight_days() -> None:
    assert table(days(28)) == [
        (1, 5, "2", "13.44"),
        (6, 30, "5", "5.6"),
        (24, 120, "10", "2.8"),
        (72, 360, "10", "0.9333"),
    ]


def test_seven_days() -> None:
    assert table(days(7)) == [
        (1, 5, "8", "13.44"),
        (6, 30, "12.5", "3.5"),
        (24, 120, "20", "1.4"),
        (72, 360, "42", "0.98"),
    ]


@pytest.mark.parametrize(
    ("window", "factors"),
    [
        pytest.param(days(1), ["1.92"], id="one day: slower pairs fall below 0.9"),
        pytest.param(days(13), ["24.96", "6.5", "2.6", "1.82"], id="the shares of a week up to a fortnight"),
        pytest.param(days(14), ["6.72", "2.8", "1.4"], id="the shares of a month from a fortnight"),
        pytest.param(days(90), ["43.2", "18", "9", "3"], id="a quarter"),
        pytest.param(Calendar(Period.WEEK, UTC), ["13.44", "3.5", "1.4", "0.98"], id="calendar week"),
        pytest.param(Calendar(Period.MONTH, UTC), ["14.4", "6", "3", "1"], id="calendar month"),
    ],
)
def test_other_windows_are_scaled(window: Window, factors: list[str]) -> None:
    assert [row[3] for row in table(window)] == factors


def test_factors_are_exact() -> None:
    fastest = thresholds(days(30))[0]

    assert fastest.factor == Decimal("14.4")
    assert fastest.factor * Decimal("0.001") == Decimal("0.0144")


def test_a_factor_is_the_burn_that_spends_the_share_in_the_long_window() -> None:
    for length in range(1, 367):
        for each in thresholds(days(length)):
            spent = each.factor * each.pair.long_s / nominal_s(days(length))
            assert round(spent, 12) == each.pair.share
            assert each.factor >= LOWEST_FACTOR
            assert each.pair.short_s * 12 == each.pair.long_s


@pytest.mark.parametrize(
    ("target", "fires"),
    [
        pytest.param("99.9", [True, True, True, True], id="common"),
        pytest.param("93.06", [True, True, True, True], id="just enough"),
        pytest.param("93.05", [False, True, True, True], id="just too little"),
        pytest.param("90", [False, True, True, True], id="ninety"),
        pytest.param("0.5", [False, False, False, True], id="next to nothing"),
    ],
)
def test_a_threshold_above_all_errors_can_never_fire(target: str, fires: list[bool]) -> None:
    allowed = (100 - Decimal(target)) / 100

    assert [each.can_fire(allowed) for each in thresholds(days(30))] == fires


def test_exactly_all_errors_is_not_above() -> None:
    ten_hours_of_a_hundred = thresholds(days(30))[1]

    assert ten_hours_of_a_hundred.factor == 6
    assert not ten_hours_of_a_hundred.can_fire(Decimal(1) / 6 + Decimal("1e-20"))
    assert ten_hours_of_a_hundred.can_fire(Decimal("0.1666"))
