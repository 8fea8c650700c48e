"""One term of office: everything that measures, decides and writes, built anew each time and taken down after it."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from frostline.controller.armament import Armament, Webhook
from frostline.controller.cycle import Cycle, Timing
from frostline.controller.effects import ApiEffects
from frostline.controller.enforcement import Enforcement
from frostline.controller.gitops import GitOps
from frostline.controller.health import Health
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
from frostline.kubernetes.fence import LeaseFence
from frostline.kubernetes.gitops import GitOpsObjects
from frostline.kubernetes.resource import Objects
from frostline.prometheus.client import Connection, PrometheusClient
from frostline.prometheus.direct import DirectSource

_SETTLE_S: Final = 5.0
"""What writes under way are given to end: less than the lease lasts, and than a pod is given."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator is started. `namespaces` empty means all; `port` 0 takes a free one.

    In `own_namespace` nothing is ever held back. `gitops` are the tools that are asked to try again after a lift.
    `lease` is the (namespace, name) by which several operators agree on who works; None: this one does.
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
    lease: tuple[str, str] | None = None


class Term:
    """What the leading process does; nothing of one term is remembered in the next.

    Args:
        options: how the operator was started.
        health: told how cycles go.
        instruments: show the figures of the present term.
        reclaim: called whenever kopf has taken the process's signals.
    """

    def __init__(
        self, options: Options, health: Health, instruments: Instruments, *, reclaim: Callable[[], None]
    ) -> None:
        self._options = options
        self._health = health
        self._instruments = instruments
        self._reclaim = reclaim
        self._fence: LeaseFence | None = None
        self._leading = False
        instruments.show_leadership(self._may_write)

    def stand_by(self, *, known: bool) -> None:
        """Take note that this process does not lead, and whether it is `known` who does."""
        self._health.stand_by(known=known)

    async def lead(self, fence: LeaseFence | None, stop: asyncio.Event) -> bool:
        """Lead until `stop` is set, writing what the fence lets pass; return whether all writes have ended."""
        self._health.begin()
        self._fence, self._leading = fence, True
        prometheus = PrometheusClient(self._options.prometheus, self._instruments.queried)
        try:
            async with await self._options.cluster.connect(fence) as api:
                objects = Objects(api)
                try:
                    await until_one_ends(stop.wait(), self._work(objects, prometheus))
                finally:
                    settled = await objects.settle(_SETTLE_S)
                return settled
        finally:
            self._leading = False
            prometheus.close()

    def _may_write(self) -> bool:
        return self._leading and (self._fence is None or self._fence.open)

    async def _work(self, objects: Objects, prometheus: PrometheusClient) -> None:
        options, instruments = self._options, self._instruments
        stores = Stores()
        recorder = Recorder(objects, socket.gethostname())
        armament = Armament(objects, recorder, options.webhook)
        gitops = GitOps(GitOpsObjects(objects), options.gitops, options.argocd_namespace)
        effects = ApiEffects(objects, recorder, stores, gitops)
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
        loop = Loop(cycle, options.timing, self._health)
        stores.on_change(cycle=loop.wake, enforcement=loop.nudge)
        lists = Lists(objects, options.namespaces, watched(stores))
        hide = instruments.show(cycle, self._health, armament.arming)
        try:
            await first_list(lists)
            await armament.look()
            await until_one_ends(
                loop.run(),
                relist(lists),
                armament.run(),
                watch(lists.watched, options.cluster, options.namespaces, started=self._reclaim, again=lists.all),
            )
        finally:
            hide()


async def until_one_ends(*parts: Coroutine[Any, Any, object]) -> None:
    """Run the parts side by side until one ends, and then none; an error that ended it is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        await task
