"""How requests go to the API server: not too many writes at once, later when it says so, and none cut off halfway."""

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from kubernetes.aio import client

from frostline.core.pacing import Bucket

_LOG = logging.getLogger(__name__)

WRITES_PER_S: Final = 50.0
BURST: Final = 100.0
_ATTEMPTS: Final = 3
_LONGEST_PAUSE_S: Final = 10.0
_DEFAULT_PAUSE_S: Final = 1.0
_READS: Final = frozenset({"GET", "HEAD"})
_sleep: Final = asyncio.sleep
_LATER: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Turns:
    """Hands out turns to write, `rate` a second after the first `burst`; whoever is urgent goes first."""

    def __init__(
        self, rate: float = WRITES_PER_S, burst: float = BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bucket = Bucket.full(rate, burst, clock())
        self._clock = clock
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, *, urgent: bool) -> None:
        """Wait for a turn."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._numbers), mine))
        if self._timer is None:
            self._serve()
        await mine

    def _serve(self) -> None:
        self._timer = None
        self._bucket = self._bucket.filled(self._clock())
        while self._waiting:
            if self._waiting[0][2].done():
                # Whoever waited was cancelled.
                heapq.heappop(self._waiting)
            elif self._bucket.wait_s > 0:
                self._timer = asyncio.get_running_loop().call_later(self._bucket.wait_s, self._serve)
                return
            else:
                self._bucket = self._bucket.taken()
                heapq.heappop(self._waiting)[2].set_result(None)


class Overload:
    """Remembers that the API server asked for a pause: who is not urgent does not ask in vain meanwhile."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._error: client.ApiException | None = None

    def refused(self, error: client.ApiException) -> None:
        """Take in a refusal after the last attempt."""
        self._until = self._clock() + (pause_asked(error) or _DEFAULT_PAUSE_S)
        self._error = error

    def check(self) -> None:
        """Return unless a pause that was asked for still lasts.

        Raises:
            kubernetes.aio.client.ApiException: the refusal that asked for it.
        """
        if self._error is not None and self._clock() < self._until:
            raise self._error.with_traceback(None)


def pause_asked(error: client.ApiException) -> float | None:
    """Return for how many seconds the API server asked to be left alone, ten at most; None if it did not ask."""
    if error.status not in _LATER:
        return None
    headers: Mapping[str, str] = error.headers or {}
    try:
        asked = float(headers["Retry-After"])
    except (KeyError, ValueError):
        return _DEFAULT_PAUSE_S if error.status == HTTPStatus.TOO_MANY_REQUESTS else None
    return min(max(asked, 0.0), _LONGEST_PAUSE_S)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the API server, and for how many seconds to wait for its answer.

    A write that is not `urgent` waits for those that are, and is given up at once while the API server wants to be
    left alone.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    timeout_s: float = 15.0
    urgent: bool = True

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method in _READS


class Traffic:
    """Sends requests through one client."""

    def __init__(self, api: client.ApiClient, turns: Turns | None = None) -> None:
        self._api = api
        self._turns = turns or Turns()
        self._overload = Overload()
        self._writing: set[asyncio.Task[bytes]] = set()

    async def send(self, request: Request) -> bytes:
        """Return what the API server answers; when it asks for a pause, ask again after it, a few times.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
            aiohttp.ClientError, TimeoutError: it cannot be reached.
        """
        attempt = 1
        while True:
            try:
                return await self._attempt(request)
            except client.ApiException as error:
                pause = pause_asked(error)
                if pause is None:
                    raise
                if attempt == _ATTEMPTS:
                    self._overload.refused(error)
                    raise
                _LOG.info("the API server asks to be left alone for %g s: %s %s", pause, request.method, request.path)
            attempt += 1
            await _sleep(pause)

    async def _attempt(self, request: Request) -> bytes:
        if request.reads:
            return await self._exchange(request)
        if not request.urgent:
            self._overload.check()
        await self._turns.take(urgent=request.urgent)
        # It goes on to its end also where nobody waits for it any more.
        task = asyncio.create_task(self._exchange(request))
        self._writing.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def settle(self, timeout_s: float) -> bool:
        """Wait for the writes that are under way, `timeout_s` at most; return whether all have ended."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=timeout_s)
        return not self._writing

    def _ended(self, task: asyncio.Task[bytes]) -> None:
        self._writing.discard(task)
        if not task.cancelled():
            # Looked at, so that the loop does not complain where nobody waits any more.
            task.exception()

    async def _exchange(self, request: Request) -> bytes:
        call = await self._api.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query),
            header_params=dict(request.headers),
            body=request.body,
            auth_settings=["BearerToken"],
        )
        answer = await self._api.call_api(*call, _request_timeout=request.timeout_s)
        data: bytes = await answer.read()
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            text = data.decode(errors="replace")
            raise client.ApiException.from_response(http_resp=answer, body=text, data=None)
        return data
