"""One operator process: it stands for election, works while it leads, and reaches the API server through trouble."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from frostline.controller.clock import CarriedClock
from frostline.controller.cycle import Cycle, rehydrating
from frostline.controller.effects import REFUSALS, ApiEffects
from frostline.controller.enforcement import Enforcement
from frostline.controller.gitops import GitOps
from frostline.controller.lists import Lists, watched
from frostline.controller.reports import Reports
from frostline.controller.source_status import SourceStatuses
from frostline.controller.statuses import Statuses
from frostline.controller.stores import Stores
from frostline.controller.timing import Timing
from frostline.controller.writer import ApiWriter, Subject
from frostline.core.election import Candidate
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.fence import LeaseFence
from frostline.kubernetes.gitops import GitOpsObjects
from frostline.kubernetes.lease import LEASES, Lease
from frostline.kubernetes.resource import Manifest, Objects
from tests.controller.day.server import Change
from tests.controller.day.surroundings import Surroundings
from tests.controller.world.operator import sources_of

RELIST_S = 900


class Connection(Objects):
    """The way of one process to the API server. Every write asks the fence when it is about to be sent."""

    def __init__(self, around: Surroundings, name: str, fence: LeaseFence | None) -> None:
        self._around = around
        self._name = name
        self._fence = fence

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        body: Manifest | None = None,
        *_: object,
        **__: object,
    ) -> Manifest:
        around = self._around
        if method != "GET" and self._fence is not None:
            await around.api.before_write(self._name)
            try:
                self._fence.check()
            except aiohttp.ClientError:
                around.fenced += 1
                raise
        around.api.on_the_way(self._name, method, path)
        if method != "GET" and LEASES.plural not in path:
            around.note_write(self._name, method, path)
        answer = around.server.answer(method, path, query, body)
        around.api.on_the_way_back()
        return answer


class Term:
    """One term of office, over stores that begin empty."""

    def __init__(self, around: Surroundings, name: str, fence: LeaseFence) -> None:
        self._around = around
        self._stores = stores = Stores()
        self._feed: list[Change] = []
        around.server.feeds.append(self._feed)
        objects = Connection(around, name, fence)
        recorder = Recorder(objects, name)
        self._sources = sources_of(around.prometheus)
        self._lists = Lists(objects, (), watched(stores))
        self._by_plural = {resource.plural: store for resource, store in self._lists.watched.items()}
        self._listed_at: float | None = None
        self.cycle = Cycle(
            stores=stores,
            sources=self._sources,
            statuses=Statuses(stores.objectives, ApiWriter(objects, recorder, _ignore, Subject.OBJECTIVE)),
            enforcement=Enforcement(
                stores, ApiEffects(objects, recorder, stores, GitOps(GitOpsObjects(objects), frozenset())), _ignore
            ),
            reports=Reports(
                stores.policies,
                stores.overrides,
                ApiWriter(objects, recorder, _ignore, Subject.POLICY),
                ApiWriter(objects, recorder, _ignore, Subject.OVERRIDE),
            ),
            source_statuses=SourceStatuses(stores.sources, ApiWriter(objects, recorder, _ignore, Subject.SOURCE)),
            timing=Timing(),
            clock=CarriedClock(around.now, around.now()),
            own_namespace="frostline-system",
        )

    async def work(self) -> None:
        """Take in what was told, and run a cycle; two at a start, with the buckets read in between."""
        if not await self._see():
            return
        await self.cycle.run()
        if rehydrating(self.cycle.views):
            self.cycle.fill(lambda: False)
            await self.cycle.run()

    async def _see(self) -> bool:
        """Take in what the watch told, and a list now and then; return whether there ever was one."""
        for change in self._feed:
            store = self._by_plural.get(change.plural)
            if store is None or self._around.api.blind:
                continue
            if change.gone:
                store.drop(change.manifest)
            else:
                store.put(change.manifest)
        self._feed.clear()
        due = self._listed_at is None or self._around.now() - self._listed_at >= RELIST_S
        if due and await self._lists.all():
            self._listed_at = self._around.now()
        return self._listed_at is not None

    def end(self) -> None:
        """Take it down."""
        self._around.server.feeds.remove(self._feed)
        self._sources.end()


class Process:
    """A candidate, and its term while it leads."""

    def __init__(self, around: Surroundings, name: str) -> None:
        self.name = name
        self.term: Term | None = None
        self._around = around
        self._candidate = Candidate(name)
        self._fence = LeaseFence(around.now)
        self._lease = Lease(Connection(around, name, None), "frostline-system", "frostline")

    async def look(self) -> None:
        """Read the lease, claim it where that may be, and begin or end a term accordingly.

        A holder that comes back to its lease late counts as one that has renewed it all the time.
        """
        now = self._around.now()
        try:
            found = await self._lease.read()
            self._candidate = self._candidate.observed(None if found is None else found.record, now)
            if self._candidate.may_claim(now):
                written = await self._lease.write(self._candidate.claim(str(now)), found)
                if written is not None:
                    self._candidate = self._candidate.holds(written.record, now)
        except REFUSALS:
            # It goes by what it knew.
            pass
        if not self._candidate.leads(now):
            self.end()
        elif self.term is None:
            self._fence = LeaseFence(self._around.now)
            self._fence.extend(self._candidate.deadline)
            self.term = Term(self._around, self.name, self._fence)
        else:
            self._fence.extend(self._candidate.deadline)

    async def work(self) -> None:
        """Do a leader's work, if it is one; the term ends when it leads no more, or is dead."""
        if self.term is not None:
            await self.term.work()
            if not self._fence.open or self.name in self._around.api.dead:
                self.end()

    async def resign(self) -> None:
        """Let go of the lease, as a process does that is asked to stop."""
        farewell = self._candidate.farewell("")
        self.end()
        if farewell is not None:
            await self._lease.write(farewell, await self._lease.read())
            self._candidate = self._candidate.resigned()

    def end(self) -> None:
        """End the term, if there is one."""
        self._fence.shut()
        if self.term is not None:
            self.term.end()
            self.term = None


def _ignore(*_: Any) -> None:
    """Count nothing."""
