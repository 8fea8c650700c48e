"""Error budget policies: which level a budget is in, what that does to releases, and what brings it back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final

from frostline.core.projection import Shape


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


class Rule(StrEnum):
    """What happens to a release, from loosest to strictest."""

    OPEN = "Open"
    WARN = "Warn"
    SLUSH = "Slush"
    FREEZE = "Freeze"

    @cached_property
    def rank(self) -> int:
        """0 for Open, 3 for Freeze."""
        return _STRICTNESS.index(self)

    @property
    def holds(self) -> bool:
        """Whether releases are refused."""
        return self in (Rule.SLUSH, Rule.FREEZE)


_STRICTNESS: Final = tuple(Rule)


def strictest(*rules: Rule) -> Rule:
    """Return the strictest of some rules, Open of none."""
    return max(rules, key=lambda rule: rule.rank, default=Rule.OPEN)


class Mode(StrEnum):
    """How far a policy goes, from least to most."""

    OBSERVE = "Observe"
    WARN = "Warn"
    ENFORCE = "Enforce"

    @property
    def strictest_rule(self) -> Rule:
        """The strictest rule that this mode lets come into force."""
        return {Mode.OBSERVE: Rule.OPEN, Mode.WARN: Rule.WARN, Mode.ENFORCE: Rule.FREEZE}[self]


_MODES: Final = tuple(Mode)


def lower_mode(one: Mode, other: Mode) -> Mode:
    """Return the mode that goes less far."""
    return min(one, other, key=_MODES.index)


class OverrideClass(StrEnum):
    """What a release by declared exception is for."""

    LOW_RISK = "LowRisk"
    RELIABILITY = "Reliability"
    SECURITY = "Security"
    EMERGENCY = "Emergency"


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


RULES: Final[Mapping[Level, Rule]] = MappingProxyType(
    {
        Level.HEALTHY: Rule.OPEN,
        Level.DEPLETING: Rule.WARN,
        Level.ENDANGERED: Rule.SLUSH,
        Level.EXHAUSTED: Rule.FREEZE,
    }
)
OVERRIDE_CLASSES: Final[Mapping[Level, frozenset[OverrideClass]]] = MappingProxyType(
    {level: frozenset(OverrideClass) for level in (Level.HEALTHY, Level.DEPLETING, Level.ENDANGERED)}
    | {Level.EXHAUSTED: frozenset(OverrideClass) - {OverrideClass.LOW_RISK}}
)


@dataclass(frozen=True, slots=True)
class Releases:
    """What a policy does to releases.

    Attributes:
        mode: how far it goes.
        rules: the rule of each level.
        override_classes: what an override may be for at each level.
        longest_override: how long an override lives at most.
        shape: which parts of a pod template make a release.
    """

    mode: Mode = Mode.ENFORCE
    rules: Mapping[Level, Rule] = field(default_factory=lambda: RULES)
    override_classes: Mapping[Level, frozenset[OverrideClass]] = field(default_factory=lambda: OVERRIDE_CLASSES)
    longest_override: timedelta = timedelta(hours=24)
    shape: Shape = field(default_factory=Shape)

    def rule(self, level: Level, mode: Mode) -> Rule:
        """Return the rule of a level, as far as `mode` goes."""
        return min(self.rules[level], mode.strictest_rule, key=lambda rule: rule.rank)


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds in percent of the budget left: Healthy above `depleting`, Endangered below `endangered`."""

    depleting: Decimal = Decimal(70)
    endangered: Decimal = Decimal(30)
    burn: BurnBounds = field(default_factory=BurnBounds)
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    lift: Lift = field(default_factory=Lift)
    releases: Releases = field(default_factory=Releases)


BUILT_IN: Final = Policy()
"""The policy of an objective that names none, where no policy is the default."""
