"""Applies a cycle's decisions; a refusal is told and left to the next cycle."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.metrics import Instruments
from frostline.controller.store import Stored
from frostline.kubernetes.objectives import Objectives

_LOG = logging.getLogger(__name__)
_REFUSALS = (ApiException, aiohttp.ClientError, asyncio.TimeoutError)


class ApiWriter:
    """Writes to the API server. `instance` names this process in Events."""

    def __init__(self, objectives: Objectives, instruments: Instruments, instance: str) -> None:
        self._objectives = objectives
        self._instruments = instruments
        self._instance = instance

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        """Merge a patch into a status; return the object after it, None when it is gone or was refused."""
        try:
            written = await self._objectives.patch_status(*stored.key, stored.uid, patch)
        except _REFUSALS as error:
            self._instruments.wrote("refused")
            _LOG.warning("status of slo %s not written, the next cycle tries again: %s", stored.key, _brief(error))
            return None
        self._instruments.wrote("gone" if written is None else "written")
        return written

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        """Leave an Event; one that is refused is told in the log only, for the status has it too."""
        _LOG.log(logging.WARNING if warning else logging.INFO, "slo %s: %s", stored.key, note)
        regarding = {"metadata": {"namespace": stored.key.namespace, "name": stored.key.name, "uid": stored.uid}}
        try:
            await self._objectives.record(
                regarding, warning=warning, reason=reason, action="Measure", note=note, by=self._instance
            )
        except _REFUSALS as error:
            _LOG.warning("event for slo %s not created: %s", stored.key, _brief(error))


def _brief(error: Exception) -> str:
    if isinstance(error, ApiException):
        return f"the API server answered {error.status} {error.reason}"
    return f"{type(error).__name__} {error}"
