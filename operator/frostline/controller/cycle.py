"""One cycle: gather what Prometheus says, decide in the core, apply to the API server."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from frostline.api.accept import Acceptance, Accepted, accept
from frostline.api.gate import GateClaim
from frostline.controller.account import Account, Key, carried
from frostline.controller.advice import Advice
from frostline.controller.asking import Surroundings, ask, not_found, unread
from frostline.controller.deciding import decided, unmeasured
from frostline.controller.enforcement import Enforcement
from frostline.controller.gates import HeldGate
from frostline.controller.gating import Ask
from frostline.controller.measure import fill_gaps, read_again, read_now, read_sums
from frostline.controller.namespaces import EXEMPT
from frostline.controller.policies import Governed, Policies
from frostline.controller.protection import ByNamespace, by_namespace
from frostline.controller.released import released
from frostline.controller.reports import Reports
from frostline.controller.status import Facts
from frostline.controller.statuses import Statuses
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.core.assess import Answer, Assessment, Fresh
from frostline.core.gate import Workload
from frostline.core.outcome import Failed, Partial, Rehydrating
from frostline.prometheus.source import Source


class Clock(Protocol):
    """The time of Prometheus."""

    def now(self) -> float | Partial | Failed:
        """Return epoch seconds, or why they are not to be had."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When cycles evaluate: every `interval_s`, at a common time at least `offset_s` behind Prometheus."""

    interval_s: int = 30
    offset_s: int = 15

    def evaluation_time(self, now: float) -> int:
        """Return the newest common evaluation time, epoch seconds."""
        behind = int(now) - self.offset_s
        return behind - behind % self.interval_s


@dataclass(frozen=True, slots=True)
class View:
    """One objective after a cycle, for metrics."""

    key: Key
    acceptance: Acceptance
    assessment: Assessment | None


@dataclass(frozen=True, slots=True)
class _Gathered:
    at: int
    """The moment that conditions are of, epoch seconds."""
    measured: bool
    """Whether `at` is Prometheus's time, so that ledgers can be judged at it."""
    answers: Mapping[Key, Answer]


