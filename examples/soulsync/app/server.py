"""The HTTP side of a workload: its route, /metrics for Prometheus, /healthz, and what a demo does to it.

/chaos breaks it on purpose; /lapse counts in one moment what good days would have counted.
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .workloads import (
    GOOD_SECONDS,
    ROUTES,
    UPSTREAM_TIMEOUT,
    WORKLOAD,
    Route,
    Workload,
    chaos_asked,
    lapse_asked,
    metrics_of,
)


def application(name: str, upstream: str = "") -> web.Application:
    """Return the web application of the workload `name`; the gateway needs the base URL of user-profile as upstream."""
    route = ROUTES[name]
    app = web.Application()
    app[WORKLOAD] = Workload(metrics_of(name), upstream.rstrip("/"))
    app.cleanup_ctx.append(_client)
    app.router.add_route(route.method, f"/{route.name}", _measured(route))
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/healthz", _healthy)
    app.router.add_post("/chaos", _chaos)
    app.router.add_post("/lapse", _lapse(route))
    return app


async def serve(name: str, host: str, port: int, *, upstream: str, seconds: float) -> None:
    """Serve until SIGTERM, SIGINT, or `seconds` have gone by. Raises OSError where the port is taken."""
    runner = web.AppRunner(application(name, upstream), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=seconds)
    finally:
        await runner.cleanup()


async def _client(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(timeout=UPSTREAM_TIMEOUT) as session:
        app[WORKLOAD].client = session
        yield


def _measured(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        workload = request.app[WORKLOAD]
        started = time.perf_counter()
        status = await route.answer(workload, request.query)
        workload.metrics.answered(route.name, status, time.perf_counter() - started)
        return web.json_response({"route": route.name, "status": status.phrase}, status=status)

    return handler


async def _metrics(request: web.Request) -> web.Response:
    body = generate_latest(request.app[WORKLOAD].metrics.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _healthy(request: web.Request) -> web.Response:
    return web.json_response({"fault": request.app[WORKLOAD].fault})


async def _chaos(request: web.Request) -> web.Response:
    try:
        fault = chaos_asked(await request.json())
    except (json.JSONDecodeError, ValueError) as error:
        return web.json_response({"error": str(error)}, status=400)
    request.app[WORKLOAD].fault = fault
    return web.json_response({"fault": fault})


def _lapse(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        try:
            requests = lapse_asked(await request.json())
        except (json.JSONDecodeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        request.app[WORKLOAD].metrics.answered(route.name, HTTPStatus.OK, GOOD_SECONDS, requests)
        return web.json_response({"requests": requests})

    return handler
