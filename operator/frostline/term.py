"""One term of office: everything that measures, decides and writes, built anew each time and taken down after it."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from kubernetes.aio import client

from frostline.api.source import Measuring
from frostline.controller.armament import Armament, Webhook
from frostline.controller.building import Builder, Counting
from frostline.controller.clock import CarriedClock
from frostline.controller.cycle import Cycle
from frostline.controller.effects import REFUSALS, ApiEffects, brief
from frostline.controller.enforcement import Enforcement
from frostline.controller.gitops import GitOps
from frostline.controller.health import Health
from frostline.controller.lag import observe_lag
from frostline.controller.lists import Lists, first_list, relist, watched
from frostline.controller.loop import Loop
from frostline.controller.metrics import Instruments
from frostline.controller.reports import Reports
from frostline.controller.rule_events import RuleEvents
from frostline.controller.rule_places import Destination, Form, deliver
from frostline.controller.source_status import SourceStatuses
from frostline.controller.sources import Sources
from frostline.controller.statuses import Statuses
from frostline.controller.stores import Stores
from frostline.controller.timing import Timing
from frostline.controller.watch import watch
from frostline.controller.writer import ApiWriter, Subject
from frostline.core.gitops import Tool
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.contents import Contents
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.fence import LeaseFence
from frostline.kubernetes.gitops import GitOpsObjects
from frostline.kubernetes.resource import Objects
from frostline.kubernetes.server_time import server_time
from frostline.prometheus.backfilled import Backfilled
from frostline.prometheus.connection import Connection
from frostline.prometheus.direct import DirectSource

_LOG = logging.getLogger(__name__)
_SETTLE_S: Final = 5.0
"""What writes under way are given to end: less than the lease lasts, and than a pod is given."""
_UNWATCHED_S: Final = 60.0
"""For how long after the first lists a term may go on without watches."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator is started. `namespaces` empty means all; `port` 0 takes a free one.

    `prometheus` measures what no PrometheusSource does; None without one. `measuring` is how it is asked; `rules` is
    where the operator writes recording and alerting rules. In `own_namespace` nothing is ever held back, and the
    Secrets of sources are there. `gitops` are the tools that are asked to try again after a lift.
    `lease` is the (namespace, name) by which several operators agree on who works; None: this one does.
    """

    cluster: Cluster
    prometheus: Connection | None
    timing: Timing
    namespaces: tuple[str, ...] = ()
    host: str = "0.0.0.0"  # noqa: S104 - the kubelet probes the pod's address
    port: int = 8080
    own_namespace: str = "frostline-system"
    webhook: Webhook | None = None
    gitops: frozenset[Tool] = frozenset()
    argocd_namespace: str = "argocd"
    measuring: Measuring = Measuring.DIRECT
    rules: Destination = field(default_factory=lambda: Destination(Form.OFF, "", ""))
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
        try:
            async with await self._options.cluster.connect(fence) as api:
                objects = Objects(api)
                sources = self._sources(objects)
                try:
                    await until_one_ends(stop.wait(), self._work(api, objects, sources))
                finally:
                    sources.end()
                    settled = await objects.settle(_SETTLE_S)
                return settled
        finally:
            self._leading = False

    def _may_write(self) -> bool:
        return self._leading and (self._fence is None or self._fence.open)

    def _sources(self, objects: Objects) -> Sources:
        options, instruments = self._options, self._instruments
        ways: dict[Measuring, Counting] = {Measuring.DIRECT: DirectSource, Measuring.RECORDED: Backfilled}
        builder = Builder(ways, options.timing, instruments.queried)
        return Sources(
            None if options.prometheus is None else builder.own(options.prometheus, options.measuring),
            builder.source,
            Contents(objects, options.own_namespace),
            dropped=instruments.dropped,
        )

    async def _work(self, api: client.ApiClient, objects: Objects, sources: Sources) -> None:
        options, instruments = self._options, self._instruments
        stores = Stores()
        clock = CarriedClock(time.monotonic, time.time())
        recorder = Recorder(objects, socket.gethostname())
        armament = Armament(objects, recorder, options.webhook)
        gitops = GitOps(GitOpsObjects(objects), options.gitops, options.argocd_namespace)
        effects = ApiEffects(objects, recorder, stores, gitops, instruments.enforced)
        cycle = Cycle(
            stores=stores,
            sources=sources,
            statuses=Statuses(stores.objectives, ApiWriter(objects, recorder, instruments.wrote, Subject.OBJECTIVE)),
            enforcement=Enforcement(stores, effects, instruments.arrived, options.namespaces),
            reports=Reports(
                stores.policies,
                stores.overrides,
                ApiWriter(objects, recorder, instruments.wrote, Subject.POLICY),
                ApiWriter(objects, recorder, instruments.wrote, Subject.OVERRIDE),
            ),
            source_statuses=SourceStatuses(
                stores.sources, ApiWriter(objects, recorder, instruments.wrote, Subject.SOURCE)
            ),
            timing=options.timing,
            clock=clock,
            own_namespace=options.own_namespace,
            switched_off=armament.switched_off,
        )
        loop = Loop(cycle, options.timing, self._health)
        stores.on_change(cycle=loop.wake, enforcement=loop.nudge)
        lists = Lists(objects, options.namespaces, watched(stores), instruments.listed)
        hide = instruments.show(cycle, self._health, armament.arming)
        try:
            await first_list(lists)
            await _set(clock, api)
            await armament.look()
            await until_one_ends(
                loop.run(),
                relist(lists),
                armament.run(),
                observe_lag(instruments.lagged),
                deliver(
                    objects,
                    options.rules,
                    # After a restart they are there, and to render those of a large fleet takes seconds.
                    lambda: cycle.views if loop.figured.is_set() else None,
                    instruments.delivered,
                    RuleEvents(recorder, options.own_namespace),
                ),
                _watch(lists, options, loop.figured, self._reclaim),
            )
        finally:
            hide()


async def _watch(lists: Lists, options: Options, figured: asyncio.Event, reclaim: Callable[[], None]) -> None:
    """Watch, when all budgets are there again or a minute has passed.

    kopf lists everything anew when it begins, which for ten thousand objects keeps a processor busy for ten seconds.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_UNWATCHED_S):
            await figured.wait()
    await watch(lists.watched, options.cluster, options.namespaces, started=reclaim, again=lists.all)


async def _set(clock: CarriedClock, api: client.ApiClient) -> None:
    """Have a start without Prometheus go by the API server's clock: what it lets pass ends by that one."""
    try:
        at = await server_time(api)
    except REFUSALS as error:
        _LOG.warning("the API server does not say what time it is, going by this machine's clock: %s", brief(error))
    else:
        if at is not None:
            clock.set(at)


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
