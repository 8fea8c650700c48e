"""The operator process: wires the watch, the cycle, the API server and Prometheus together."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import disable_created_metrics

from frostline.controller.armament import Armament, Webhook
from frostline.controller.cycle import Cycle, Timing
from frostline.controller.effects import ApiEffects
from frostline.controller.enforcement import Enforcement
from frostline.controller.gitops import GitOps
from frostline.controller.health import Health, application
from frostline.controller.lag import observe_lag
from frostline.controller.lists import Lists, first_list, relist, watched
from frostline.controller.loop import Loop
from frostline.controller.metrics import Instruments
from frostline.controller.reports import Reports
from frostline.controller.statuses import Statuses
from frostline.controller.stores import Stores
from frostline.controller.watch import watch
from frostline.controller.writer import ApiWriter, Subject
from frostline.core.gitops import Tool
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.gitops import GitOpsObjects
from frostline.kubernetes.resource import Objects
from frostline.prometheus.client import Connection, PrometheusClient
from frostline.prometheus.direct import DirectSource

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator is started. `namespaces` empty means all; `port` 0 takes a free one.

    In `own_namespace` nothing is ever held back. `gitops` are the tools that are asked to try again after a lift.
    """

    cluster: Cluster
    prometheus: Connection
    timing: Timing
    namespaces: tuple[str, ...] = ()
    host: str = "0.0.0.0"  # noqa: S104 - the kubelet probes the pod's address
    port: int = 8080
    own_namespace: str = "frostline-system"
    webhook: Webhook | None = None
    gitops: frozenset[Tool] = frozenset()
    argocd_namespace: str = "argocd"


async def run(options: Options) -> None:
    """Run until a signal.

    Raises:
        frostline.kubernetes.connection.NoClusterError: no kubeconfig and no service account.
        OSError: the port is taken.
    """
    # When a series began is of no use here, and doubles what counters cost a scrape.
    disable_created_metrics()
    instruments = Instruments()
    health = Health(options.timing.interval_s, observe=instruments.cycled)
    prometheus = PrometheusClient(options.prometheus, instruments.queried)
    stores = Stores()
    async with await options.cluster.connect() as api:
        objects = Objects(api)
        recorder = Recorder(objects, socket.gethostname())
        armament = Armament(objects, recorder, options.webhook)
        gitops = GitOps(GitOpsObjects(objects), options.gitops, options.argocd_namespace)
        effects = ApiEffects(objects, recorder, stores, gitops, instruments.enforced)
        cycle = Cycle(
            stores=stores,
            source=DirectSource(prometheus),
            clock=prometheus,
            statuses=Statuses(stores.objectives, ApiWriter(objects, recorder, instruments.wrote, Subject.OBJECTIVE)),
            enforcement=Enforcement(stores, effects, instruments.arrived, options.namespaces),
            reports=Reports(
                stores.policies,
                stores.overrides,
                ApiWriter(objects, recorder, instruments.wrote, Subject.POLICY),
                ApiWriter(objects, recorder, instruments.wrote, Subject.OVERRIDE),
            ),
            timing=options.timing,
            wall=time.time,
            own_namespace=options.own_namespace,
            switched_off=armament.switched_off,
        )
        loop = Loop(cycle, options.timing, health)
        instruments.show(cycle, health, armament.arming)
        instruments.show_leadership(health)
        stores.on_change(cycle=loop.wake, enforcement=loop.nudge)
        lists = Lists(objects, options.namespaces, watched(stores), instruments.listed)
        async with _served(options, application(health, instruments.registry)):
            await first_list(lists)
            await armament.look()
            await _until_one_ends(
                loop.run(),
                relist(lists),
                armament.run(),
                observe_lag(instruments.lagged),
                watch(lists.watched, options.cluster, options.namespaces),
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
