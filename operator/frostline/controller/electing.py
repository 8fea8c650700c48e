"""Stands for election, leads while elected, and lets go in order."""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from frostline.controller.effects import REFUSALS, brief
from frostline.core.election import Candidate, Record
from frostline.kubernetes.fence import LeaseFence, lease_clock
from frostline.kubernetes.lease import Found

_LOG = logging.getLogger(__name__)
_ANSWER_S: Final = 5.0
_LEAST_S: Final = 0.1


class Lease(Protocol):
    """Where candidates meet; each call raises one of REFUSALS when the API server refuses or cannot be reached."""

    async def read(self) -> Found | None:
        """Return what it says."""

    async def write(self, record: Record, before: Found | None) -> Found | None:
        """Write a record in place of what was read; None when another was faster."""


class Office(Protocol):
    """What the winner does."""

    async def lead(self, fence: LeaseFence, stop: asyncio.Event) -> bool:
        """Lead until `stop` is set; return whether no write is under way any more."""

    def stand_by(self, *, known: bool) -> None:
        """Take note that this process does not lead, and whether it is `known` who does; called at each look."""


class Election:
    """One candidate, over and over until `stopping` is set.

    Args:
        lease: where candidates meet.
        candidate: who stands; its identity is that of this life of the process.
        office: what to do when elected.
        stopping: set when the process shall end.
        clock: seconds that nobody sets.
    """

    def __init__(
        self,
        lease: Lease,
        candidate: Candidate,
        office: Office,
        stopping: asyncio.Event,
        clock: Callable[[], float] = lease_clock,
    ) -> None:
        self._lease = lease
        self._candidate = candidate
        self._office = office
        self._stopping = stopping
        self._clock = clock
        self._said = ""

    async def run(self) -> None:
        """Stand and lead in turn. What ends a term with an error ends the process with it, the lease let go."""
        while not self._stopping.is_set():
            known = await self._look(_ANSWER_S)
            if self._candidate.leads(self._clock()):
                await self._term()
            else:
                self._office.stand_by(known=known)
                if known:
                    self._tell_who_leads()
                await self._pause(self._stopping)

    async def _term(self) -> None:
        seen = self._candidate.seen
        self._say(f"leading: {self._lease} is ours, term {0 if seen is None else seen.transitions}")
        fence = LeaseFence(self._clock)
        fence.extend(self._candidate.deadline)
        stop, ended, settled = asyncio.Event(), asyncio.Event(), False
        term = asyncio.create_task(self._office.lead(fence, stop))
        term.add_done_callback(lambda _: ended.set())
        try:
            await self._renew(fence, ended)
        finally:
            stop.set()
            try:
                settled = await term
            finally:
                await self._resign(fence, settled=settled)

    async def _resign(self, fence: LeaseFence, *, settled: bool) -> None:
        """Write nothing more, and let the next one in at once; but not while a write may still be under way."""
        lost = not self._candidate.leads(self._clock())
        fence.shut()
        if lost:
            self._say(f"leading no more: {self._lease} was lost", logging.WARNING)
        elif settled:
            await self._let_go()
        self._candidate = self._candidate.resigned()

    async def _renew(self, fence: LeaseFence, ended: asyncio.Event) -> None:
        """Renew until the lease is lost, the term ends by itself or the process shall stop."""
        while not ended.is_set() and not self._stopping.is_set():
            await self._pause(self._stopping, ended)
            left = self._candidate.deadline - self._clock()
            if left > 0:
                await self._look(min(_ANSWER_S, max(left, _LEAST_S)))
                fence.extend(self._candidate.deadline)
            if not self._candidate.leads(self._clock()):
                fence.shut()
                return

    async def _look(self, patience_s: float) -> bool:
        """Read the lease, and claim it where that may be; return whether the API server answered."""
        try:
            async with asyncio.timeout(patience_s):
                found = await self._lease.read()
                candidate = self._candidate.observed(None if found is None else found.record, self._clock())
                self._candidate = candidate
                if not candidate.may_claim(self._clock()):
                    return True
                claim, sent = candidate.claim(_now()), self._clock()
                written = await self._lease.write(claim, found)
                if written is not None:
                    self._candidate = candidate.holds(written.record, sent)
        except REFUSALS as error:
            self._say(f"{self._lease} cannot be read or written, trying again: {brief(error)}", logging.WARNING)
            return False
        return True

    async def _let_go(self) -> None:
        farewell = self._candidate.farewell(_now())
        if farewell is None:
            return
        try:
            async with asyncio.timeout(_ANSWER_S):
                found = await self._lease.read()
                if found is not None and found.record.holder == self._candidate.identity:
                    await self._lease.write(farewell, found)
                    _LOG.info("let go of %s: a standby takes over", self._lease)
        except REFUSALS as error:
            _LOG.warning("%s is not let go, a standby waits until it has run out: %s", self._lease, brief(error))

    def _tell_who_leads(self) -> None:
        seen = self._candidate.seen
        if seen is not None and seen.holder:
            self._say(f"standing by: {seen.holder} leads by {self._lease}")

    def _say(self, sentence: str, level: int = logging.INFO) -> None:
        if sentence != self._said:
            _LOG.log(level, "%s", sentence)
            self._said = sentence

    async def _pause(self, *events: asyncio.Event) -> None:
        """Wait until it is time to look again, or one of the events happens."""
        await first_of(self._candidate.terms.retry_s * (0.75 + random.random() / 2), *events)  # noqa: S311 - no secret


async def first_of(timeout_s: float, *events: asyncio.Event) -> None:
    """Wait until one of the events happens, `timeout_s` at most."""
    waits: list[asyncio.Task[bool]] = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
