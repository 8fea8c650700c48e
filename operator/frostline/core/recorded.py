"""How events are counted from what the rules record: which series are whose, and rates back into counts."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.rules import BASE_INTERVAL_S, BASE_S, Unit, unit_label, window_label
from frostline.core.selector import quote
from frostline.names import RuleLabel

AFTER_S: Final = BASE_INTERVAL_S
"""What is recorded within this time after the end of a bucket is taken for it: it saw the whole bucket.

A slice or a minute that ends with the bucket counts from then on.
"""

SEEN_S: Final = 15
"""What is recorded within this time after a moment is there when a cycle asks for that moment: it asks no sooner."""

LAG_S: Final = (BASE_S + AFTER_S) // 2
"""How far averages of five-minute rates lag behind what those count, on average, in seconds."""

MOVED_S: Final = 1_200
"""For how long it is known what averages moved from a bucket to its neighbours; so much is read at a start."""

LATE_S: Final = 5 * BASE_INTERVAL_S
"""Age of the newest sample from which on rules count as not evaluated: some evaluations may be skipped."""

EVENTS: Final = f'{RuleLabel.UNIT}="{Unit.EVENT}"'
"""The matcher of what counts events, not time."""

_MOST_NAMED: Final = 1_000
"""Objectives that a query names; of more it asks for all that is recorded."""


class Labels(NamedTuple):
    """What tells the counts of one promise from those of others."""

    namespace: str
    name: str
    unit: str
    window: str


WHOSE: Final = (RuleLabel.NAMESPACE.value, RuleLabel.NAME.value, RuleLabel.UNIT.value, RuleLabel.WINDOW.value)

_window_label = lru_cache(maxsize=1_024)(window_label)
_unit_label = lru_cache(maxsize=8)(unit_label)


def labels_of(key: tuple[str, str], objective: Objective) -> Labels:
    """Return the labels that the rules give what they count for an objective."""
    namespace, name = key
    return Labels(namespace, name, _unit_label(objective.slice_s), _window_label(objective.window))


def matchers(keys: Iterable[tuple[str, str]]) -> str:
    """Return matchers in braces that let the series of these objectives pass, and perhaps of others."""
    named = tuple(keys)
    if len(named) > _MOST_NAMED:
        return ""
    namespaces, names = (sorted({key[part] for key in named}) for part in (0, 1))
    return f"{{{_one_of(RuleLabel.NAMESPACE, namespaces)},{_one_of(RuleLabel.NAME, names)}}}"


def also(which: str, matcher: str) -> str:
    """Return matchers in braces, or none (""), with another one added."""
    return f"{{{which[1:-1]},{matcher}}}" if which else f"{{{matcher}}}"


def _one_of(label: RuleLabel, values: list[str]) -> str:
    # Names of Kubernetes have one character that means something to an expression.
    either = "|".join(value.replace(".", "\\.") for value in values)
    return f"{label}=~{quote(either)}"


def in_part(
    now: float, before: float | None, width_s: int, *, earlier: float | None = None, long_before: float | None = None
) -> float:
    """Return events of the last `width_s` seconds, given those of the last five minutes, and of the five before it.

    Rates over five minutes say how many events there were, not when. Of several readings the one with least is taken,
    for what was in a bucket that is closed must not be counted again: events came evenly in the five minutes up to
    now; or in those up to the part; or, where it is known how many there were in five minutes `earlier` and
    `long_before` the part, also five minutes, in those. At least what was added to the count came in the part.
    """
    share = width_s / BASE_S
    even = share * now
    if before is None:
        return even
    readings = [even, now - (1 - share) * before]
    if earlier is not None and long_before is not None:
        readings.append(now - before + earlier - (1 - share) * long_before)
    return max(now - before, min(readings), 0.0)


def telescoped(hours: Mapping[int, float], edges: Mapping[int, float], gap: Gap) -> dict[int, float]:
    """Return events of the hours of a gap, by their ends, which together are those of the whole gap exactly.

    `hours` are of hours that all end the same little while before those of the gap do; `edges` has the events of that
    while, before the start of the gap and before its end. What lies in between telescopes.
    """
    counts = dict(hours)
    first, last = gap.start + gap.width_s, gap.last + gap.width_s
    for end, sign, at in ((first, -1, gap.start), (last, 1, last)):
        if end in counts:
            counts[end] = max(counts[end] + sign * edges.get(at, 0.0), 0.0)
    return counts
