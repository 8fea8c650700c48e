"""Carries out what promises ask for: gates, marks on workloads and namespaces.

Each pass compares what there is with what shall be, so that whatever failed or was changed is put right by the next.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from frostline import names
from frostline.api.base import JsonObject, as_json
from frostline.api.gate import GateClaim, GateSpec
from frostline.api.gated import shape as shape_of
from frostline.controller import gating, marks, tracking
from frostline.controller.account import Key
from frostline.controller.gates import Gates, HeldGate
from frostline.controller.gating import Ask, Declared
from frostline.controller.override_status import declared_by
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.controller.tracking import Arrival, Arrived, TooLargeError
from frostline.controller.workloads import SeenWorkload
from frostline.core.gate import Workload
from frostline.core.policy import Rule
from frostline.core.projection import Template, project

_LOG = logging.getLogger(__name__)
_WRITERS: Final = 8


class Effects(Protocol):
    """What a pass does to the cluster; each returns whether it was done, and tells a refusal."""

    async def templates(self, workload: SeenWorkload) -> tuple[Template, list[tuple[str, Template]]] | None:
        """Return the present pod template and (source, template) of revisions before it, read at one time.

        None when they cannot be read now.
        """

    async def write_gate(self, workload: Workload, spec: JsonObject, known: Stored | None) -> bool:
        """Create a gate, or replace the one that is `known`."""

    async def remove_gate(self, known: Stored) -> bool:
        """Delete a gate."""

    async def mark(self, workload: SeenWorkload, wanted: Mapping[str, str]) -> bool:
        """Leave exactly these marks on a workload."""

    async def mark_namespace(self, name: str, *, enforced: bool) -> bool:
        """Put the operator's label on a namespace, or take it away."""

    async def tell(
        self, workload: Workload, seen: SeenWorkload | None, *, warning: bool, reason: names.Reason, note: str
    ) -> None:
        """Leave an Event about a workload."""

    async def opened(self, workload: SeenWorkload) -> None:
        """Poke who delivers the workload: releases of it pass again."""


