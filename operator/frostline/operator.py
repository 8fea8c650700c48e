"""The operator process: wires the watch, the cycle, the API server and Prometheus together."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import web
from kubernetes.aio.client import ApiException

from frostline.controller.cycle import Cycle, Timing
from frostline.controller.health import Health, application
from frostline.controller.loop import Loop
from frostline.controller.metrics import Instruments
from frostline.controller.store import Store
from frostline.controller.watch import watch
from frostline.controller.writer import ApiWriter
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.objectives import NotInstalledError, Objectives
from frostline.prometheus.client import Connection, PrometheusClient
from frostline.prometheus.direct import DirectSource

_LOG = logging.getLogger(__name__)
_RELIST_S: Final = 300.0
_RETRY_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator is started. `namespaces` empty means all; `port` 0 takes a free one."""

    cluster: Cluster
    prometheus: Connection
    timing: Timing
    namespaces: tuple[str, ...] = ()
    host: str = "0.0.0.0"  # noqa: S104 - the kubelet probes the pod's address
    port: int = 8080


async def run(options: Options) -> None:
    """Run until a signal.

    Raises:
        frostline.kubernetes.connection.NoClusterError: no kubeconfig and no service account.
        OSError: the port is taken.
    """
    health = Health(options.timing.interval_s)
    instruments = Instruments()
    prometheus = PrometheusClient(options.prometheus, instruments.queried)
    store = Store()
    async with await options.cluster.connect() as api:
        objectives = Objectives(api, options.namespaces)
        cycle = Cycle(
            store=store,
            source=DirectSource(prometheus),
            clock=prometheus,
            writer=ApiWriter(objectives, instruments, socket.gethostname()),
            timing=options.timing,
            wall=time.time,
        )
        loop = Loop(cycle, options.timing, health)
        instruments.show(lambda: cycle.views, health)
        store.on_change(loop.wake)
        async with _served(options, application(health, instruments.registry)):
            await _first_list(objectives, store)
            await _until_one_ends(
                loop.run(), _relist(objectives, store), watch(store, options.cluster, options.namespaces)
            )
    prometheus.close()


async def _until_one_ends(*parts: Coroutine[None, None, None]) -> None:
    """Run the parts side by side; the watch ends at a signal, any other end is an error that is raised."""
    # kopf cancels what was started after it and leaves alone what was there before: it comes last.
    tasks = [asyncio.create_task(part) for part in parts]
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        await task


async def _first_list(objectives: Objectives, store: Store) -> None:
    """Wait until all objects are known: readiness means that a cycle looked at each of them.

    kopf looks only once, at its start, which kinds there are: it must not start before the kind is installed.
    """
    while not await _list(objectives, store):  # noqa: ASYNC110 - each round asks the API server
        await asyncio.sleep(_RETRY_S)


async def _relist(objectives: Objectives, store: Store) -> None:
    """List again now and then: a gap in a watch loses deletions."""
    while True:
        await asyncio.sleep(_RELIST_S)
        await _list(objectives, store)


async def _list(objectives: Objectives, store: Store) -> bool:
    known = store.uids()
    try:
        store.replace(await objectives.everything(), known)
    except NotInstalledError as error:
        _LOG.error("%s", error)
        return False
    except (ApiException, aiohttp.ClientError, TimeoutError) as error:
        # A time-out has no words of its own.
        brief = (str(error) or type(error).__name__).splitlines()[0]
        _LOG.warning("objectives cannot be listed, trying again: %s", brief)
        return False
    return True


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
