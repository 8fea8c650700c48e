import asyncio
import time

from aiohttp import web
from aiohttp.test_utils import TestServer

from e2e.demo.load import Stream, run, streams


def test_the_load_keeps_its_pace_and_ends_by_itself() -> None:
    asked = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=503)

    async def serve() -> float:
        app = web.Application()
        app.router.add_get("/", answer)
        async with TestServer(app) as server:
            began = time.monotonic()
            await run((Stream("GET", str(server.make_url("/")), 125.0),), seconds=0.2)
            return time.monotonic() - began

    took = asyncio.run(serve())
    assert took < 2
    assert 5 <= asked <= 30


def test_nobody_there_is_no_reason_to_stop() -> None:
    asyncio.run(run((Stream("GET", "http://127.0.0.1:9/", 50.0),), seconds=0.1))


def test_people_reach_three_workloads() -> None:
    urls = [stream.url for stream in streams("http://g", "http://c", "http://m")]
    assert urls == ["http://g/getMatches", "http://c/sendMessage", "http://m/writeReport"]