class Enforcement:
    """One pass after another over gates and marks of the given namespaces, all if none; passes never overlap."""

    def __init__(
        self, stores: Stores, effects: Effects, arrived: Callable[[Arrived], None], namespaces: Iterable[str] = ()
    ) -> None:
        self._stores = stores
        self._effects = effects
        self._arrived = arrived
        self._namespaces = frozenset(namespaces)
        self._overrides: dict[Key, tuple[str, Declared | None]] = {}
        self._stands: dict[Workload, GateSpec] = {}
        """The gates as this operator left them: what somebody else makes of one is put right by it."""
        self.gates = Gates(stores.gates)

    def standing(self) -> Mapping[Key, Mapping[Workload, GateClaim]]:
        """Return what the gates remember of each promise, by workload."""
        found: defaultdict[Key, dict[Workload, GateClaim]] = defaultdict(dict)
        stored = {workload: held.spec for workload, held in self.gates.all().items()}
        for workload, spec in {**stored, **self._stands}.items():
            for claim in spec.by:
                found[Key(workload.namespace, claim.objective)][workload] = claim
        return found

    async def run(self, asks: Mapping[Key, Ask], now: int) -> None:
        """Bring gates and marks into line with what is asked for at epoch second `now`."""
        gates = self.gates.all()
        declared = self._declared()
        through: defaultdict[Workload, list[Ask]] = defaultdict(list)
        for ask in asks.values():
            for workload in ask.through:
                through[workload].append(ask)
        concerned = (
            set(gates)
            | set(self._stands)
            | {
                workload
                for workload, asking in through.items()
                if any(gating.rule_asked(ask, Rule.OPEN) is not Rule.OPEN for ask in asking)
            }
        )
        limit = asyncio.Semaphore(_WRITERS)

        async def one(workload: Workload) -> tuple[Workload, GateSpec | None]:
            async with limit:
                held = gates.get(workload)
                old = self._standing_on(workload, held)
                # Who has a claim on it may name it no longer.
                had = () if old is None else (asks.get(Key(workload.namespace, claim.objective)) for claim in old.by)
                here = {ask.key: ask for ask in (*through[workload], *had) if ask is not None}
                spec = await self._gate(workload, held, tuple(here.values()), declared[workload.namespace], now)
                return workload, spec

        specs = dict(await asyncio.gather(*(one(workload) for workload in sorted(concerned))))
        await self._mark_namespaces(specs)
        await self._mark_workloads(specs)

    def _standing_on(self, workload: Workload, held: HeldGate | None) -> GateSpec | None:
        return self._stands.get(workload, None if held is None else held.spec)

    def _declared(self) -> Mapping[str, list[Declared]]:
        found: defaultdict[str, list[Declared]] = defaultdict(list)
        snapshot = self._stores.overrides.snapshot()
        for gone in self._overrides.keys() - snapshot.keys():
            del self._overrides[gone]
        for key, each in snapshot.items():
            known = self._overrides.get(key)
            if known is None or known[0] != each.version:
                self._overrides[key] = known = (each.version, declared_by(each))
            if known[1] is not None:
                found[key.namespace].append(known[1])
        return found

    async def _gate(
        self, workload: Workload, held: HeldGate | None, asks: Sequence[Ask], declared: Iterable[Declared], now: int
    ) -> GateSpec | None:
        """Return the gate that stands after this pass."""
        stored = None if held is None else held.spec
        old = self._standing_on(workload, held)
        known = self.gates.stored(workload)
        by = gating.claims(workload, [] if old is None else old.by, asks)
        holding = {each.objective for each in by if each.rule.holds}
        shapes = [ask.releases.shape for ask in asks if ask.key.name in holding]
        spec = gating.gate(
            workload,
            old,
            by,
            shape=gating.common_shape(shapes),
            overrides=declared,
            longest_override=gating.longest_override(by, asks),
            now=now,
        )
        seen = self._stores.workloads.get(workload)
        if spec is None:
            if known is not None and not await self._effects.remove_gate(known):
                return old
            self._stands.pop(workload, None)
            await self._tell_rule(workload, seen, old, None)
            return None
        arrival = None
        if spec.rule.holds and spec.running is None:
            begun = None if seen is None else await self._begun(spec, seen)
            if begun is None:
                return old
            spec = begun
        elif seen is not None:
            try:
                spec, arrival = tracking.follow(spec, seen)
            except TooLargeError as error:
                _LOG.warning("%s in %s runs what its gate cannot hold: %s", workload, workload.namespace, error)
        if old is not None and old == stored and not gating.worth_writing(old, spec):
            self._stands[workload] = old
            return old
        if not await self._effects.write_gate(workload, as_json(spec, empties=False), known):
            return old
        written = self.gates.get(workload)
        # What the API server made of it is what it shall stay.
        self._stands[workload] = spec if written is None else written.spec
        await self._tell_rule(workload, seen, old, spec)
        if arrival is not None:
            await self._tell_arrival(workload, seen, arrival)
        return spec

    async def _begun(self, spec: GateSpec, seen: SeenWorkload) -> GateSpec | None:
        """Return a gate that begins to hold; None where the way back cannot be read, for it must stay open."""
        found = await self._effects.templates(seen)
        if found is None:
            return None
        running, earlier = found
        shape = shape_of(spec.shape)
        good = [(source, project(template, shape)) for source, template in earlier]
        try:
            return tracking.begun(spec, project(running, shape), good)
        except TooLargeError as error:
            _LOG.error("%s in %s cannot be held back: %s", seen.key, seen.key.namespace, error)
            return None

    async def _tell_rule(
        self, workload: Workload, seen: SeenWorkload | None, old: GateSpec | None, new: GateSpec | None
    ) -> None:
        before = Rule.OPEN if old is None else old.rule
        after = Rule.OPEN if new is None else new.rule
        if before is after:
            return
        if new is not None and after.holds:
            note = f"{before} -> {after}: {new.message}"
            await self._effects.tell(workload, seen, warning=True, reason=names.Reason.RELEASES_HELD, note=note)
        elif before.holds:
            note = f"{before} -> {after}: releases of {workload} pass again"
            await self._effects.tell(workload, seen, warning=False, reason=names.Reason.RELEASES_OPENED, note=note)
            if seen is not None:
                await self._effects.opened(seen)
        elif new is not None:
            await self._effects.tell(
                workload, seen, warning=False, reason=names.Reason.RELEASES_WARNED, note=new.message
            )

    async def _tell_arrival(self, workload: Workload, seen: SeenWorkload | None, arrival: Arrival) -> None:
        self._arrived(arrival.how)
        what = ", ".join(arrival.changed) or "template"
        match arrival.how:
            case Arrived.ROLLED_BACK:
                note = f"{workload} runs what it ran before ({arrival.source}) while releases are held back"
                await self._effects.tell(workload, seen, warning=False, reason=names.Reason.ROLLED_BACK, note=note)
            case Arrived.OVERRIDDEN:
                note = f"{workload} was released by {arrival.source} while releases are held back: {what}"
                await self._effects.tell(workload, seen, warning=False, reason=names.Reason.OVERRIDE_USED, note=note)
            case Arrived.UNRECORDED:
                note = (
                    f"{workload} was released while releases are held back, and no override lets it pass: {what}."
                    " It went by the bypass, or while enforcement was off: find out who, then roll back or override"
                )
                reason = names.Reason.UNRECORDED_RELEASE
                await self._effects.tell(workload, seen, warning=True, reason=reason, note=note)

    async def _mark_namespaces(self, specs: Mapping[Workload, GateSpec | None]) -> None:
        holding = {workload.namespace for workload, spec in specs.items() if spec is not None and spec.rule.holds}
        for key, each in self._stores.namespaces.snapshot().items():
            # Others may serve the namespaces that this operator does not.
            served = not self._namespaces or key.name in self._namespaces
            if served and each.enforced != (key.name in holding):
                await self._effects.mark_namespace(key.name, enforced=key.name in holding)

    async def _mark_workloads(self, specs: Mapping[Workload, GateSpec | None]) -> None:
        wrong: list[Callable[[], Awaitable[bool]]] = []
        for workload, seen in self._stores.workloads.snapshot().items():
            wanted = marks.marks(specs.get(workload))
            if dict(seen.marks) != dict(wanted):
                wrong.append(_marking(self._effects, seen, wanted))
        limit = asyncio.Semaphore(_WRITERS)

        async def one(mark: Callable[[], Awaitable[bool]]) -> None:
            async with limit:
                await mark()

        await asyncio.gather(*map(one, wrong))


def _marking(effects: Effects, seen: SeenWorkload, wanted: Mapping[str, str]) -> Callable[[], Awaitable[bool]]:
    return lambda: effects.mark(seen, wanted)
