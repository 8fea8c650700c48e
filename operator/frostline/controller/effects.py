"""Writes gates and marks to the API server; a refusal is told and left to the next pass."""

import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import aiohttp
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller import marks
from frostline.controller.gates import manifest
from frostline.controller.gitops import GitOps
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.controller.workloads import SeenWorkload
from frostline.core.gate import Workload, gate_name
from frostline.core.projection import Template
from frostline.kubernetes.events import About, Recorder, Told
from frostline.kubernetes.resource import GATES, NAMESPACES, WORKLOADS, Objects, reason_of
from frostline.kubernetes.revisions import templates

_LOG = logging.getLogger(__name__)
REFUSALS = (ApiException, aiohttp.ClientError, TimeoutError)
_CONTENDED: Final = (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)
_GATE: Final = "gate"
_WORKLOAD: Final = "workload"
_NAMESPACE: Final = "namespace"


class ApiEffects:
    """Does what an enforcement pass decides, and tells the stores what came of it.

    `wrote` is told of each write: what was written (gate, workload, namespace), and the outcome (written, gone,
    contended, refused).
    """

    def __init__(
        self,
        objects: Objects,
        recorder: Recorder,
        stores: Stores,
        gitops: GitOps,
        wrote: Callable[[str, str], None] = lambda _what, _outcome: None,
    ) -> None:
        self._objects = objects
        self._recorder = recorder
        self._stores = stores
        self._gitops = gitops
        self._wrote = wrote

    async def templates(self, workload: SeenWorkload) -> tuple[Template, list[tuple[str, Template]]] | None:
        """Return the present pod template and (source, template) of revisions before it, read at one time.

        None when they cannot be read now.
        """
        try:
            return await templates(self._objects, *workload.key, workload.uid)
        except REFUSALS as error:
            _LOG.warning(
                "%s of namespace %s is not held back yet, as what it ran before cannot be read: %s",
                workload.key,
                workload.key.namespace,
                brief(error),
            )
            return None

    async def write_gate(self, workload: Workload, spec: JsonObject, known: Stored | None) -> bool:
        """Create a gate, or replace the one that is `known`."""
        body = manifest(workload, spec, known)
        try:
            if known is None:
                written = await self._objects.create(GATES, body)
            else:
                written = await self._objects.replace(GATES, body)
        except REFUSALS as error:
            contended = isinstance(error, ApiException) and error.status in _CONTENDED
            self._wrote(_GATE, "contended" if contended else "refused")
            if not contended:
                _LOG.warning("releasegate of %s in %s not written: %s", workload, workload.namespace, brief(error))
            return False
        self._wrote(_GATE, "written")
        self._stores.gates.put(written)
        return True

    async def remove_gate(self, known: Stored) -> bool:
        """Delete a gate."""
        try:
            there = await self._objects.delete(GATES, *known.key, known.uid, known.version)
            if not there and await self._objects.get(GATES, *known.key) is not None:
                # Somebody changed it meanwhile: the watch brings what it is now.
                self._wrote(_GATE, "contended")
                return False
        except REFUSALS as error:
            self._wrote(_GATE, "refused")
            _LOG.warning("releasegate %s not removed: %s", known.key, brief(error))
            return False
        self._wrote(_GATE, "written")
        self._stores.gates.forget(known.key, known.uid)
        return True

    async def mark(self, workload: SeenWorkload, wanted: Mapping[str, str]) -> bool:
        """Leave exactly these marks on a workload."""
        patch = marks.patch(wanted)
        patch["metadata"]["uid"] = workload.uid
        try:
            written = await self._objects.merge(
                WORKLOADS[workload.key.kind], workload.key.namespace, workload.key.name, patch
            )
        except REFUSALS as error:
            self._wrote(_WORKLOAD, "refused")
            _LOG.warning("marks of %s in %s not written: %s", workload.key, workload.key.namespace, brief(error))
            return False
        self._wrote(_WORKLOAD, "gone" if written is None else "written")
        if written is not None:
            self._stores.workloads.put(written)
        return written is not None

    async def mark_namespace(self, name: str, *, enforced: bool) -> bool:
        """Put the operator's label on a namespace, or take it away."""
        patch = {"metadata": {"labels": {str(names.Label.ENFORCED): "true" if enforced else None}}}
        try:
            written = await self._objects.merge(NAMESPACES, None, name, patch)
        except REFUSALS as error:
            self._wrote(_NAMESPACE, "refused")
            _LOG.warning("label %s of namespace %s not written: %s", names.Label.ENFORCED, name, brief(error))
            return False
        self._wrote(_NAMESPACE, "gone" if written is None else "written")
        if written is not None:
            self._stores.namespaces.put(written)
        return written is not None

    async def tell(
        self, workload: Workload, seen: SeenWorkload | None, *, warning: bool, reason: names.Reason, note: str
    ) -> None:
        """Leave an Event about a workload, or about its gate when it is gone."""
        _LOG.log(logging.WARNING if warning else logging.INFO, "%s: %s: %s", workload.namespace, reason, note)
        if seen is not None:
            resource = WORKLOADS[workload.kind]
            about = About(resource.api_version, workload.kind, workload.namespace, workload.name, seen.uid)
        else:
            name = gate_name(workload.kind, workload.name)
            about = About(names.API_VERSION, str(names.Kind.RELEASE_GATE), workload.namespace, name, "")
        try:
            await self._recorder.record(about, Told(reason, "Gate", note, warning))
        except REFUSALS as error:
            _LOG.warning("event for %s in %s not created: %s", workload, workload.namespace, brief(error))

    async def opened(self, workload: SeenWorkload) -> None:
        """Ask who delivers the workload to try again: releases of it pass."""
        try:
            live = await self._objects.get(WORKLOADS[workload.key.kind], workload.key.namespace, workload.key.name)
        except REFUSALS as error:
            _LOG.warning("who delivers %s is not asked to try again: %s", workload.key, brief(error))
            return
        if live is not None:
            await self._gitops.lifted([live["metadata"]], time.time())


def brief(error: Exception) -> str:
    """Return what went wrong at the API server, in one line."""
    if isinstance(error, ApiException):
        return f"the API server answered {reason_of(error)}"
    return f"{type(error).__name__} {error}".strip()
