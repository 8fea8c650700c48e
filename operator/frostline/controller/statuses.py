"""Writes the statuses of objectives: those that have something to tell, and the Event of a changed level after it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.account import Key
from frostline.controller.packed import Packed
from frostline.controller.status import LATEST_S, Facts, gist, render
from frostline.controller.store import Store, Stored
from frostline.controller.writing import (
    RESTART_S,
    LastWrite,
    Rate,
    can_wait,
    merge_patch,
    spread,
    urgency,
    was_measured,
    worth_writing,
)
from frostline.core.outcome import Rehydrating
from frostline.core.policy import Level

_WRITERS: Final = 8


class Writer(Protocol):
    """What statuses need of the API server."""

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        """Merge a patch into a status; return the object after it, None when it is gone or was refused."""

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        """Leave an Event."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A status, and the gist of what it was rendered from."""

    gist: tuple[object, ...]
    status: JsonObject


class Statuses:
    """What was written last to each objective of a store; runs never overlap."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        self._writes: dict[Key, LastWrite] = {}
        self._told: dict[Key, tuple[object, ...]] = {}
        self._rate = Rate()
        self._begun: int | None = None

    async def write(self, objects: Mapping[Key, Stored], facts: Mapping[Key, Facts], now: int) -> None:
        """Write what is worth it, as of epoch second `now`; the most urgent first, as much as the rate allows."""
        self._forget(objects)
        drafts = await asyncio.to_thread(self._drafts, objects, facts, now)
        limit = asyncio.Semaphore(_WRITERS)

        async def one(key: Key, draft: _Draft) -> None:
            async with limit:
                if await self._apply(objects[key], draft.status, now):
                    self._told[key] = draft.gist

        await asyncio.gather(*(one(key, draft) for key, draft in drafts.items()))

    def _forget(self, objects: Mapping[Key, Stored]) -> None:
        """Forget what was written to objects that are gone."""
        for gone in self._writes.keys() - objects.keys():
            del self._writes[gone]
        for gone in self._told.keys() - objects.keys():
            del self._told[gone]

    def _drafts(self, objects: Mapping[Key, Stored], facts: Mapping[Key, Facts], now: int) -> dict[Key, _Draft]:
        """Render what has something to tell; what is left for want of room is rendered anew by the next cycle."""
        room = self._rate.room(now)
        drafts: dict[Key, _Draft] = {}
        for key, summary in self._waiting(facts):
            if len(drafts) >= room:
                break
            status, last = render(facts[key]), self._writes.get(key)
            # The status rendered from is the one compared with: what came in meanwhile is for the next cycle.
            if worth_writing(objects[key].status, status, last, now=now, fleet=len(objects), seed=str(key)):
                drafts[key] = _Draft(summary, status)
            else:
                self._told[key] = summary
        self._rate.take(len(drafts))
        return drafts

    def _waiting(self, facts: Mapping[Key, Facts]) -> list[tuple[Key, tuple[object, ...]]]:
        """Return what may have something to tell, and its gist, the most urgent first."""
        waiting = []
        for key, each in facts.items():
            if self._comes_back(key, each):
                continue
            # Not all at once at the full hour.
            summary = gist(each, late_s=spread(str(key), LATEST_S))
            if summary != self._told.get(key) or not self._can_wait(key, each, len(facts)):
                last = self._writes.get(key)
                waiting.append(((*urgency(each), 0 if last is None else last.at, key), summary))
        waiting.sort(key=lambda each: each[0])
        return [(order[-1], summary) for order, summary in waiting]

    def _comes_back(self, key: Key, facts: Facts) -> bool:
        """Return whether a status that the operator before wrote is about to be true again: a restart is no news."""
        self._begun = facts.now if self._begun is None else self._begun
        if key in self._writes or not 0 <= facts.now - self._begun < RESTART_S:
            return False
        outcome = None if facts.assessment is None else facts.assessment.outcome
        return isinstance(outcome, Rehydrating) and was_measured(facts.stored, facts.generation, facts.released.rule)

    def _can_wait(self, key: Key, facts: Facts, fleet: int) -> bool:
        last = self._writes.get(key)
        if last is None:
            return False
        figure = None if facts.assessment is None else facts.assessment.figure
        percent = None if figure is None else figure.budget.remaining * 100
        return can_wait(facts.stored, percent, last, now=facts.now, fleet=fleet, seed=str(key))

    async def _apply(self, read: Stored, rendered: JsonObject, now: int) -> bool:
        """Write a status, and the Event of a changed level; return whether it was written."""
        last = self._writes.get(read.key)
        written = await self._writer.write(read, merge_patch(read.status, rendered))
        if written is None:
            return False
        self._store.put(written)
        known = self._store.get(read.key)
        status = written.get("status", {})
        # The watch may have been faster: one copy is enough.
        self._writes[read.key] = LastWrite(
            known.status if known is not None and known.status == status else Packed(status), now
        )
        # What somebody else wrote into the status was never a level.
        before = read.status if last is None else last.status
        note = level_note(before.get("level"), rendered)
        if note is not None:
            warning, sentence = note
            await self._writer.tell(read, warning=warning, reason=names.Reason.LEVEL_CHANGED, note=sentence)
        return True


def level_note(before: object, status: Mapping[str, Any]) -> tuple[bool, str] | None:
    """Return (whether it is a warning, the sentence) of the Event for a status, or None when no level changed."""
    now = status.get("level")
    if now is None or now == before:
        return None
    old = Level(before) if isinstance(before, str) and before in set(Level) else None
    new = Level(now)
    display = status.get("display", {})
    figures = (
        f"{display.get('budget')} of the error budget left, burning at {display.get('burn')},"
        f" SLI {display.get('sli')} against {display.get('target')}"
    )
    if old is None:
        # That a new objective is healthy is no news.
        return None if new is Level.HEALTHY else (True, f"{new.value}: {figures}")
    return new.rank > old.rank, f"{old.value} -> {new.value}: {figures}"
