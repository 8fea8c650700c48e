"""What measuring needs of a source, whatever it reads: the one interface that the direct and the recorded one have."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Partial
from frostline.core.patches import Patches
from frostline.core.selector import Selector

Key = TypeVar("Key", bound=tuple[str, str])
"""Namespace and name of an objective."""
_Any = TypeVar("_Any", bound=Hashable)
_Part = TypeVar("_Part")
_Told = TypeVar("_Told")
Points: TypeAlias = Mapping[int, float]
"""Values by evaluation time in epoch seconds; a moment without a series is absent."""

Missing: TypeAlias = Partial | Failed


@dataclass(frozen=True, slots=True)
class Counted:
    """Events counted in the time up to each evaluation time."""

    numerator: Points
    valid: Points


@dataclass(frozen=True, slots=True)
class Presence:
    """Valid series at one moment: time of the `newest` sample, None without one for five minutes; how many `series`."""

    newest: int | None
    series: int


@dataclass(frozen=True, slots=True)
class Latest:
    """What is there at one moment, and what was counted in the open bucket up to it.

    Where that is known with it, `counted` also has the bucket that ended when the open one began.
    """

    presence: Presence
    counted: Counted


def joined(
    presence: Mapping[_Any, Presence | Missing], counted: Mapping[_Any, Counted | Missing]
) -> dict[_Any, Latest | Missing]:
    """Return both of each key; where one of them is missing, that."""
    found: dict[_Any, Latest | Missing] = {}
    for key, there in presence.items():
        events = counted[key]
        if isinstance(there, Partial | Failed):
            found[key] = there
        else:
            found[key] = events if isinstance(events, Partial | Failed) else Latest(there, events)
    return found


class Spread(Protocol):
    """How the queries of one question are asked: one after the other, or some at a time."""

    def __call__(self, ask: Callable[[_Part], _Told], parts: Iterable[_Part], /) -> Iterable[_Told]:
        """Return what `ask` returns for every part, in their order."""


class Source(Protocol):
    """Counts events. Every method returns, per key, what was counted or the reason why there is nothing.

    `Counted.numerator` is in the indicator's own sense, good or bad, whatever the source reads.
    """

    @property
    def averages_after_s(self) -> int | None:
        """How long after its end a bucket is read as an average, which moves events to its neighbours; None: never."""

    @property
    def settled_after_s(self) -> int | None:
        """How long after its end a bucket has been read for good; None: data may come late."""

    @property
    def handful(self) -> int:
        """How many objectives are asked for at once while gaps are filled, so that a cycle need not wait long."""

    def latest(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Latest | Missing]:
        """Return how the valid series are there at `at`, and the events of the `width_s` seconds up to it."""

    def window(self, objectives: Mapping[Key, Objective], at: int, window_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of the whole window up to `at` in one look, right but for edges and births."""

    def closed(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return the events of every bucket of `gap`, by the end of the bucket."""

    def recent(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return what `closed` does, of buckets that closed just now, as far as that does not delay a cycle."""

    def unmoved(self, objectives: Mapping[Key, Objective], gap: Gap) -> Mapping[Key, Points]:
        """Return the bad events of the buckets of `gap`, by their ends, before averages moved any to a neighbour.

        Nothing where none are moved, or where that is not known.
        """

    def patchy(self, objectives: Mapping[Key, Objective], gap: Gap) -> Mapping[Key, Patches] | Missing:
        """Return the buckets of `gap` that are to be read again once all around them is known, by objective."""

    def boundaries(self, buckets: Selector, at: int) -> tuple[str, ...] | Missing:
        """Return the bucket bounds, as the label `le` spells them, of the series that `buckets` selects at `at`."""
