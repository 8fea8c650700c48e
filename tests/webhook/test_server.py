"""The server over real connections, with a stand-in for the judge."""

import asyncio
import gzip
import io
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestServer
from prometheus_client.exposition import generate_latest

from frostline.kubernetes.events import About, Told
from frostline.names import WEBHOOK_PATH
from frostline.webhook import server as module
from frostline.webhook.audit import Audit
from frostline.webhook.index import Index
from frostline.webhook.metrics import Instruments
from frostline.webhook.server import CONNECTIONS, LARGEST_BODY, Webhook
from tests.webhook.requests import body, gate_manifest, stand_in, workload

JSON = {"Content-Type": "application/json"}


class Silent:
    async def record(self, about: About, told: Told) -> None:
        """Write nothing."""


class World:
    """A webhook that listens, and a client of it."""

    def __init__(self, server: TestServer, session: aiohttp.ClientSession, webhook: Webhook, seen: Instruments) -> None:
        self.port = server.port
        self.webhook = webhook
        self.session = session
        self.instruments = seen
        self.url = str(server.make_url(WEBHOOK_PATH))
        self.serving = True

    async def ask(self, sent: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
        async with self.session.post(self.url, data=io.BytesIO(sent), headers=headers or JSON) as response:
            return response.status, await response.text()

    async def asked(self, **changed: Any) -> dict[str, Any]:
        status, text = await self.ask(body(**changed))
        assert status == 200, text
        found: dict[str, Any] = orjson.loads(text)["response"]
        return found


def played(play: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        index, instruments = Index(), Instruments()
        index.put(gate_manifest())
        worlds: list[World] = []
        webhook = Webhook(
            index=index,
            judge=stand_in,
            audit=Audit(Silent(), instruments),
            instruments=instruments,
            serving=lambda: worlds[0].serving,
        )
        server = TestServer(webhook.application())
        await server.start_server(**CONNECTIONS)
        async with (
            server,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        ):
            worlds.append(World(server, session, webhook, instruments))
            await play(worlds[0])

    asyncio.run(run())


def test_a_release_is_refused_and_a_rollback_passes() -> None:
    async def play(world: World) -> None:
        refused, passed = await world.asked(image="app:2"), await world.asked(image="app:1")
        assert (refused["allowed"], refused["status"]["code"]) == (False, 403)
        assert passed["allowed"]

    played(play)


def test_another_workload_and_another_kind_pass() -> None:
    async def play(world: World) -> None:
        assert (await world.asked(name="api"))["auditAnnotations"]["verdict"] == "NoGate"
        assert (await world.asked(kind={"group": "batch", "version": "v1", "kind": "Job"}))["allowed"]

    played(play)


def _no_name() -> bytes:
    spoiled = workload()
    spoiled["spec"]["template"]["spec"]["containers"] = [{}]
    return body(object=spoiled)


@pytest.mark.parametrize(
    ("sent", "headers", "status", "says"),
    [
        pytest.param(b"{", JSON, 400, "the body is no JSON", id="no JSON"),
        pytest.param(b"", JSON, 400, "the body is no JSON", id="nothing"),
        pytest.param(b"{}", JSON, 400, "no AdmissionReview", id="no review"),
        pytest.param(_no_name(), JSON, 400, "not as an API server holds it", id="a container without a name"),
        pytest.param(gzip.compress(body()), JSON | {"Content-Encoding": "gzip"}, 400, "no JSON", id="packed"),
        pytest.param(body(), {"Content-Type": "text/plain"}, 415, "as application/json", id="another type"),
        pytest.param(b"x" * (LARGEST_BODY + 1), JSON, 413, "more than 8388608 bytes", id="too large"),
    ],
)
def test_hostile_input_gets_a_clear_answer_and_the_next_request_its_own(
    sent: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    async def play(world: World) -> None:
        answered, text = await world.ask(sent, headers)
        assert (answered, says in text) == (status, True), text
        assert not (await world.asked(image="app:2"))["allowed"]
        counted = generate_latest(world.instruments.registry).decode()
        assert f'frostline_webhook_requests_total{{code="{status}"}} 1.0' in counted

    played(play)


def test_a_body_that_does_not_say_its_size_is_cut_off_when_too_large() -> None:
    async def play(world: World) -> None:
        async def endless() -> Any:
            for _ in range(LARGEST_BODY // 65_536 + 2):
                yield b" " * 65_536

        async with world.session.post(world.url, data=endless(), headers=JSON) as response:
            assert response.status == 413
        assert not (await world.asked(image="app:2"))["allowed"]

    played(play)


def test_a_size_that_is_too_large_is_answered_before_the_body_comes() -> None:
    async def play(world: World) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        head = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {LARGEST_BODY + 1}\r\n\r\n".encode())
        async with asyncio.timeout(5):
            assert b"413" in await reader.readline()
        writer.close()

    played(play)


def test_a_slow_client_is_given_up_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BODY_S", 0.2)

    async def play(world: World) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        head = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        assert not (await world.asked(image="app:2"))["allowed"]
        async with asyncio.timeout(5):
            assert b"408" in await reader.readline()
        writer.close()

    played(play)


def test_nothing_is_judged_by_half_an_index() -> None:
    async def play(world: World) -> None:
        world.serving = False
        assert await world.ask(body()) == (503, "the release gates are not all known yet\n")

    played(play)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", WEBHOOK_PATH, 405), ("POST", "/", 404)])
def test_other_paths_and_methods_are_not_there(method: str, path: str, status: int) -> None:
    async def play(world: World) -> None:
        where = world.url.removesuffix(WEBHOOK_PATH) + path
        async with world.session.request(method, where) as response:
            assert response.status == status

    played(play)


def test_a_webhook_that_leaves_answers_and_closes() -> None:
    async def play(world: World) -> None:
        world.webhook.leaving = True
        async with world.session.post(world.url, data=body(), headers=JSON) as response:
            assert (response.status, response.headers["Connection"]) == (200, "close")

    played(play)


def test_a_connection_is_used_again() -> None:
    async def play(world: World) -> None:
        with socket.create_connection(("127.0.0.1", world.port)):
            for _ in range(3):
                async with world.session.post(world.url, data=body(), headers=JSON) as response:
                    assert "Connection" not in response.headers

    played(play)
