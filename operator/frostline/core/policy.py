"""Error budget policies: which level a budget is in, and what brings it back."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Final


class Level(StrEnum):
    """Levels of an error budget, from best to worst."""

    HEALTHY = "Healthy"
    DEPLETING = "Depleting"
    ENDANGERED = "Endangered"
    EXHAUSTED = "Exhausted"

    @cached_property
    def rank(self) -> int:
        """0 for the best level, 3 for the worst."""
        return _ORDER.index(self)


_ORDER: Final = tuple(Level)


def worst(one: Level, other: Level) -> Level:
    """Return the worse of two levels."""
    return one if one.rank >= other.rank else other


@dataclass(frozen=True, slots=True)
class BurnBounds:
    """Burn rates above which a budget is called Depleting or Endangered, whatever is left of it.

    The bound must be passed over both windows at once, with at least `minimum_bad` bad events in the long one;
    it clears when either window falls to `clears_at` of it.
    """

    depleting: Decimal = Decimal(2)
    endangered: Decimal = Decimal(5)
    long: timedelta = timedelta(hours=6)
    short: timedelta = timedelta(minutes=30)
    minimum_bad: int = 10
    clears_at: Decimal = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """How far beyond a bound, in percent points of budget, and for how long, before a level gets better."""

    margin: Decimal = Decimal(2)
    hold: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Lift:
    """When a freeze ends: the budget has grown over `hold`, and burn over `burn_window` was below `burn` throughout."""

    hold: timedelta = timedelta(hours=1)
    burn: Decimal = Decimal(1)
    burn_window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds in percent of the budget left: Healthy above `depleting`, Endangered below `endangered`."""

    depleting: Decimal = Decimal(70)
    endangered: Decimal = Decimal(30)
    burn: BurnBounds = field(default_factory=BurnBounds)
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    lift: Lift = field(default_factory=Lift)


BUILT_IN: Final = Policy()
"""The policy of an objective that names none."""
