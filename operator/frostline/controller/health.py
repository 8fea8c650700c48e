"""Whether the operator does its work: /healthz, /readyz, and /metrics beside them."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_MISSED_CYCLES: Final = 3
_PATIENCE_S: Final = 120.0


class Health:
    """Remembers when cycles ended; monotonic seconds."""

    def __init__(self, interval_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limit = max(_MISSED_CYCLES * interval_s, _PATIENCE_S)
        self._last = clock()
        self.cycles = 0
        self.last_seconds = 0.0

    def cycled(self, seconds: float) -> None:
        """Note that a cycle ended after `seconds`."""
        self._last = self._clock()
        self.cycles += 1
        self.last_seconds = seconds

    def silent_s(self) -> float:
        """Return for how long no cycle has ended."""
        return self._clock() - self._last

    @property
    def alive(self) -> bool:
        """False when cycles have stopped."""
        return self.silent_s() <= self._limit

    @property
    def ready(self) -> bool:
        """True once a cycle over all known objects has ended."""
        return self.cycles > 0


def application(health: Health, registry: CollectorRegistry) -> web.Application:
    """Return the HTTP application with the three paths."""

    async def healthz(_request: web.Request) -> web.Response:
        if health.alive:
            return web.Response(text="ok\n")
        return web.Response(status=503, text=f"no cycle has ended for {health.silent_s():.0f} s\n")

    async def readyz(_request: web.Request) -> web.Response:
        if health.ready:
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the first cycle has not ended yet\n")

    async def metrics(_request: web.Request) -> web.Response:
        # A second's work for ten thousand objectives: leases and probes cannot wait for it.
        text = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    served = web.Application()
    served.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return served
