"""When a status is worth a write, and the smallest patch that makes it so.

A write costs the API server some 5 ms of CPU even when it changes nothing.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.packed import unpacked
from frostline.controller.status import Facts
from frostline.core.policy import Level, Rule

STEP_PERCENT: Final = 1.0
HEARTBEAT_S: Final = 60
PROGRESS_S: Final = 5
RESTART_S: Final = 60
"""For how long after a start statuses that were measured before it are left as they are, while buckets are read."""
_SLOS_PER_HEARTBEAT_SECOND: Final = 10
WRITES_PER_S: Final = 20
MOST_AT_ONCE: Final = 600
"""Writes that may come in one cycle: some three seconds of an API server's time."""

_ROUNDING_PERCENT: Final = 0.01
_TELLING: Final = ("observedGeneration", "target", "level", "levelSince", "releases", "queries")


@dataclass(frozen=True, slots=True)
class LastWrite:
    """What we wrote last to an object, and when, in epoch seconds; `remaining_percent` is the budget that it shows."""

    status: Mapping[str, Any]
    at: int
    remaining_percent: float | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "remaining_percent", _remaining_percent(self.status))


class Rate:
    """A bucket of tokens, one for each write: so many come in a second, and so many it holds."""

    def __init__(self) -> None:
        self._tokens = float(MOST_AT_ONCE)
        self._at: int | None = None

    def room(self, now: int) -> int:
        """Return how many writes there may be at epoch second `now`."""
        passed = 0 if self._at is None else max(0, now - self._at)
        self._at = now
        self._tokens = min(MOST_AT_ONCE, self._tokens + passed * WRITES_PER_S)
        return int(self._tokens)

    def take(self, writes: int) -> None:
        """Note that so many are made."""
        self._tokens -= writes


def urgency(facts: Facts) -> tuple[int, int]:
    """Return what to sort by when not all can be written: changed releases and levels first, the worst of them first.

    Then what was never told, and last the figures that have moved on.
    """
    level = None if facts.assessment is None else facts.assessment.level
    stored = unpacked(facts.stored)
    changed = stored.get("releases", Rule.OPEN) != facts.released.rule
    if level is None:
        return (0 if changed else 1 if not stored else 2), -facts.released.rule.rank
    changed |= stored.get("level", Level.HEALTHY) != level.level
    return (0 if changed else 1 if not stored else 2), -max(facts.released.rule.rank, level.level.rank)


def worth_writing(
    stored: Mapping[str, Any],
    rendered: JsonObject,
    last: LastWrite | None,
    *,
    now: int,
    fleet: int,
    seed: str,
) -> bool:
    """Return whether `rendered` shall replace `stored`.

    Written at once: a changed condition, level or promise; a step of the budget; a status that somebody else
    changed. Written with the heartbeat of max(60 s, fleet / 10 s), spread by `seed`: the rest.
    """
    if rendered == stored:
        return False
    if last is None or stored != last.status:
        return True
    stored = unpacked(stored)
    if _telling(stored) != _telling(rendered) or _stepped(stored, rendered):
        return True
    return now - last.at >= (PROGRESS_S if _rehydrating(rendered) else _heartbeat(fleet, seed))


def can_wait(
    stored: Mapping[str, Any], remaining_percent: float | None, last: LastWrite, *, now: int, fleet: int, seed: str
) -> bool:
    """Return whether a status that says the same but for its figures need not even be rendered.

    `remaining_percent` is the budget that it would show, not rounded. Rendering costs more than all the rest of a
    cycle: of a large fleet only those are rendered that have something to tell.
    """
    if now - last.at >= _heartbeat(fleet, seed) or stored != last.status:
        return False
    before = last.remaining_percent
    if before is None or remaining_percent is None:
        return before is remaining_percent
    return abs(before - remaining_percent) < STEP_PERCENT - _ROUNDING_PERCENT


def was_measured(stored: Mapping[str, Any], generation: int, releases: Rule) -> bool:
    """Return whether a status says that the promise of `generation` is measured, and this of releases."""
    status = unpacked(stored)
    same = (status.get("observedGeneration"), status.get("releases", Rule.OPEN)) == (generation, releases)
    return same and any(
        each.get("type") == names.Condition.MEASURED and each.get("status") == "True"
        for each in status.get("conditions", ())
    )


def _heartbeat(fleet: int, seed: str) -> int:
    beat = max(HEARTBEAT_S, fleet // _SLOS_PER_HEARTBEAT_SECOND)
    return beat - spread(seed, max(1, beat // 4))


def spread(seed: str, below: int) -> int:
    """Return a number from 0 up to `below`, always the same for a seed: what would come at once comes by and by."""
    return zlib.crc32(seed.encode()) % below


def merge_patch(stored: Mapping[str, Any], rendered: Mapping[str, Any]) -> JsonObject:
    """Return the JSON merge patch (RFC 7386) that turns `stored` into `rendered`."""
    stored = unpacked(stored)
    patch: JsonObject = {gone: None for gone in stored if gone not in rendered}
    for name, value in rendered.items():
        old = stored.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            inner = merge_patch(old, value)
            if inner:
                patch[name] = inner
        elif value != old:
            patch[name] = value
    return patch


def _telling(status: Mapping[str, Any]) -> object:
    conditions = [(each.get("type"), each.get("status"), each.get("reason")) for each in status.get("conditions", ())]
    return [status.get(name) for name in _TELLING], conditions


def _stepped(stored: Mapping[str, Any], rendered: Mapping[str, Any]) -> bool:
    before, after = (_remaining_percent(status) for status in (stored, rendered))
    if before is None or after is None:
        return before is not after
    return abs(before - after) >= STEP_PERCENT


def _remaining_percent(status: Mapping[str, Any]) -> float | None:
    found: float | None = status.get("budget", {}).get("remainingPercent")
    return found


def _rehydrating(status: Mapping[str, Any]) -> bool:
    return any(
        each.get("type") == names.Condition.MEASURED and each.get("reason") == names.Reason.REHYDRATING
        for each in status.get("conditions", ())
    )
