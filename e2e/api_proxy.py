"""A proxy in front of a real API server: it writes down what passes, can be unplugged, and can answer as it likes."""

import asyncio
import contextlib
import gc
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import aiohttp
from aiohttp import web

from e2e.cluster import kubeconfig
from e2e.cluster.cluster import Cluster
from e2e.cluster.operator_process import credentials_file, ensure_credentials

READS = {"GET", "HEAD"}
LEASES = "/leases"


@dataclass(frozen=True)
class Asked:
    """One request that came by, and when (monotonic seconds)."""

    method: str
    path: str
    query: Mapping[str, str]
    at: float

    @property
    def watches(self) -> bool:
        """Whether it is a watch."""
        return self.query.get("watch") == "true"

    @property
    def writes(self) -> bool:
        """Whether it changes anything but a lease."""
        return self.method not in READS and LEASES not in self.path


@dataclass(frozen=True)
class Say:
    """An answer in place of the API server's; `cut` ends a stream after so many bytes, none otherwise."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "a fault of the test"}'


Faults = Callable[[Asked], Say | None]


class ApiProxy:
    """Serves plain HTTP on the loopback address while in its context; each request keeps its bearer token.

    Attributes:
        asked: what reached the API server.
        said: what was answered in its place.
        faults: says what to answer in its place; None lets a request pass.

    """

    def __init__(self, cluster: Cluster) -> None:
        self.asked: list[Asked] = []
        self.said: list[tuple[Asked, Say]] = []
        self.faults: Faults = lambda _: None
        self._server = str(kubeconfig.current_cluster(cluster.kubeconfig)["server"])
        self._tls = ssl.create_default_context(cafile=str(cluster.folder / "certs" / "ca.crt"))
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._over = asyncio.Event()
        self._whole = asyncio.Event()
        self._streams: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def kubeconfig(self, cluster: Cluster, path: Path) -> Path:
        """Write the operator's kubeconfig by way of this proxy."""
        ensure_credentials(cluster.site)
        loaded = kubeconfig.load(credentials_file(cluster.site))
        loaded["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self._port}"}
        kubeconfig.write(path, loaded)
        return path

    def writes(self, since: float = 0.0) -> list[Asked]:
        """Return what changed anything but a lease."""
        return [each for each in list(self.asked) if each.writes and each.at >= since]

    def cut(self) -> None:
        """Let nothing through, either way, and tell nobody."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        """Let everything through again."""
        self._loop.call_soon_threadsafe(self._whole.set)

    def break_streams(self) -> None:
        """End all watches in the middle."""

        def end() -> None:
            for task in self._streams:
                task.cancel()

        self._loop.call_soon_threadsafe(end)

    def __enter__(self) -> "ApiProxy":
        self._thread.start()
        assert self._listening.wait(10), "the proxy does not listen"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()
        with warnings.catch_warnings():
            # Watches that were broken off wait half a minute for the farewell of TLS: they end with the loop instead.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    async def _serve(self) -> None:
        self._whole.set()

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._passed(session, request)

        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            served = web.Application(client_max_size=2**26)
            served.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._port = runner.addresses[0][1]
            self._listening.set()
            await self._over.wait()
            self._whole.set()
            await runner.cleanup()

    async def _passed(self, session: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        # Whoever gives up meanwhile is cancelled here: a request does not arrive after its sender let it go.
        await self._whole.wait()
        asked = Asked(request.method, request.path, dict(request.query), time.monotonic())
        said = self.faults(asked)
        if said is not None:
            self.said.append((asked, said))
            return web.Response(status=said.status, text=said.body, headers=said.headers)
        self.asked.append(asked)
        dropped = ("Host", "Content-Length", "Accept-Encoding")
        headers = {name: value for name, value in request.headers.items() if name not in dropped}
        headers["Accept-Encoding"] = "identity"
        url = f"{self._server}{request.raw_path}"
        try:
            return await self._forward(session, request, url, headers, body, watches=asked.watches)
        except aiohttp.ClientError as error:
            raise web.HTTPBadGateway(text=str(error)) from error

    async def _forward(
        self,
        session: aiohttp.ClientSession,
        request: web.Request,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        watches: bool,
    ) -> web.StreamResponse:
        async with session.request(request.method, url, headers=headers, data=body or None) as answer:
            kept = ("Content-Type", "Retry-After", "Warning")
            response = web.StreamResponse(
                status=answer.status, headers={name: answer.headers[name] for name in kept if name in answer.headers}
            )
            await response.prepare(request)
            if not watches:
                await self._pour(answer, response)
                return response
            stream = asyncio.create_task(self._pour(answer, response))
            self._streams.add(stream)
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await stream
            finally:
                stream.cancel()
                self._streams.discard(stream)
            if request.transport is not None and stream.cancelled():
                request.transport.abort()
            return response

    async def _pour(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async for part in answer.content.iter_any():
                await self._whole.wait()
                await response.write(part)
            await response.write_eof()
