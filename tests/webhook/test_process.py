"""The process as a whole, against a server that lists and watches; what a cluster shows is in e2e."""

import asyncio
import os
import signal
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from frostline.kubernetes.connection import Cluster
from frostline.names import WEBHOOK_PATH
from frostline.webhook.process import Options, run
from frostline.webhook.sources import Files
from tests.webhook.requests import Made, body, gate_manifest, made, stand_in


class World:
    """A webhook process under way, and the API server that it follows."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self.certificates: Made = made()
        self.files = Files(folder / "tls.crt", folder / "tls.key")
        self.port, self.probes_port = unused_port(), unused_port()
        self.installed = True
        self.session = session
        self._folder = folder

    async def api(self, request: web.Request) -> web.StreamResponse:
        if not self.installed:
            return web.Response(status=404)
        if request.method == "POST":
            return web.json_response({}, status=201)
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.sleep(30)
            return response
        listed = {"kind": "ReleaseGateList", "metadata": {"resourceVersion": "1"}, "items": [gate_manifest()]}
        return web.json_response(listed)

    def options(self, server: TestServer) -> Options:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": str(server.make_url("")).rstrip("/")}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
        }
        path = self._folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return Options(Cluster(path), self.files, "127.0.0.1", self.port, "127.0.0.1", self.probes_port, drain_s=60)

    def show(self) -> None:
        self.files.certificate.write_bytes(self.certificates.pair[0])
        self.files.key.write_bytes(self.certificates.pair[1])

    async def probe(self, path: str = "/readyz") -> tuple[int, str]:
        async with self.session.get(f"http://127.0.0.1:{self.probes_port}{path}") as response:
            return response.status, await response.text()

    async def until_ready_says(self, what: str) -> tuple[int, str]:
        async with asyncio.timeout(10):
            while True:
                try:
                    found = await self.probe()
                except aiohttp.ClientConnectionError:
                    found = (0, "")
                if what in found[1]:
                    return found
                await asyncio.sleep(0.01)

    async def ask(self) -> aiohttp.ClientResponse:
        context = ssl.create_default_context(cadata=self.certificates.authorities.decode())
        response = await self.session.post(
            f"https://127.0.0.1:{self.port}{WEBHOOK_PATH}",
            data=body(image="app:2"),
            headers={"Content-Type": "application/json"},
            ssl=context,
        )
        await response.read()
        return response


@pytest.fixture
def played(tmp_path: Path) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    def play(story: Callable[[World], Awaitable[None]]) -> None:
        async def whole() -> None:
            served = web.Application()
            async with aiohttp.ClientSession() as session:
                world = World(tmp_path, session)
                served.router.add_route("*", "/{path:.*}", world.api)
                server = TestServer(served)
                async with server:
                    process = asyncio.create_task(run(world.options(server), stand_in))
                    await story(world)
                    async with asyncio.timeout(10):
                        await process

        asyncio.run(whole())

    return play


Played = Callable[[Callable[[World], Awaitable[None]]], None]


def test_it_begins_waits_serves_and_leaves_in_order(played: Played) -> None:
    async def story(world: World) -> None:
        world.installed = False
        status, text = await world.until_ready_says("does not know releasegates yet")
        assert status == 503
        assert "tls.crt" in text
        assert (await world.probe("/healthz"))[0] == 200
        world.show()
        world.installed = True
        await world.until_ready_says("ok")
        assert '"allowed":false' in await (await world.ask()).text()
        metrics = (await world.probe("/metrics"))[1]
        assert "frostline_webhook_gates 1.0" in metrics
        assert "frostline_webhook_index_synced 1.0" in metrics

        os.kill(os.getpid(), signal.SIGTERM)
        assert (await world.until_ready_says("it is shutting down"))[0] == 503
        leaving = await world.ask()
        assert (leaving.status, leaving.headers["Connection"]) == (200, "close")
        # It would go on like this for a minute; whoever is in a hurry says so twice.
        os.kill(os.getpid(), signal.SIGINT)

    played(story)
