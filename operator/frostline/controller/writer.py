"""Applies a cycle's decisions on objectives; a refusal is told and left to the next cycle."""

import logging
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.effects import REFUSALS, brief
from frostline.controller.store import Stored
from frostline.kubernetes.events import About, Recorder, Told
from frostline.kubernetes.resource import OBJECTIVES, OVERRIDES, POLICIES, SOURCES, Objects

_LOG = logging.getLogger(__name__)


class Subject(Enum):
    """Kinds of which the operator writes the status: the resource, and the kind's name."""

    OBJECTIVE = (OBJECTIVES, names.Kind.SERVICE_LEVEL_OBJECTIVE)
    POLICY = (POLICIES, names.Kind.ERROR_BUDGET_POLICY)
    OVERRIDE = (OVERRIDES, names.Kind.RELEASE_OVERRIDE)
    SOURCE = (SOURCES, names.Kind.PROMETHEUS_SOURCE)


class ApiWriter:
    """Writes statuses of one kind, and Events about its objects; `wrote` counts each write by its outcome."""

    def __init__(self, objects: Objects, recorder: Recorder, wrote: Callable[[str], None], subject: Subject) -> None:
        self._objects = objects
        self._recorder = recorder
        self._wrote = wrote
        self._resource, self._kind = subject.value

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        """Merge a patch into a status; return the object after it, None when it is gone or was refused."""
        namespace, name = stored.key
        body = {"metadata": {"uid": stored.uid}, "status": patch}
        try:
            written = await self._objects.merge(self._resource, namespace or None, name, body, sub="status")
        except REFUSALS as error:
            self._wrote("refused")
            _LOG.warning(
                "status of %s %s not written, the next cycle tries again: %s", self._kind, stored.key, brief(error)
            )
            return None
        self._wrote("gone" if written is None else "written")
        return written

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        """Leave an Event; one that is refused is told in the log only, for the status has it too."""
        _LOG.log(logging.WARNING if warning else logging.INFO, "%s %s: %s", self._kind, stored.key, note)
        about = About(names.API_VERSION, str(self._kind), *stored.key, stored.uid)
        try:
            await self._recorder.record(about, Told(reason, "Measure", note, warning))
        except REFUSALS as error:
            _LOG.warning("event for %s %s not created: %s", self._kind, stored.key, brief(error))
