"""The wiring of the operator process, part by part; as a whole it is tested on a real cluster."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from kubernetes.aio.client import ApiException
from prometheus_client import CollectorRegistry

from frostline import operator as module
from frostline.controller.cycle import Timing
from frostline.controller.health import Health, application
from frostline.controller.store import Store
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.objectives import NotInstalledError, Objectives
from frostline.operator import Options
from frostline.prometheus.client import Connection
from tests.controller.test_store import KEY, manifest


class Listing(Objectives):
    """Lists what it was given, or raises it."""

    def __init__(self, answer: list[Mapping[str, Any]] | Exception) -> None:
        self.answer = answer

    async def everything(self) -> list[Mapping[str, Any]]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_list_fills_the_store() -> None:
    store = Store()

    assert asyncio.run(module._list(Listing([manifest(1)]), store))
    assert store.get(KEY) is not None


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(NotInstalledError("install the chart"), "install the chart", id="not installed"),
        pytest.param(ApiException(status=403, reason="Forbidden"), "trying again: (403)", id="refused"),
        pytest.param(aiohttp.ClientConnectionError("connection refused"), "connection refused", id="unreachable"),
        pytest.param(TimeoutError("too slow"), "too slow", id="time-out"),
        pytest.param(TimeoutError(), "TimeoutError", id="a time-out without a word"),
    ],
)
def test_a_list_that_fails_is_told_and_keeps_what_is_known(
    error: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    store.put(manifest(1))

    assert not asyncio.run(module._list(Listing(error), store))
    assert store.get(KEY) is not None
    assert says in caplog.text


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
        asyncio.run(module._until_one_ends(works_on(), breaks()))
    assert ended == ["cancelled"]


def test_a_watch_that_ends_at_a_signal_ends_the_process_in_order() -> None:
    async def works_on() -> None:
        await asyncio.Event().wait()

    async def signalled() -> None:
        return

    asyncio.run(module._until_one_ends(works_on(), signalled()))


def options(port: int) -> Options:
    return Options(Cluster(Path("none")), Connection("http://127.0.0.1:9"), Timing(), host="127.0.0.1", port=port)


def test_health_is_served_and_the_port_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def ask() -> str:
        async with module._served(options(0), application(Health(30), CollectorRegistry())):
            port = caplog.messages[-1].rpartition(" ")[2]
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
                return await response.text()

    assert asyncio.run(ask()) == "ok\n"


def test_a_port_that_is_taken_is_an_error() -> None:
    async def serve(port: int) -> None:
        async with module._served(options(port), application(Health(30), CollectorRegistry())):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(serve(taken.getsockname()[1]))
