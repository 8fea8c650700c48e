"""kopf's watches, feeding the stores; nothing is written to the objects and no finalizer is set."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import kopf

# What ends kopf's watches has no public name; anything else that ends them is a fault of ours.
from kopf._cogs.clients.errors import APIError
from kopf._cogs.clients.watching import WatchingError

# It is a parameter of kopf's, whose type has no public name.
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from frostline.controller.known import Known
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.resource import Resource

_LOG = logging.getLogger(__name__)


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing: kopf runs no handlers here whose progress would matter."""

    def fetch(self, **_: Any) -> None:
        """Return nothing."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""

    def purge(self, **_: Any) -> None:
        """Remove nothing."""

    def touch(self, **_: Any) -> None:
        """Mark nothing."""

    def clear(self, *, essence: Any) -> Any:  # noqa: ANN401 - kopf's types are private
        """Return the essence as it is."""
        return essence


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing: no last-handled copies, which cost a deep copy an event."""

    def build(self, **_: Any) -> Any:  # noqa: ANN401 - kopf's types are private
        """Return an empty essence."""
        return {}

    def fetch(self, **_: Any) -> None:
        """Return nothing."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""


class _NoMemories(ResourceMemories):
    """Keeps nothing: no handlers here remember anything, and a memory takes as much as what we keep of an object."""

    async def recall(self, raw_body: Any, **more: Any) -> ResourceMemory:  # noqa: ANN401 - kopf's types are private
        """Return an empty memory."""
        return await super().recall(raw_body, **{**more, "ephemeral": True})


_SERVER_TIMEOUT_S: Final = 290
_INACTIVITY_S: Final = 310
_CONNECT_S: Final = 5
_REQUEST_S: Final = 15
_CHUNK_OBJECTS: Final = 250
"""Objects of one answer when a watch begins: ten thousand at once would take 200 MB, and a task of kopf's each."""
_LONGEST_PAUSE_S: Final = 15.0
_DOUBLINGS: Final = 4
_AGAIN_S: Final = 1.0
_ENDINGS: Final = 5
_ENDING_S: Final = 1.0
_KOPF: Final = str(Path(kopf.__file__).parent)


class _Pauses:
    """How long to wait before asking again: 0.5 to 1 s, then up to 15 s, and never so long that it is given up."""

    def __iter__(self) -> Iterator[float]:
        attempt = 0
        while True:
            yield min(_LONGEST_PAUSE_S, 2.0**attempt) * (0.5 + random.random() / 2)  # noqa: S311 - no secret
            attempt = min(attempt + 1, _DOUBLINGS)


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings: it watches, and does nothing else."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.queueing.idle_timeout = 0.1
    chosen.watching.chunk_size = _CHUNK_OBJECTS
    chosen.watching.server_timeout = _SERVER_TIMEOUT_S
    chosen.watching.client_timeout = _INACTIVITY_S
    chosen.watching.connect_timeout = _CONNECT_S
    chosen.networking.request_timeout = _REQUEST_S
    chosen.networking.error_backoffs = _Pauses()
    chosen.networking.enforce_retry_after = True
    # Minutes after the watches end, kopf would kill the process, which may stand by and lead again.
    chosen.process.ultimate_exiting_timeout = None
    chosen.persistence.progress_storage = _NoProgress()
    chosen.persistence.diffbase_storage = _NoDiffBase()
    return chosen


Watched = Mapping[Resource, Known[Any, Any]]
"""Where what is seen of each kind goes."""


def registry(watched: Watched, cluster: Cluster) -> kopf.OperatorRegistry:
    """Return kopf handlers: log in, and pass every event on to the store of its kind."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return cluster.credentials()

    for resource, store in watched.items():
        _pass_on(handlers, resource, store)
    return handlers


def _pass_on(handlers: kopf.OperatorRegistry, resource: Resource, store: Known[Any, Any]) -> None:
    @kopf.on.event(resource.group, resource.version, resource.plural, registry=handlers, id=resource.plural)
    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        if event["type"] == "DELETED":
            store.drop(event["object"])
        else:
            store.put(event["object"])


def _is_kopfs(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.startswith(_KOPF)


async def _end(roots: Iterable[asyncio.Task[Any]]) -> None:
    """End kopf's tasks, and only these.

    Its own end is not waited for: it cancels whatever was started after it, our writes under way too, and where a
    watch broke off it waits for ever for the others, which ask for credentials that nobody will bring.
    """
    left = set(roots)
    for _ in range(_ENDINGS):
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_ENDING_S)
        left = {task for task in asyncio.all_tasks() if _is_kopfs(task)}


async def watch(
    watched: Watched,
    cluster: Cluster,
    namespaces: Sequence[str],
    *,
    started: Callable[[], None],
    again: Callable[[], Awaitable[object]],
) -> None:
    """Watch until cancelled; `namespaces` empty means all.

    `started` is called when kopf has taken hold of the process's signals, and may take them back. After an answer
    that kopf cannot go on from the watches begin anew, with lists of what is there by then: `again` is awaited.
    """
    while True:
        tasks = await kopf.spawn_tasks(
            registry=registry(watched, cluster),
            settings=settings(),
            memories=_NoMemories(),
            standalone=True,
            clusterwide=not namespaces,
            namespaces=list(namespaces),
        )
        started()
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(tasks)
        for task in ended:
            try:
                await task
            except (APIError, WatchingError) as error:
                _LOG.warning("the watches broke off and begin anew: %s", error)
        await again()
        await asyncio.sleep(_AGAIN_S)
