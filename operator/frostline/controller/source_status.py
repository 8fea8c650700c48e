"""What the status of a PrometheusSource says, and when it is written."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from frostline import names
from frostline.api.accept import Invalid
from frostline.api.base import JsonObject, as_json
from frostline.api.source import LastError, SourceDisplay, SourceStatus
from frostline.api.status import ConditionStatus
from frostline.controller import words
from frostline.controller.reports import StatusWriter
from frostline.controller.sources import Known, Sources
from frostline.controller.store import Store
from frostline.controller.writing import merge_patch
from frostline.core.breaker import State
from frostline.core.outcome import Failed, Partial

_MESSAGE_CHARACTERS: Final = 1_024
_EMPTY: Final = SourceStatus()


class SourceStatuses:
    """Keeps the statuses of sources true; runs never overlap."""

    def __init__(self, store: Store, writer: StatusWriter) -> None:
        self._store = store
        self._writer = writer

    async def write(self, sources: Sources, measures: Mapping[str, int], now: int) -> None:
        """Write what has changed; `measures` counts objectives by source, `now` is epoch seconds."""
        await asyncio.gather(*(self._one(each, measures.get(name, 0), now) for name, each in sources.known.items()))

    async def _one(self, known: Known, measures: int, now: int) -> None:
        patch = merge_patch(known.stored.status, render(known, measures, now))
        if patch:
            written = await self._writer.write(known.stored, patch)
            if written is not None:
                self._store.put(written)


def render(known: Known, measures: int, now: int) -> JsonObject:
    """Return the whole status of a source as of epoch second `now`."""
    before = _read(known.stored.status)
    accepted = _accepted(known)
    reachable = _reachable(known)
    said = reachable[2] if reachable[0] == "False" else None
    error = before.last_error
    if said is not None and (error is None or error.message != said):
        error = LastError(at=words.utc(now), message=said)
    wrong = accepted if accepted[0] == "False" else reachable
    status = SourceStatus(
        observed_generation=known.stored.generation,
        objectives=measures,
        version=_version(known, before),
        last_error=error,
        display=SourceDisplay(healthy="Yes" if wrong[0] == "True" else wrong[1].value),
        conditions=[
            _condition(names.Condition.ACCEPTED, accepted, before, known.stored.generation, now),
            _condition(names.Condition.REACHABLE, reachable, before, known.stored.generation, now),
        ],
    )
    return dict(as_json(status))


def _version(known: Known, before: SourceStatus) -> str | None:
    told = None if known.asked is None else known.asked.client.version
    return before.version if told is None and before.observed_generation == known.stored.generation else told


_Said = tuple[str, names.Reason, str]


def _accepted(known: Known) -> _Said:
    if isinstance(known.judged, Invalid):
        return "False", names.Reason.INVALID, "; ".join(known.judged.problems)
    if known.trouble is not None:
        return "False", names.Reason.CREDENTIALS_NOT_USABLE, known.trouble
    return "True", names.Reason.ACCEPTED, "manifest and credentials are in order"


def _reachable(known: Known) -> _Said:
    if known.asked is None:
        return "Unknown", names.Reason.NOT_ASKED, "it is not asked until it is accepted"
    last = known.asked.lane.last
    if last is None:
        return "Unknown", names.Reason.NOT_ASKED, "it has not answered yet"
    breaker = ""
    if known.asked.client.state is State.OPEN:
        breaker = "; after failures in a row it is asked one question a cycle"
    match last.trouble:
        case Failed(failure=failure, detail=detail):
            return "False", names.Reason.DOES_NOT_ANSWER, f"{failure}: {detail}{breaker}"
        case Partial(warnings=warnings):
            return "False", names.Reason.PARTIAL, f"it answers with warnings: {'; '.join(warnings)}"
    if breaker:
        return "False", names.Reason.DOES_NOT_ANSWER, f"it tells the time, but not more{breaker}"
    return "True", names.Reason.ANSWERS, "it answers"


def _condition(kind: names.Condition, said: _Said, before: SourceStatus, generation: int, now: int) -> ConditionStatus:
    since: datetime = words.utc(now)
    for old in before.conditions:
        if old.type == kind and old.status == said[0]:
            since = old.last_transition_time
    return ConditionStatus.model_validate(
        {
            "type": kind.value,
            "status": said[0],
            "reason": said[1].value,
            "message": said[2][:_MESSAGE_CHARACTERS],
            "last_transition_time": since,
            "observed_generation": generation,
        }
    )


def _read(stored: Mapping[str, object]) -> SourceStatus:
    try:
        return SourceStatus.model_validate(stored)
    except ValidationError:
        # Somebody else wrote it, or another version.
        return _EMPTY
