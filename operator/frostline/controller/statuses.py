"""Writes the statuses of objectives: those that have something to tell, and the Event of a changed level after it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.account import Key
from frostline.controller.status import Facts, gist, render
from frostline.controller.store import Store, Stored
from frostline.controller.writing import LastWrite, can_wait, merge_patch, worth_writing
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

    def forget(self, objects: Mapping[Key, Stored]) -> None:
        """Forget what was written to objects that are gone."""
        for gone in self._writes.keys() - objects.keys():
            del self._writes[gone]
        for gone in self._told.keys() - objects.keys():
            del self._told[gone]

    async def write(self, objects: Mapping[Key, Stored], facts: Mapping[Key, Facts], now: int) -> None:
        """Write what is worth it, as of epoch second `now`."""
        drafts = await asyncio.to_thread(self._drafts, facts)
        limit = asyncio.Semaphore(_WRITERS)

        async def one(key: Key, draft: _Draft) -> None:
            async with limit:
                if await self._apply(objects[key], draft.status, now, len(objects)):
                    self._told[key] = draft.gist

        await asyncio.gather(*(one(key, draft) for key, draft in drafts.items()))

    def _drafts(self, facts: Mapping[Key, Facts]) -> dict[Key, _Draft]:
        drafts = {}
        for key, each in facts.items():
            summary = gist(each)
            if summary != self._told.get(key) or not self._can_wait(key, each, len(facts)):
                drafts[key] = _Draft(summary, render(each))
        return drafts

    def _can_wait(self, key: Key, facts: Facts, fleet: int) -> bool:
        last = self._writes.get(key)
        if last is None:
            return False
        figure = None if facts.assessment is None else facts.assessment.figure
        percent = None if figure is None else figure.budget.remaining * 100
        return can_wait(facts.stored, percent, last, now=facts.now, fleet=fleet, seed=str(key))

    async def _apply(self, read: Stored, status: JsonObject, now: int, fleet: int) -> bool:
        """Write a status if it is worth it; return False where it should have been and was not."""
        # The status rendered from is the one compared with: what came in meanwhile is for the next cycle.
        last = self._writes.get(read.key)
        if not worth_writing(read.status, status, last, now=now, fleet=fleet, seed=str(read.key)):
            return True
        written = await self._writer.write(read, merge_patch(read.status, status))
        if written is None:
            return False
        self._writes[read.key] = LastWrite(written.get("status", {}), now)
        self._store.put(written)
        # What somebody else wrote into the status was never a level.
        known = read.status if last is None else last.status
        note = level_note(known.get("level"), status)
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
