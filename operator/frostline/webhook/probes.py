"""Whether the webhook can do its work: /healthz, /readyz, and /metrics beside them."""

from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


def application(troubles: Callable[[], Iterable[str]], registry: CollectorRegistry) -> web.Application:
    """Return the HTTP application with the three paths; `troubles` says what stands in the way of an answer."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        found = [*troubles()]
        return web.Response(status=503 if found else 200, text="\n".join(found or ["ok"]) + "\n")

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    served = web.Application()
    served.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return served
