"""The webhook process: wires the index, the certificate, the servers and the audit together."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from kubernetes.aio import client
from prometheus_client import disable_created_metrics

from frostline import names
from frostline.core import verdict
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.follow import Follower
from frostline.kubernetes.resource import GATES, Objects
from frostline.kubernetes.secrets import SECRETS
from frostline.webhook import probes
from frostline.webhook.audit import Audit
from frostline.webhook.certificate import ServingCertificate
from frostline.webhook.decision import Judge
from frostline.webhook.index import Index
from frostline.webhook.metrics import Instruments
from frostline.webhook.server import CONNECTIONS, Webhook
from frostline.webhook.sources import Files, SecretName, SecretSink, follow_files

_LOG = logging.getLogger(__name__)
_LAST_REQUESTS_S: Final = 5.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """How the webhook is started.

    Attributes:
        certificate: where its certificate is.
        host, port: where the API server asks; port 0 takes a free one.
        probes_host, probes_port: where /healthz, /readyz and /metrics are.
        drain_s: how long it goes on to answer after a signal, until nobody asks it any more.
    """

    cluster: Cluster
    certificate: Files | SecretName
    host: str = "0.0.0.0"  # noqa: S104 - asked from other machines
    port: int = 8443
    probes_host: str = "0.0.0.0"  # noqa: S104 - the kubelet probes the pod's address
    probes_port: int = 8080
    drain_s: int = 10


class _Process:
    """The parts of one process."""

    def __init__(self, options: Options, api: client.ApiClient, judge: Judge) -> None:
        self._options = options
        self._instruments = Instruments()
        self.index = Index()
        self.follower = Follower(api, GATES, self.index)
        self.certificate = ServingCertificate(
            str(options.certificate), time.time, self._instruments.certificate_refused
        )
        self._instruments.show(self.index, self.follower, self.certificate)
        recorder = Recorder(Objects(api), socket.gethostname(), names.REPORTING_WEBHOOK)
        self.audit = Audit(recorder, self._instruments)
        self.webhook = Webhook(
            index=self.index,
            judge=judge,
            audit=self.audit,
            instruments=self._instruments,
            serving=self.follower.synced.is_set,
        )
        self._api = api
        self._serving = False

    def probes(self) -> web.Application:
        return probes.application(self.troubles, self._instruments.registry)

    def troubles(self) -> Iterator[str]:
        """Say what keeps it from being asked."""
        if self.webhook.leaving:
            yield "it is shutting down"
        if not self.follower.synced.is_set():
            missing = "" if self.follower.installed else f": the API server does not know {GATES.plural} yet"
            yield f"the index of release gates is not full yet{missing}"
        trouble = self.certificate.trouble()
        if trouble is not None:
            yield trouble
        elif not self._serving:
            yield "the server has not begun"

    async def follow_certificate(self) -> None:
        source = self._options.certificate
        if isinstance(source, Files):
            await follow_files(source, self.certificate)
        else:
            sink = SecretSink(self.certificate)
            await Follower(self._api, SECRETS, sink, only=(source.namespace, source.name)).run()

    async def serve(self) -> None:
        """Serve from the moment on at which there is a certificate, until cancelled."""
        while not self.certificate.loaded:  # noqa: ASYNC110 - it comes from a file or from the API server
            await asyncio.sleep(_LOOK_S)
        options = self._options
        served = _listening(
            self.webhook.application(), options.host, options.port, ssl_context=self.certificate.context
        )
        async with served as port:
            _LOG.info("answering the API server on %s port %s%s", options.host, port, names.WEBHOOK_PATH)
            self._serving = True
            await self.follower.synced.wait()
            # What the first list left stays for good: no collection shall look through it in the midst of requests.
            gc.collect()
            gc.freeze()
            _LOG.info("%d release gates are known", len(self.index))
            await asyncio.Event().wait()


async def run(options: Options, judge: Judge = verdict.judge) -> None:
    """Run until a signal.

    Raises:
        frostline.kubernetes.connection.NoClusterError: no kubeconfig and no service account.
        OSError: a port is taken.
    """
    # When a series began is of no use here, and doubles what counters cost a scrape.
    disable_created_metrics()
    async with await options.cluster.connect() as api:
        process = _Process(options, api, judge)
        async with _listening(process.probes(), options.probes_host, options.probes_port) as port:
            _LOG.info("serving /healthz, /readyz and /metrics on %s port %s", options.probes_host, port)
            parts = (
                process.follower.run(), process.follow_certificate(), process.audit.run(), process.serve(),
            )  # fmt: skip
            tasks = [asyncio.create_task(part) for part in parts]
            stop = asyncio.create_task(_signal())
            ended, _ = await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
            if ended == {stop}:
                _LOG.info("shutting down: answering for %d s more", options.drain_s)
                process.webhook.leaving = True
                await asyncio.wait([asyncio.create_task(_signal())], timeout=options.drain_s)
            # The server first: what it still answers is written down afterwards.
            tasks[-1].cancel()
            await asyncio.wait([tasks[-1]])
            await process.audit.finish()
            for task in (*tasks, stop):
                task.cancel()
            await asyncio.gather(*tasks, stop, return_exceptions=True)
            for task in ended:
                await task


async def _signal() -> None:
    """Return at SIGTERM or SIGINT."""
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, seen.set)
    await seen.wait()


@contextlib.asynccontextmanager
async def _listening(application: web.Application, host: str, port: int, **more: Any) -> AsyncIterator[int]:
    """Serve an application; gives the port. At the end requests under way are answered."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_LAST_REQUESTS_S, **CONNECTIONS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, **more).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
