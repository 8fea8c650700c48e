"""What two days have in common: the state in the evening, and what was held back meanwhile."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pytest

from frostline import names
from frostline.api.base import JsonObject
from frostline.core.gate import Workload
from frostline.kubernetes.resource import GATES, NAMESPACES, OBJECTIVES, OVERRIDES, POLICIES, WORKLOADS
from tests.controller.day.faults import Fault
from tests.controller.day.lived import STEP_S, Day
from tests.controller.day.server import Server
from tests.controller.day.story import START
from tests.controller.freezing import MINUTE
from tests.support.objectives import HOUR

_SETTLED_S = 15 * MINUTE
"""What operators are given to put all right after a fault: a list, two cycles, the edge of a bucket."""
_LAG_S = STEP_S + MINUTE
"""By how much two days that are looked at at other moments may differ."""
_FOLDED_S = 20 * MINUTE
"""A level that is told again from buckets, not from what was seen twice a minute, may get better a hold earlier."""
_TIMED = ("since", str(names.Annotation.SINCE), str(names.Annotation.MESSAGE))


class Reaches:
    """Until when faults have a hand in what is to be seen: each one until it has settled; chains count as one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._chains: list[tuple[int, int]] = []
        for fault in sorted(faults, key=lambda each: each.begin):
            begin, end = fault.begin, fault.end + _SETTLED_S
            if self._chains and begin <= self._chains[-1][1]:
                first, last = self._chains.pop()
                begin, end = first, max(last, end)
            self._chains.append((begin, end))

    def reach(self, at: float) -> bool:
        """Return whether a fault has a hand in what is to be seen at `at`."""
        return any(begin <= at <= end for begin, end in self._chains)

    def begin(self, at: float) -> float:
        """Return since when a fault has had a hand in what is to be seen at `at`; `at` itself where none has."""
        return next((begin for begin, end in self._chains if begin <= at <= end), at)

    def end(self, at: float) -> float:
        """Return until when a fault has a hand in what begins at `at`; `at` itself where none has."""
        return next((end for begin, end in self._chains if begin <= at <= end), at)


def strayed(quiet: Day, faulty: Day, faults: Sequence[Fault]) -> list[str]:
    """Return where a day with faults shows what the day without them did not within the reach of the fault.

    What is held back must be no looser than the loosest, and no stricter than the strictest, that the quiet day shows
    from before the fault until now. Outside of all reach all fits together.
    """
    reaches, found = Reaches(faults), []
    for at, rules in faulty.seen.items():
        since = reaches.begin(at)
        loosened = {fault.loosens for fault in faults if since <= fault.begin <= at}
        for workload in sorted({*rules, *quiet.seen[min(quiet.seen, key=lambda each: abs(each - at))]}):
            there = faulty.loosest(workload, at, at)
            low = quiet.loosest(workload, since - _LAG_S, at + _LAG_S)
            high = quiet.strictest(workload, since - _LAG_S, at + _LAG_S)
            what = f"{when(at)}: {workload} in {workload.namespace} has {there}"
            if there.rank > high.rank:
                found.append(f"{what}, and {high} at most was called for")
            if there.rank < low.rank and workload.namespace not in loosened:
                found.append(f"{what}, and {low} at least was called for")
        if not reaches.reach(at):
            found += [f"{when(at)}: {sentence}" for sentence in faulty.amiss[at]]
    return found


def when(at: float) -> str:
    """Return a moment for people."""
    return f"{(at - START) / HOUR:.3f} h"


def evening(server: Server) -> JsonObject:
    """Return the state in the evening, without the moments at which it came about."""
    state: JsonObject = {}
    for resource in (OBJECTIVES, OVERRIDES):
        for address, manifest in server.of(resource).items():
            status = manifest.get("status", {})
            state["/".join(address)] = {
                "level": status.get("level"),
                "releases": status.get("releases"),
                "state": status.get("display", {}).get("state"),
                "used": "usedAt" in status,
                "until": status.get("until"),
                "conditions": {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]},
            }
    for address, manifest in server.of(POLICIES).items():
        state["/".join(address)] = manifest["status"]
    for address, manifest in server.of(GATES).items():
        state["/".join(address)] = _gate(manifest["spec"])
    for resource in (*WORKLOADS.values(), NAMESPACES):
        for address, manifest in server.of(resource).items():
            state["/".join(address)] = _ours(manifest["metadata"]) | {"spec": manifest.get("spec")}
    return state


def _gate(spec: JsonObject) -> JsonObject:
    claims = ("objective", "policy", "through", "level", "rule", "trouble", "overrideClasses")
    overrides = ("name", "class", "until", "users", "images", "template", "singleUse", "used")
    return {
        **{name: spec.get(name) for name in ("rule", "overrideClasses", "shape", "running", "runningFrom", "good")},
        "by": [{name: each.get(name) for name in claims} for each in spec["by"]],
        "overrides": [{name: each.get(name) for name in overrides} for each in spec.get("overrides", [])],
    }


def _ours(metadata: JsonObject) -> JsonObject:
    both: Mapping[str, str] = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
    ours = {name: value for name, value in both.items() if names.GROUP in name and name not in _TIMED}
    # Whatever else it may say means the same as none.
    return {name: value for name, value in ours.items() if name != names.Label.ENFORCED or value == "true"}


def differences(quiet: Day, faulty: Day, faults: Sequence[Fault]) -> list[str]:
    """Return what is different in the evening: of the state, the budgets, and since when things have stood."""
    one, other = evening(quiet.around.server), evening(faulty.around.server)
    found = [
        f"{name}: {other.get(name)} instead of {one.get(name)}"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
    if faulty.budgets != pytest.approx(quiet.budgets, abs=1e-6):
        found.append(f"budgets: {faulty.budgets} instead of {quiet.budgets}")
    return found + _moments(quiet, faulty, faults)


def _moments(quiet: Day, faulty: Day, faults: Sequence[Fault]) -> list[str]:
    reaches, found = Reaches(faults), []
    before, after = _since(quiet.around.server), _since(faulty.around.server)
    for name in before.keys() & after.keys():
        earliest, latest = before[name] - _LAG_S - _FOLDED_S, reaches.end(before[name]) + _LAG_S
        if any(fault.loosens is not None and fault.loosens in name for fault in faults):
            # It was meant to let go, and stands since it was not meant to any more.
            latest = max(latest, *(reaches.end(fault.begin) for fault in faults if fault.loosens is not None))
        if not earliest <= after[name] <= latest:
            found.append(f"{name} stands since {when(after[name])} instead of {when(before[name])}")
    return found


def _since(server: Server) -> dict[str, float]:
    found = {}
    for address, manifest in server.of(GATES).items():
        spec = manifest["spec"]
        found["/".join(address)] = datetime.fromisoformat(spec["since"]).timestamp()
        for claim in spec["by"]:
            found[f"{'/'.join(address)} by {claim['objective']}"] = datetime.fromisoformat(claim["since"]).timestamp()
    for address, manifest in server.of(OBJECTIVES).items():
        found["/".join(address)] = datetime.fromisoformat(manifest["status"]["levelSince"]).timestamp()
    return found


def workloads(day: Day) -> set[Workload]:
    """Return the workloads that had a gate at any time."""
    return {workload for rules in day.seen.values() for workload in rules}
