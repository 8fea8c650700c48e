"""An API server that knows one kind and answers as a test says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.serialization import Encoding
from kubernetes.aio import client

from e2e.cluster.certificates import authority

T = TypeVar("T")
Reply = tuple[int, dict[str, Any]]

_TRUSTED = authority("API server of a test").certificate.public_bytes(Encoding.PEM).decode()
"""Given to each client though none speaks TLS: it would read all the system's authorities, 30 ms each time."""


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    content_type: str
    body: Any


@dataclass
class FakeApi:
    """Replies in order; the last one again and again."""

    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append(Asked(request.method, request.path, dict(request.query), request.content_type, body))
        status, answer = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return web.json_response(answer, status=status)


def talking(fake: FakeApi, talk: Callable[[client.ApiClient], Awaitable[T]]) -> T:
    """Return what `talk` returns with a client of the official library connected to `fake`."""

    async def run() -> T:
        served = web.Application()
        served.router.add_route("*", "/{path:.*}", fake.handle)
        async with TestServer(served) as server:
            configuration = client.Configuration()
            configuration.host = str(server.make_url("")).rstrip("/")
            configuration.ca_cert_data = _TRUSTED
            async with client.ApiClient(configuration) as api:
                return await talk(api)

    return asyncio.run(run())
