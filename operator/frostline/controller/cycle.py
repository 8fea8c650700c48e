"""One cycle: gather what Prometheus says, decide in the core, apply to the API server."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple, TypeGuard

from frostline.api.accept import Acceptance, Accepted, accept
from frostline.api.gate import GateClaim
from frostline.controller.account import Key
from frostline.controller.advice import Advice
from frostline.controller.asking import Surroundings, ask, not_found, unread
from frostline.controller.clock import CarriedClock
from frostline.controller.deciding import Question, decided
from frostline.controller.enforcement import Enforcement
from frostline.controller.gates import HeldGate
from frostline.controller.gathering import Gathering, Wanted
from frostline.controller.gating import Ask
from frostline.controller.namespaces import EXEMPT, SeenNamespace
from frostline.controller.policies import Policies
from frostline.controller.protection import NO_WORKLOADS, Workloads, by_namespace
from frostline.controller.released import released
from frostline.controller.reports import Reports
from frostline.controller.source_status import SourceStatuses
from frostline.controller.sources import Chosen, Sources, meant
from frostline.controller.status import Facts
from frostline.controller.statuses import Statuses
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.controller.timing import Timing
from frostline.core.assess import Assessment
from frostline.core.breaker import State
from frostline.core.gate import Workload
from frostline.core.outcome import NoSource, Rehydrating


class View(NamedTuple):
    """One objective after a cycle, for metrics and rules.

    `source` is the name of the source that it is for, whether or not it can be asked now: `default` where none is
    named, None while that is not known.
    """

    key: Key
    acceptance: Acceptance
    assessment: Assessment | None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class _News:
    """What there is to tell after a cycle, as of its moment `at`; `measures` counts objectives by source."""

    objects: Mapping[Key, Stored]
    facts: Mapping[Key, Facts]
    measures: Counter[str]
    at: int


class Cycle:
    """The operator's memory and its one loop body. Only `decide` changes it; neither it nor `tell` overlaps itself."""

    def __init__(
        self,
        *,
        stores: Stores,
        sources: Sources,
        statuses: Statuses,
        enforcement: Enforcement,
        reports: Reports,
        source_statuses: SourceStatuses,
        timing: Timing,
        clock: CarriedClock,
        own_namespace: str | None = None,
        switched_off: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._stores = stores
        self._enforcement = enforcement
        self._reports = reports
        self._exempt = EXEMPT | ({own_namespace} if own_namespace else set())
        self._switched_off = switched_off
        self._policies = Policies()
        self._asks: dict[Key, Ask] = {}
        self._at = 0
        self._sources = sources
        self._source_statuses = source_statuses
        self._gathering = Gathering(sources, timing.interval_s, clock)
        self._statuses = statuses
        self._acceptances: dict[Key, tuple[str, int, Acceptance]] = {}
        self._advice = Advice()
        self._news: _News | None = None
        self.views: tuple[View, ...] = ()
        self.gates: tuple[HeldGate, ...] = ()

    async def run(self) -> None:
        """Gather, decide, apply, tell, once."""
        await self.decide()
        await self.tell()

    async def decide(self) -> None:
        """Gather, decide, and bring gates and marks into line."""
        objects = self._stores.objectives.snapshot()
        # A model of each manifest: a thousand take a quarter of a second.
        accepted = await asyncio.to_thread(self._accept, objects)
        self._forget(objects)
        self._policies.look(self._stores.policies.snapshot())
        await self._sources.look(self._stores.sources.snapshot())
        around = self._surroundings(accepted)
        standing = self._enforcement.standing()
        self._at = await asyncio.to_thread(self._measure, objects, accepted, around, standing)
        await self.enforce()
        # What a status says of releases is what there is, not what was to be.
        standing = self._enforcement.standing()
        facts = await asyncio.to_thread(self._facts, objects, accepted, around, standing)
        self._news = _News(objects, facts, self._gathering.measures, self._at)

    async def tell(self) -> None:
        """Write what the statuses should say of the last decision; may go on beside the next one, and never twice."""
        news = self._news
        if news is not None:
            await self._statuses.write(news.objects, news.facts, news.at)
            await self._source_statuses.write(self._sources, news.measures, news.at)

    async def enforce(self) -> None:
        """Carry out what the last cycle decided: after it, and whenever gates, marks or overrides change."""
        await self._enforcement.run(self._asks, self._at)
        standing = self._enforcement.gates.all()
        self.gates = tuple(standing.values())
        gates = {workload: held.spec for workload, held in standing.items()}
        await self._reports.run(self._asks, gates, self._at)

    def breakers(self) -> dict[str, State]:
        """Return the state of the circuit breaker of each source."""
        return {name: each.client.state for name, each in self._sources.asked().items()}

    def _surroundings(self, accepted: Mapping[Key, Acceptance]) -> dict[Key, Surroundings]:
        workloads = by_namespace(self._stores.workloads.snapshot().values())

        @cache
        def about(namespace: str) -> tuple[SeenNamespace | None, Workloads, bool]:
            here = workloads.get(namespace, NO_WORKLOADS)
            return self._stores.namespaces.called(namespace), here, self._is_exempt(namespace)

        return {
            key: Surroundings(key.namespace, self._policies.govern(key, each.terms.policy_ref), *about(key.namespace))
            for key, each in accepted.items()
            if isinstance(each, Accepted)
        }

    def _is_exempt(self, namespace: str) -> bool:
        known = self._stores.namespaces.called(namespace)
        return namespace in self._exempt or (known is not None and known.deleting)

    def fill(self, until: Callable[[], bool]) -> bool:
        """Read buckets that are not known yet; blocking. Returns whether none is left."""
        return self._gathering.fill(until)

    def _accept(self, objects: Mapping[Key, Stored]) -> dict[Key, Acceptance]:
        for key, each in objects.items():
            known = self._acceptances.get(key)
            if known is None or known[:2] != (each.uid, each.generation):
                self._acceptances[key] = (each.uid, each.generation, accept(each.spec))
        return {key: self._acceptances[key][2] for key in objects}

    def _forget(self, objects: Mapping[Key, Stored]) -> None:
        for gone in self._acceptances.keys() - objects.keys():
            del self._acceptances[gone]
        self._policies.forget(objects)

    def _measure(
        self,
        objects: Mapping[Key, Stored],
        accepted: Mapping[Key, Acceptance],
        around: Mapping[Key, Surroundings],
        standing: Mapping[Key, Mapping[Workload, GateClaim]],
    ) -> int:
        """Measure and judge; return the moment of the cycle in epoch seconds."""
        seen_namespaces = {key.namespace: each.namespace for key, each in around.items()}

        @cache
        def chosen(reference: str | None, namespace: str) -> Chosen | NoSource:
            return self._sources.choose(reference, namespace, seen_namespaces[namespace])

        wanted = {
            key: Wanted(objects[key].uid, each.objective, chosen(each.terms.source_ref, key.namespace))
            for key, each in accepted.items()
            if isinstance(each, Accepted)
        }
        self._gathering.open(wanted)
        at, gathered = self._gathering.gather()
        accounts = self._gathering.accounts
        questions = [
            Question(
                objects[key],
                accounts[key],
                each.answer,
                each.at,
                around[key].governed,
                [claim for claim in standing.get(key, {}).values() if claim.uid == accounts[key].uid],
            )
            for key, each in gathered.items()
        ]
        for question, verdict in zip(questions, decided(questions), strict=True):
            question.account.assessment = verdict
        self._asks = {
            key: ask(key, objects[key].uid, each, self._assessment(key), around[key])
            if isinstance(each, Accepted)
            else unread(key, objects[key].uid)
            for key, each in accepted.items()
        }
        live = {
            key: partial(each.lane.boundaries, at=each.at, patience_s=self._gathering.patience_s)
            for key, each in gathered.items()
        }
        seen = {key: (acceptance, objects[key].status) for key, acceptance in accepted.items()}
        self._advice.look(live, accounts, seen)
        self.views = tuple(
            View(
                key,
                each,
                self._assessment(key),
                meant(each.terms.source_ref, around[key].namespace) if isinstance(each, Accepted) else None,
            )
            for key, each in accepted.items()
        )
        return at

    def _facts(
        self,
        objects: Mapping[Key, Stored],
        accepted: Mapping[Key, Acceptance],
        around: Mapping[Key, Surroundings],
        standing: Mapping[Key, Mapping[Workload, GateClaim]],
    ) -> dict[Key, Facts]:
        found = {}
        off = self._switched_off()
        for key, each in objects.items():
            acceptance, here = accepted[key], around.get(key)
            held = {workload: claim for workload, claim in standing.get(key, {}).items() if claim.uid == each.uid}
            missing = not_found(acceptance, here) if isinstance(acceptance, Accepted) and here is not None else ()
            found[key] = Facts(
                generation=each.generation,
                acceptance=acceptance,
                assessment=self._assessment(key),
                stored=each.status,
                now=self._at,
                findings=(*self._advice.about(key, acceptance), *missing),
                problem=None if here is None else here.governed.problem,
                released=released(self._asks[key], held, exempt=here is not None and here.exempt, switched_off=off),
            )
        return found

    def _assessment(self, key: Key) -> Assessment | None:
        return self._gathering.assessment(key)


def rehydrating(views: tuple[View, ...]) -> bool:
    """Return whether any objective still waits for buckets."""
    return any(_waits(view.assessment) for view in views)


def blank(views: tuple[View, ...]) -> bool:
    """Return whether any objective still waits for its first figure."""
    return any(_waits(view.assessment) and view.assessment.figure is None for view in views)


def _waits(assessment: Assessment | None) -> TypeGuard[Assessment]:
    return assessment is not None and isinstance(assessment.outcome, Rehydrating)
