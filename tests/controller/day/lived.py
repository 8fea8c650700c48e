"""A whole day, and what was to be seen of it."""

import asyncio
import inspect
import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from frostline import names
from frostline.core.gate import Workload
from frostline.core.policy import Rule
from frostline.kubernetes.resource import GATES, NAMESPACES, OBJECTIVES, POLICIES, WORKLOADS
from tests.controller.day import story
from tests.controller.day.faults import Act, Fault
from tests.controller.day.operators import Operators
from tests.controller.day.server import Server
from tests.controller.day.surroundings import Surroundings
from tests.controller.freezing import MINUTE

Rules = Mapping[Workload, Rule]
STEP_S = 15 * MINUTE
_FAULTY_STEP_S = 10 * MINUTE
_CLOSELY_S = 30


@dataclass
class Day:
    """What became of a day: gates by time, what never must happen and did, and the state that is left."""

    around: Surroundings
    seen: dict[int, Rules] = field(default_factory=dict)
    amiss: dict[int, list[str]] = field(default_factory=dict)
    budgets: dict[tuple[str, str], float] = field(default_factory=dict)

    def strictest(self, workload: Workload, begin: float, end: float) -> Rule:
        """Return the strictest rule of a workload from `begin` to `end`."""
        return max(self._rules(workload, begin, end), key=lambda rule: rule.rank)

    def loosest(self, workload: Workload, begin: float, end: float) -> Rule:
        """Return the loosest rule of a workload from `begin` to `end`."""
        return min(self._rules(workload, begin, end), key=lambda rule: rule.rank)

    def _rules(self, workload: Workload, begin: float, end: float) -> list[Rule]:
        times = list(self.seen)
        first = max(0, bisect_right(times, begin) - 1)
        return [self.seen[at].get(workload, Rule.OPEN) for at in times[first : bisect_right(times, end)]]


def lived(faults: Sequence[Fault] = (), seed: int = 0) -> Day:
    """Live through the day with these faults."""
    return asyncio.run(_live(faults, random.Random(seed)))


async def _live(faults: Sequence[Fault], dice: random.Random) -> Day:
    around = Surroundings(story.START, story.events(), dice)
    day, operators = Day(around), Operators(around)
    story.begin(around)
    todo, acts = story.deeds(), _acts(faults)
    for at in _times(faults):
        around.go_to(max(at, around.now()))
        while acts and acts[0][0] <= around.now():
            outcome = acts.pop(0)[1](operators)
            if inspect.isawaitable(outcome):
                await outcome
        todo = [deed for deed in todo if deed.at > around.now() or not deed.do(around)]
        await operators.step()
        day.seen[at] = rules(around.server)
        day.amiss[at] = amiss(around.server)
    day.budgets = {
        view.key: view.assessment.figure.budget.remaining
        for view in operators.views()
        if view.assessment is not None and view.assessment.figure is not None
    }
    operators.end()
    assert not todo, f"{len(todo)} deeds never could be done"
    return day


def _acts(faults: Sequence[Fault]) -> list[tuple[int, Act]]:
    return sorted(
        [(fault.begin, fault.strike) for fault in faults] + [(fault.end, fault.heal) for fault in faults],
        key=lambda act: act[0],
    )


def _times(faults: Sequence[Fault]) -> list[int]:
    """Return when to look: now and then, more often while something is at fault, closely where things happen."""
    times = set(range(story.START, story.END + 1, STEP_S))
    for deed in story.deeds():
        times |= {deed.at, deed.at + _CLOSELY_S}
    for fault in faults:
        times |= {*range(fault.begin, fault.end, _FAULTY_STEP_S), fault.end}
        times |= {each + _CLOSELY_S for each in (fault.begin - 2 * _CLOSELY_S, fault.begin, fault.end)}
    return sorted(times)


def rules(server: Server) -> Rules:
    """Return the rule of every workload that has a gate."""
    found = {}
    for address, gate in server.of(GATES).items():
        named = gate["spec"]["workload"]
        found[Workload(address.namespace, named["kind"], named["name"])] = Rule(gate["spec"]["rule"])
    return found


def amiss(server: Server) -> list[str]:
    """Return what does not fit together: gates, marks on workloads, labels of namespaces, counts of policies."""
    wrong, gates = [], rules(server)
    for resource in WORKLOADS.values():
        for address, manifest in server.of(resource).items():
            workload = Workload(address.namespace, manifest["kind"], address.name)
            metadata, rule = manifest["metadata"], gates.get(workload)
            marked = (metadata.get("labels") or {}).get(names.Label.RELEASES)
            notes = [name for name in names.Annotation if name in (metadata.get("annotations") or {})]
            if marked != rule or len(notes) != (0 if rule is None else len(names.Annotation)):
                wrong.append(f"{workload} in {workload.namespace} has {rule}, is marked {marked} and {notes}")
    holding = {workload.namespace for workload, rule in gates.items() if rule.holds}
    for address, namespace in server.of(NAMESPACES).items():
        enforced = (namespace["metadata"].get("labels") or {}).get(names.Label.ENFORCED)
        if (enforced == "true") != (address.name in holding):
            wrong.append(f"namespace {address.name} is labelled {enforced}, held back there: {address.name in holding}")
    for address, policy in server.of(POLICIES).items():
        going = sum(each["spec"].get("policyRef") == address.name for each in server.of(OBJECTIVES).values())
        counted = policy.get("status", {}).get("objectives")
        if counted != going:
            wrong.append(f"policy {address.name} counts {counted} objectives, and {going} go by it")
    return wrong
