"""Burn windows as data: which pace, kept for how long, is worth an alert.

A pair is a long window that says that it matters and a short one that says that it still goes on. Its factor is the
burn rate that spends `share` of the budget within the long window: share · window ÷ long, exact.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from frostline.core.window import Period, Rolling, Window

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400

LOWEST_FACTOR: Final = Decimal("0.9")
"""A pair whose factor is below it would call a pace that leaves some of the budget over."""

_FORTNIGHT_S: Final = 14 * _DAY_S
_NOMINAL_DAYS: Final = {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 90}


@dataclass(frozen=True, slots=True)
class Pair:
    """A long and a short window, in seconds, and the `share` of the budget (0 to 1) spent in the long one."""

    long_s: int
    short_s: int
    share: Decimal

    def factor(self, window_s: int) -> Decimal:
        """Return the burn rate that spends the share of a budget of `window_s` seconds within the long window."""
        return self.share * window_s / self.long_s


LONG_WINDOW: Final = (
    Pair(_HOUR_S, 5 * _MINUTE_S, Decimal("0.02")),
    Pair(6 * _HOUR_S, 30 * _MINUTE_S, Decimal("0.05")),
    Pair(_DAY_S, 2 * _HOUR_S, Decimal("0.10")),
    Pair(3 * _DAY_S, 6 * _HOUR_S, Decimal("0.10")),
)
"""For windows of 14 days and more: 14.4, 6, 3 and 1 over 30 days."""

SHORT_WINDOW: Final = (
    Pair(_HOUR_S, 5 * _MINUTE_S, Decimal("0.08")),
    Pair(6 * _HOUR_S, 30 * _MINUTE_S, Decimal("0.125")),
    Pair(_DAY_S, 2 * _HOUR_S, Decimal("0.20")),
    Pair(3 * _DAY_S, 6 * _HOUR_S, Decimal("0.42")),
)
"""For windows below 14 days, of which the same hours are a larger share: 13.44, 3.5, 1.4 and 0.98 over 7 days."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A pace seen in the last `long_s` seconds, and still in the last `short_s`, told by what it would come to.

    Its factor is the burn rate that, kept for `kept_s` seconds, spends `share` (0 to 1) of the budget.
    """

    long_s: int
    short_s: int
    kept_s: int
    share: Decimal

    def factor(self, window_s: int) -> Decimal:
        """Return the burn rate that spends the share of a budget of `window_s` seconds when it is kept."""
        return self.share * window_s / self.kept_s


YELLOW: Final = Pace(_HOUR_S, 5 * _MINUTE_S, _DAY_S, Decimal("0.10"))
"""The last hour's pace, kept for a day, would spend a tenth of the budget: 2.8 over 28 days."""

RED: Final = Pace(2 * _HOUR_S, 30 * _MINUTE_S, 3 * _DAY_S, Decimal(1))
"""The last two hours' pace would spend all of the budget in three days: 9.33 over 28 days."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A pair, or a pace, and the burn rate above which both of its windows must be."""

    pair: Pair | Pace
    factor: Decimal

    def can_fire(self, allowed: Decimal) -> bool:
        """Return whether anything burns so fast, where the share `allowed` (0 to 1) may be bad: not above 100 %."""
        return self.factor * allowed < 1


def thresholds(window: Window) -> tuple[Threshold, ...]:
    """Return the thresholds of a window, the fastest first. Factors below 0.9 are left out."""
    return _scaled(LONG_WINDOW if nominal_s(window) >= _FORTNIGHT_S else SHORT_WINDOW, window)


def paces(window: Window) -> tuple[Threshold, ...]:
    """Return yellow and red for a window. Factors below 0.9 are left out: of short windows, of which a day is much."""
    return _scaled((YELLOW, RED), window)


def _scaled(pairs: tuple[Pair | Pace, ...], window: Window) -> tuple[Threshold, ...]:
    scaled = (Threshold(pair, pair.factor(nominal_s(window))) for pair in pairs)
    return tuple(each for each in scaled if each.factor >= LOWEST_FACTOR)


def nominal_s(window: Window) -> int:
    """Return the length of a window in seconds; a month counts as 30 days, a quarter as 90."""
    if isinstance(window, Rolling):
        return int(window.length.total_seconds())
    return _NOMINAL_DAYS[window.period] * _DAY_S
