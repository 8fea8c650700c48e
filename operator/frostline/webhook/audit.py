"""What is kept of decisions: a log line each, and Events on workloads; never written while a request waits."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import aiohttp
from kubernetes.aio.client import ApiException

from frostline.core.verdict import Refused, Why
from frostline.kubernetes.events import About, Told
from frostline.kubernetes.resource import reason_of
from frostline.names import Reason
from frostline.webhook.decision import ON_RECORD, Decision
from frostline.webhook.metrics import Instruments

_LOG = logging.getLogger("frostline.webhook.decisions")

_REASONS: Final[Mapping[Why, Reason]] = {
    Why.HELD: Reason.RELEASE_REFUSED,
    Why.KEPT: Reason.RELEASE_REFUSED,
    Why.OVERRIDE: Reason.OVERRIDE_USED,
    Why.BYPASS: Reason.BYPASS_USED,
}
_LINES: Final = 4096
_EVENTS: Final = 512
_GATHER_S: Final = 0.05
_REPETITION_S: Final = 300.0
_REMEMBERED: Final = 4096
_LAST_WORDS_S: Final = 3.0


class Records(Protocol):
    """What writes Events."""

    async def record(self, about: About, told: Told) -> None:
        """Create an Event about an object."""


class Audit:
    """Keeps decisions in two bounded queues until they are written; what does not fit is dropped and counted."""

    def __init__(self, records: Records, instruments: Instruments, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self._instruments = instruments
        self._lines: asyncio.Queue[Decision] = asyncio.Queue(_LINES)
        self._events: asyncio.Queue[Decision] = asyncio.Queue(_EVENTS)
        self._told = _Remembered(clock)
        self._complained = False

    def note(self, decision: Decision) -> None:
        """Keep a decision; returns at once."""
        self._instruments.decided(decision.verdict)
        self._put(self._lines, decision, "line")
        if decision.verdict.why in ON_RECORD and not decision.review.dry_run:
            if self._told.seen(_what(decision)):
                self._instruments.event("repeated")
            else:
                self._put(self._events, decision, "event")

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_lines())
            tasks.create_task(self._write_events())

    async def finish(self) -> None:
        """Wait a little until all is written."""
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._lines.join()
                await self._events.join()
        except TimeoutError:
            left = self._lines.qsize() + self._events.qsize()
            logging.getLogger(__name__).warning("%d records of decisions could not be written in time", left)

    def _put(self, queue: asyncio.Queue[Decision], decision: Decision, record: str) -> None:
        try:
            queue.put_nowait(decision)
        except asyncio.QueueFull:
            self._instruments.dropped(record)

    async def _write_lines(self) -> None:
        while True:
            batch = [await self._lines.get()]
            # Handing lines to the thread costs as much as writing them: some at once.
            await asyncio.sleep(_GATHER_S)
            while not self._lines.empty():
                batch.append(self._lines.get_nowait())
            # Standard error may be a pipe that nobody empties: requests do not wait for it.
            await asyncio.to_thread(_log, batch)
            for _ in batch:
                self._lines.task_done()

    async def _write_events(self) -> None:
        while True:
            decision = await self._events.get()
            try:
                await self._records.record(_about(decision), _told(decision))
            except (ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
                self._instruments.event("failed")
                self._told.forget(_what(decision))
                self._complain(error)
            else:
                self._instruments.event("written")
                self._complained = False
            self._events.task_done()

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            why = reason_of(error) if isinstance(error, ApiException) else str(error) or type(error).__name__
            logging.getLogger(__name__).warning("Events about decisions cannot be written; the log has them: %s", why)
        self._complained = True


class _Remembered:
    """What was seen in the last minutes: GitOps tools ask the same again and again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: OrderedDict[tuple[object, ...], float] = OrderedDict()

    def seen(self, what: tuple[object, ...]) -> bool:
        now = self._clock()
        if self._seen.get(what, -_REPETITION_S) > now - _REPETITION_S:
            return True
        self._seen[what] = now
        self._seen.move_to_end(what)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def forget(self, what: tuple[object, ...]) -> None:
        self._seen.pop(what, None)


def _what(decision: Decision) -> tuple[object, ...]:
    change = decision.change
    return change.user, change.workload, decision.review.object_uid, decision.template, decision.verdict.why


def _about(decision: Decision) -> About:
    workload = decision.change.workload
    return About("apps/v1", workload.kind, workload.namespace, workload.name, decision.review.object_uid)


def _told(decision: Decision) -> Told:
    verdict, user = decision.verdict, decision.change.user
    if isinstance(verdict, Refused):
        note = f"Refused to {user}: {decision.sentence}"
    elif verdict.override is not None:
        note = f"Passed for {user} by ReleaseOverride {verdict.override} (decision {decision.identity})"
    else:
        note = f"Passed for {user} by the bypass, though releases are held back (decision {decision.identity})"
    reason = _REASONS[verdict.why]
    return Told(reason, "Release", note, warning=reason is not Reason.OVERRIDE_USED)


def _log(batch: list[Decision]) -> None:
    for decision in batch:
        facts = _facts(decision)
        text = " ".join(f"{name}={value!r}" if name == "user" else f"{name}={value}" for name, value in facts.items())
        _LOG.info("%s", text, extra=facts)


def _facts(decision: Decision) -> dict[str, Any]:
    change = decision.change
    facts: dict[str, Any] = {
        "decision": decision.identity,
        "verdict": "Passed" if decision.allowed else "Refused",
        "why": str(decision.verdict.why),
        "operation": str(change.operation),
        "namespace": change.workload.namespace,
        "workload": str(change.workload),
        "user": change.user,
        "rule": None if decision.gate is None else str(decision.gate.rule),
        "override": decision.override,
        "template": decision.template,
        "dryRun": decision.review.dry_run or None,
        "request": decision.review.uid,
    }
    return {name: value for name, value in facts.items() if value is not None}
