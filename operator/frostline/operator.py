"""The operator process: serves its health, stands for election where there are several, and ends at a signal."""

import asyncio
import contextlib
import logging
import signal
import socket
import uuid
from collections.abc import AsyncIterator

from aiohttp import web
from prometheus_client import disable_created_metrics

from frostline.controller.electing import Election
from frostline.controller.health import Health, application
from frostline.controller.metrics import Instruments
from frostline.core.election import Candidate
from frostline.kubernetes.lease import Lease
from frostline.kubernetes.resource import Objects
from frostline.term import Options, Term

__all__ = ["Options", "run"]

_LOG = logging.getLogger(__name__)


async def run(options: Options) -> None:
    """Run until a signal.

    Raises:
        frostline.kubernetes.connection.NoClusterError: no kubeconfig and no service account.
        OSError: the port is taken.
    """
    stopping = asyncio.Event()
    _heed_signals(stopping)
    # When a series began is of no use here, and doubles what counters cost a scrape.
    disable_created_metrics()
    instruments = Instruments()
    health = Health(options.timing.interval_s, observe=instruments.cycled)
    term = Term(options, health, instruments, reclaim=lambda: _heed_signals(stopping))
    async with _served(options, application(health, instruments.exposition)):
        if options.lease is None:
            await term.lead(None, stopping)
            return
        # A client of its own: renewals wait for no other request, and no fence is in their way.
        async with await options.cluster.connect() as api:
            identity = f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
            lease = Lease(Objects(api), *options.lease)
            await Election(lease, Candidate(identity), term, stopping).run()


def _heed_signals(stopping: asyncio.Event) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)


@contextlib.asynccontextmanager
async def _served(options: Options, served: web.Application) -> AsyncIterator[None]:
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        _LOG.info("serving /healthz, /readyz and /metrics on %s port %s", options.host, runner.addresses[0][1])
        yield
    finally:
        await runner.cleanup()
