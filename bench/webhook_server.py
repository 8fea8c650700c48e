"""A webhook, or a handler that only answers, over TLS: `python -m bench.webhook_server webhook|trivial CERT KEY`.

Prints its port and serves until standard input ends.
"""

import asyncio
import gc
import sys
import time
from pathlib import Path

import orjson
from aiohttp import web

from bench.gates import gate
from frostline.cli.logs import configure
from frostline.core.verdict import judge
from frostline.kubernetes.events import About, Told
from frostline.names import WEBHOOK_PATH
from frostline.webhook.audit import Audit
from frostline.webhook.certificate import ServingCertificate
from frostline.webhook.index import Index
from frostline.webhook.metrics import Instruments
from frostline.webhook.server import CONNECTIONS, Webhook

_GATES = 100
_ANSWER = orjson.dumps({"kind": "AdmissionReview", "response": {"uid": "0", "allowed": True}})


class _NoEvents:
    """An API server that takes Events and keeps none."""

    async def record(self, about: About, told: Told) -> None: ...


async def _trivial(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=_ANSWER, content_type="application/json")


def _webhook() -> tuple[web.Application, Audit]:
    index, instruments = Index(), Instruments()
    for number in range(_GATES):
        index.put(gate(number))
    audit = Audit(_NoEvents(), instruments)
    asked = Webhook(index=index, judge=judge, audit=audit, instruments=instruments, serving=lambda: True)
    return asked.application(), audit


async def main(which: str, certificate: bytes, key: bytes) -> None:
    """Serve."""
    if which == "trivial":
        application, audit = web.Application(), None
        application.add_routes([web.post(WEBHOOK_PATH, _trivial)])
    else:
        application, audit = _webhook()
    shown = ServingCertificate("bench", time.time, lambda _: None)
    shown.offer(certificate, key)
    runner = web.AppRunner(application, access_log=None, **CONNECTIONS)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=shown.context).start()
    # As the process does once its index is full.
    gc.collect()
    gc.freeze()
    print(runner.addresses[0][1], flush=True)
    writing = None if audit is None else asyncio.create_task(audit.run())
    await asyncio.to_thread(sys.stdin.read)
    if writing is not None:
        writing.cancel()
    await runner.cleanup()


if __name__ == "__main__":
    configure("json", "info")
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), Path(sys.argv[3]).read_bytes()))
