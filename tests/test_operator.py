"""The wiring of the operator process, part by part; as a whole it is tested on a real cluster."""

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest

from frostline import operator as module
from frostline.controller.health import Health, application
from frostline.controller.timing import Timing
from frostline.kubernetes.connection import Cluster
from frostline.operator import Options
from frostline.prometheus.connection import Connection
from frostline.term import until_one_ends


def test_a_part_that_breaks_ends_the_process_with_its_error() -> None:
    ended: list[str] = []

    async def works_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def breaks() -> None:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        asyncio.run(until_one_ends(works_on(), breaks()))
    assert ended == ["cancelled"]


def test_a_part_that_ends_in_order_ends_the_others() -> None:
    async def works_on() -> None:
        await asyncio.Event().wait()

    async def signalled() -> None:
        return

    asyncio.run(until_one_ends(works_on(), signalled()))


def options(port: int) -> Options:
    return Options(Cluster(Path("none")), Connection("http://127.0.0.1:9"), Timing(), host="127.0.0.1", port=port)


def test_health_is_served_and_the_port_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def ask() -> str:
        async with module._served(options(0), application(Health(30), bytes)):
            port = caplog.messages[-1].rpartition(" ")[2]
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
                return await response.text()

    assert asyncio.run(ask()) == "ok\n"


def test_a_port_that_is_taken_is_an_error() -> None:
    async def serve(port: int) -> None:
        async with module._served(options(port), application(Health(30), bytes)):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(serve(taken.getsockname()[1]))
