"""Whether the operator does its work: /healthz, /readyz, and /metrics beside them."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_MISSED_CYCLES: Final = 3
_PATIENCE_S: Final = 120.0


class Health:
    """Remembers when cycles ended, or a standby last stood for election; monotonic seconds.

    `observe` is told how long each cycle took, in seconds.
    """

    def __init__(
        self,
        interval_s: int,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.interval_s = interval_s
        self._clock = clock
        self._observe = observe
        self._limit = max(_MISSED_CYCLES * interval_s, _PATIENCE_S)
        self._last = clock()
        self._ready = False
        self._leads = False
        self.cycles = 0

    def stand_by(self, *, known: bool) -> None:
        """Note that this process looked for who leads; once that was `known`, it is ready to take over."""
        self._last = self._clock()
        self._ready = known or (self._ready and not self._leads)
        self._leads = False

    def begin(self) -> None:
        """Note that this process leads from now on: it is ready when it has looked at all objects."""
        self._last = self._clock()
        self._ready, self._leads = False, True

    def cycled(self, seconds: float) -> None:
        """Note that a cycle ended after `seconds`."""
        self._last = self._clock()
        self._ready = True
        self.cycles += 1
        self._observe(seconds)

    def silent_s(self) -> float:
        """Return for how long no cycle has ended, and none was waited for."""
        return self._clock() - self._last

    @property
    def alive(self) -> bool:
        """False when cycles have stopped."""
        return self.silent_s() <= self._limit

    @property
    def ready(self) -> bool:
        """True once a cycle over all known objects has ended; of a standby, once it knows who leads."""
        return self._ready


def application(health: Health, exposition: Callable[[], bytes]) -> web.Application:
    """Return the HTTP application with the three paths; `exposition` makes what a scrape reads, in a thread."""

    async def healthz(_request: web.Request) -> web.Response:
        if health.alive:
            return web.Response(text="ok\n")
        return web.Response(status=503, text=f"no cycle has ended for {health.silent_s():.0f} s\n")

    async def readyz(_request: web.Request) -> web.Response:
        if health.ready:
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the first cycle has not ended yet\n")

    async def metrics(_request: web.Request) -> web.Response:
        # Of a large fleet it is some work, in which the event loop shall not stand still.
        text = await asyncio.to_thread(exposition)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    served = web.Application()
    served.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return served
