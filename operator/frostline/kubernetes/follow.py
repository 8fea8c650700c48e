"""Following one resource: a list, page by page, then a watch that goes on where it was cut off."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias

import aiohttp
import orjson
from kubernetes.aio import client

from frostline.kubernetes.resource import Manifest, Resource, reason_of

_LOG = logging.getLogger(__name__)

Key: TypeAlias = tuple[str, str]
"""Namespace and name of an object."""

_UNREACHABLE: Final = (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError)


class Sink(Protocol):
    """What takes in the objects."""

    def put(self, manifest: Manifest) -> None:
        """Take in an object as it is now; the same state may come again."""

    def drop(self, key: Key) -> None:
        """Forget an object that was deleted."""

    def keep(self, keys: AbstractSet[Key]) -> None:
        """Forget everything but these: a list was complete."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the API server is asked; all in seconds.

    Attributes:
        page: objects asked for at once; one page is decoded at a stretch.
        watch: length of one watch. A connection that died without a word is noticed after it.
        relist: time between two lists, whatever the watch says.
        first_pause, last_pause: after an error, doubled each time.
        missing_pause: while the API server does not know the resource.
        reminder: time between two log lines about the same trouble.
    """

    page: int = 50
    watch: float = 60.0
    relist: float = 3600.0
    first_pause: float = 0.5
    last_pause: float = 10.0
    missing_pause: float = 3.0
    reminder: float = 300.0


_ANSWER_S: Final = 15.0
_SHORT_WATCH_S: Final = 1.0
_ANOTHER_WORD_S: Final = 30.0
"""A server that comes up says something else each second."""


class Follower:
    """Keeps a sink as the API server is.

    The client's own Watch is not used: it decodes each event three times and does not tell a new beginning from an end.

    Args:
        resource: what to follow, in all namespaces.
        only: the one object to follow.
    """

    def __init__(
        self,
        api: client.ApiClient,
        resource: Resource,
        sink: Sink,
        *,
        only: Key | None = None,
        pace: Pace | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.synced = asyncio.Event()
        self.installed = True
        self.heard_at: float | None = None
        self._api = api
        self._resource = resource
        self._path = resource.path(only[0] if only else None)
        self._selector = f"metadata.name={only[1]}" if only else None
        self._sink = sink
        self._pace = pace or Pace()
        self._wall = wall
        self._version: str | None = None
        self._list_due = 0.0
        self._failures = 0
        self._complaint = ""
        self._complained_at = 0.0

    async def run(self) -> None:
        """Follow until cancelled; trouble is told in the log and waited out."""
        while True:
            try:
                await self._step()
            except client.ApiException as error:
                await self._refused(error)
            except _UNREACHABLE as error:
                # A time-out has no words of its own.
                await self._troubled((str(error) or type(error).__name__).splitlines()[0])

    async def _step(self) -> None:
        if self._version is None or time.monotonic() >= self._list_due:
            await self._list()
        begun = time.monotonic()
        async with contextlib.aclosing(self._events()) as events:
            async for event in events:
                self._take(event)
        if time.monotonic() - begun < _SHORT_WATCH_S:
            await asyncio.sleep(self._pace.first_pause)

    async def _list(self) -> None:
        seen: set[Key] = set()
        token: str | None = None
        while True:
            asked = {"limit": str(self._pace.page), "continue": token, "fieldSelector": self._selector}
            answer = await self._get(asked, _ANSWER_S)
            page = orjson.loads(await answer.read())
            for item in page["items"]:
                self._sink.put(item)
                seen.add(_key(item))
                # A page may hold work for a second; requests go between two objects.
                await asyncio.sleep(0)
            self._heard()
            token = page["metadata"].get("continue")
            if not token:
                break
        self._sink.keep(seen)
        self._version = page["metadata"]["resourceVersion"]
        self._list_due = time.monotonic() + self._pace.relist * _jitter()
        self.installed = True
        self.synced.set()
        if self._complaint:
            _LOG.info("%s are followed: %d of them", self._resource.plural, len(seen))
            self._complaint = ""

    async def _events(self) -> AsyncGenerator[dict[str, Any]]:
        length = self._pace.watch * _jitter()
        asked = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(max(1, round(length))),
            "fieldSelector": self._selector,
        }
        answer = await self._get(asked, length + _ANSWER_S)
        self._heard()
        if self._complaint:
            _LOG.info("%s are followed again", self._resource.plural)
            self._complaint = ""
        async with answer.response as stream:
            async for line in stream.content:
                yield orjson.loads(line)

    def _take(self, event: dict[str, Any]) -> None:
        kind, found = event["type"], event["object"]
        if kind == "ERROR":
            raise client.ApiException(status=found.get("code"), reason=found.get("message"))
        if kind == "DELETED":
            self._sink.drop(_key(found))
        elif kind != "BOOKMARK":
            self._sink.put(found)
        self._version = found["metadata"]["resourceVersion"]
        self._heard()

    def _heard(self) -> None:
        self.heard_at = self._wall()
        self._failures = 0

    async def _get(self, query: dict[str, str | None], timeout_s: float) -> Any:  # noqa: ANN401 - the client has no types
        asked = [(name, value) for name, value in query.items() if value is not None]
        headers = {"Accept": "application/json"}
        call = await self._api.param_serialize(
            "GET", self._path, query_params=asked, header_params=headers, auth_settings=["BearerToken"]
        )
        answer = await self._api.call_api(*call, _request_timeout=timeout_s)
        if answer.status != HTTPStatus.OK:
            text = (await answer.read()).decode(errors="replace")
            raise client.ApiException.from_response(http_resp=answer, body=text, data=None)
        return answer

    async def _refused(self, error: client.ApiException) -> None:
        if error.status == HTTPStatus.GONE:
            # What happened since is no longer on record.
            self._version = None
            await self._pause()
        elif error.status == HTTPStatus.NOT_FOUND:
            self._version = None
            self.installed = False
            self._sink.keep(frozenset())
            self._complain(
                f"the API server does not know {self._resource.plural} in {self._resource.api_version}: install the"
                " chart, or kubectl apply --server-side -f crds/; asking again"
            )
            await asyncio.sleep(self._pace.missing_pause * _jitter())
        else:
            await self._troubled(reason_of(error))

    async def _troubled(self, why: str) -> None:
        known = "what is known stays" if self.synced.is_set() else "nothing is known yet"
        self._complain(f"{self._resource.plural} cannot be followed, {known}, trying again: {why}")
        await self._pause()

    async def _pause(self) -> None:
        self._failures += 1
        longest = min(self._pace.last_pause, self._pace.first_pause * 2**self._failures)
        await asyncio.sleep(longest * _jitter())

    def _complain(self, text: str) -> None:
        now = time.monotonic()
        patience = _ANOTHER_WORD_S if text != self._complaint else self._pace.reminder
        if not self._complaint or now - self._complained_at >= patience:
            _LOG.warning("%s", text)
            self._complaint, self._complained_at = text, now


def _key(manifest: Manifest) -> Key:
    return manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]


def _jitter() -> float:
    """Return 0.5 to 1: many followers that lost the same server shall not come back at once."""
    return 0.5 + random.random() / 2  # noqa: S311 - no secret
