"""Statuses of objectives on their way to the API server: which are worth a write, and what was written last."""

import asyncio
from collections.abc import Iterable, Mapping
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
    """What a cycle needs of the API server."""

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        """Merge a patch into a status; return the object after it, None when it is gone or was refused."""

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        """Leave an Event."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A status of an object, and the gist of what it was rendered from."""

    read: Stored
    gist: tuple[object, ...]
    status: JsonObject


class Statuses:
    """Remembers what was written last to each object."""

    def __init__(self, writer: Writer, store: Store) -> None:
        self._writer = writer
        self._store = store
        self._writes: dict[Key, LastWrite] = {}
        self._told: dict[Key, tuple[object, ...]] = {}

    def forget(self, objects: Mapping[Key, object]) -> None:
        """Forget what was written to objects that are gone."""
        for memory in (self._writes, self._told):
            for gone in memory.keys() - objects.keys():
                del memory[gone]

    def draft(self, read: Stored, facts: Facts, fleet: int) -> Draft | None:
        """Return the status to write, None where it says nothing new; `fleet` is the number of objects."""
        summary = gist(facts)
        if summary == self._told.get(read.key) and self._can_wait(read.key, facts, fleet):
            return None
        return Draft(read, summary, render(facts))

    def _can_wait(self, key: Key, facts: Facts, fleet: int) -> bool:
        last = self._writes.get(key)
        if last is None:
            return False
        figure = None if facts.assessment is None else facts.assessment.figure
        percent = None if figure is None else figure.budget.remaining * 100
        return can_wait(facts.stored, percent, last, now=facts.now, fleet=fleet, seed=str(key))

    async def write(self, drafts: Iterable[Draft], now: int, fleet: int) -> None:
        """Write what is worth it, and tell changed levels."""
        gate = asyncio.Semaphore(_WRITERS)

        async def one(draft: Draft) -> None:
            async with gate:
                if await self._apply(draft.read, draft.status, now, fleet):
                    self._told[draft.read.key] = draft.gist

        await asyncio.gather(*map(one, drafts))

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
