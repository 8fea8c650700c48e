"""An objective as the arithmetic sees it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from frostline.core.indicator import Indicator

PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise: `target` percent (below 100) of the valid events are good, over a rolling `window`."""

    indicator: Indicator
    target: Decimal
    window: timedelta

    def __post_init__(self) -> None:
        if not 0 < self.target < PERCENT:
            raise ValueError(f"a target lies between 0 and 100, not at {self.target}")

    @property
    def allowed(self) -> Decimal:
        """Share of the valid events that may be bad, 0 to 1, exact: 0.001 for 99.9."""
        return (PERCENT - self.target) / PERCENT

    @property
    def window_s(self) -> int:
        """Length of the window in seconds."""
        return int(self.window.total_seconds())

    @property
    def budget_minutes(self) -> Decimal:
        """The whole budget as time, in minutes, exact: 43.2 for 99.9 over 30 days."""
        return self.allowed * Decimal(self.window_s) / 60