class Cycle:
    """The operator's memory and its one loop body. Only `run` changes it; runs never overlap."""

    def __init__(
        self,
        *,
        stores: Stores,
        source: Source,
        clock: Clock,
        statuses: Statuses,
        enforcement: Enforcement,
        reports: Reports,
        timing: Timing,
        wall: Callable[[], float],
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
        self._source = source
        self._clock = clock
        self._statuses = statuses
        self._timing = timing
        self._wall = wall
        self._accounts: dict[Key, Account] = {}
        self._acceptances: dict[Key, tuple[str, int, Acceptance]] = {}
        self._advice = Advice()
        self.views: tuple[View, ...] = ()
        self.gates: tuple[HeldGate, ...] = ()

    async def run(self) -> None:
        """Gather, decide, apply, once."""
        objects = self._stores.objectives.snapshot()
        accepted = self._accept(objects)
        self._forget(objects)
        self._policies.look(self._stores.policies.snapshot())
        around = self._surroundings(accepted)
        standing = self._enforcement.standing()
        gathered = await asyncio.to_thread(self._measure, objects, accepted, around, standing)
        self._at = gathered.at
        await self.enforce()
        # What a status says of releases is what there is, not what was to be.
        standing = self._enforcement.standing()
        facts = await asyncio.to_thread(self._facts, objects, accepted, around, standing)
        await self._statuses.write(objects, facts, gathered.at)

    async def enforce(self) -> None:
        """Carry out what the last cycle decided: after it, and whenever gates, marks or overrides change."""
        await self._enforcement.run(self._asks, self._at)
        standing = self._enforcement.gates.all()
        self.gates = tuple(standing.values())
        gates = {workload: held.spec for workload, held in standing.items()}
        await self._reports.run(self._asks, gates, self._at)

    def _surroundings(self, accepted: Mapping[Key, Acceptance]) -> dict[Key, Surroundings]:
        workloads: ByNamespace = by_namespace(self._stores.workloads.snapshot().values())
        return {
            key: Surroundings(
                name=key.namespace,
                governed=self._policies.govern(key, each.spec.policy_ref),
                namespace=self._stores.namespaces.called(key.namespace),
                workloads=workloads.get(key.namespace, ()),
                exempt=self._is_exempt(key.namespace),
            )
            for key, each in accepted.items()
            if isinstance(each, Accepted)
        }

    def _is_exempt(self, namespace: str) -> bool:
        known = self._stores.namespaces.called(namespace)
        return namespace in self._exempt or (known is not None and known.deleting)

    def fill(self, until: Callable[[], bool]) -> bool:
        """Read buckets that are not known yet; blocking. Returns whether none is left."""
        now = self._clock.now()
        if isinstance(now, Partial | Failed):
            return False
        return fill_gaps(self._source, self._accounts, self._timing.evaluation_time(now), until=until)

    def _accept(self, objects: Mapping[Key, Stored]) -> dict[Key, Acceptance]:
        for key, each in objects.items():
            known = self._acceptances.get(key)
            if known is None or known[:2] != (each.uid, each.generation):
                self._acceptances[key] = (each.uid, each.generation, accept(each.spec))
        return {key: self._acceptances[key][2] for key in objects}

    def _forget(self, objects: Mapping[Key, Stored]) -> None:
        for memory in (self._accounts, self._acceptances):
            for gone in memory.keys() - objects.keys():
                del memory[gone]
        self._statuses.forget(objects)
        self._policies.forget(objects)

    def _measure(
        self,
        objects: Mapping[Key, Stored],
        accepted: Mapping[Key, Acceptance],
        around: Mapping[Key, Surroundings],
        standing: Mapping[Key, Mapping[Workload, GateClaim]],
    ) -> _Gathered:
        for key, acceptance in accepted.items():
            if isinstance(acceptance, Accepted):
                self._accounts[key] = carried(self._accounts.get(key), objects[key].uid, acceptance.objective)
            else:
                self._accounts.pop(key, None)
        gathered = self._gather()
        for key, account in self._accounts.items():
            remembered = [each for each in standing.get(key, {}).values() if each.uid == account.uid]
            self._decide(objects[key], account, gathered, around[key].governed, remembered)
        self._asks = {
            key: ask(key, objects[key].uid, each, self._assessment(key), around[key])
            if isinstance(each, Accepted)
            else unread(key, objects[key].uid)
            for key, each in accepted.items()
        }
        seen = {key: (acceptance, objects[key].status) for key, acceptance in accepted.items()}
        self._advice.look(self._source, self._accounts, seen, gathered.at if gathered.measured else None)
        self.views = tuple(View(key, acceptance, self._assessment(key)) for key, acceptance in accepted.items())
        return gathered

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
        account = self._accounts.get(key)
        return None if account is None else account.assessment

    def _gather(self) -> _Gathered:
        now = self._clock.now()
        if isinstance(now, Partial | Failed):
            return _Gathered(int(self._wall()), False, dict.fromkeys(self._accounts, now))
        at = self._timing.evaluation_time(now)
        answers = read_now(self._source, self._accounts, at)
        read_again(self._source, self._accounts, at)
        # A first figure from sums is for what is alive and unambiguous only.
        alive = {key for key, answer in answers.items() if isinstance(answer, Fresh) and answer.newest is not None}
        read_sums(self._source, {key: self._accounts[key] for key in alive}, at)
        return _Gathered(at, True, answers)

    def _decide(
        self, stored: Stored, account: Account, gathered: _Gathered, governed: Governed, claims: list[GateClaim]
    ) -> None:
        answer = gathered.answers[stored.key]
        if gathered.measured:
            account.assessment = decided(stored, account, answer, governed, claims, at=gathered.at)
        elif isinstance(answer, Partial | Failed):
            account.assessment = unmeasured(answer, account.assessment)


def rehydrating(views: tuple[View, ...]) -> bool:
    """Return whether any objective still waits for buckets."""
    return any(view.assessment is not None and isinstance(view.assessment.outcome, Rehydrating) for view in views)
