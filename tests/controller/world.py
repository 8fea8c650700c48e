"""A Prometheus that computes, an API server that remembers, and time that the test sets."""

import asyncio
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.account import Key
from frostline.controller.cycle import Cycle, Timing
from frostline.controller.store import Store, Stored
from frostline.core.indicator import Counters, Gauge, TimeShare
from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus.direct import Counted, DirectSource, Missing, Presence
from tests.support.objectives import AT, Events

K = TypeVar("K")

DOWN = Failed(Failure.UNREACHABLE, "http://prometheus:9090 cannot be reached: connection refused")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Prometheus(DirectSource):
    """Answers from known functions of time, by the name of the valid counter; also the clock."""

    def __init__(self, events: Mapping[str, Events]) -> None:
        self.events = dict(events)
        self.time = float(AT)
        self.trouble: Missing | None = None
        self.trouble_with: dict[str, Missing] = {}
        self.largest: int | None = None
        self.series: dict[str, int] = {}
        self.asked: list[Gap] = []
        self.windows = 0

    def now(self) -> float | Partial | Failed:
        return self.trouble or self.time

    def presence(self, objectives: Mapping[K, Objective], at: int) -> dict[K, Presence | Missing]:
        return {key: self._presence(valid_counter(objective), at) for key, objective in objectives.items()}

    def _presence(self, metric: str, at: int) -> Presence | Missing:
        there = self._count(metric, at - 300, at)[1] is not None
        return self._trouble(metric) or Presence(at - 5 if there else None, self.series.get(metric, 1) if there else 0)

    def window(self, objectives: Mapping[K, Objective], at: int, window_s: int) -> dict[K, Counted | Missing]:
        self.windows += 1
        return self._all(objectives, [(at - window_s, at)])

    def open(self, objectives: Mapping[K, Objective], at: int, width_s: int) -> dict[K, Counted | Missing]:
        return self._all(objectives, [(at - width_s, at)])

    def closed(self, objectives: Mapping[K, Objective], gap: Gap) -> dict[K, Counted | Missing]:
        self.asked.append(gap)
        starts = range(gap.start, gap.last + 1, gap.width_s)
        if self.largest is not None and len(starts) > self.largest:
            return dict.fromkeys(objectives, Failed(Failure.TOO_MUCH, "too many samples"))
        return self._all(objectives, [(start, start + gap.width_s) for start in starts])

    def _all(self, objectives: Mapping[K, Objective], spans: list[tuple[int, int]]) -> dict[K, Counted | Missing]:
        return {key: self._counted(valid_counter(each), spans) for key, each in objectives.items()}

    def _trouble(self, metric: str) -> Missing | None:
        return self.trouble or self.trouble_with.get(metric)

    def _counted(self, metric: str, spans: list[tuple[int, int]]) -> Counted | Missing:
        trouble = self._trouble(metric)
        if trouble is not None:
            return trouble
        found = {end: self._count(metric, start, end) for start, end in spans}
        return Counted(
            {end: numerator for end, (numerator, _) in found.items() if numerator is not None},
            {end: valid for end, (_, valid) in found.items() if valid is not None},
        )

    def _count(self, metric: str, start: int, end: int) -> tuple[float | None, float | None]:
        events = self.events.get(metric)
        return (None, None) if events is None else events(start, end)


def valid_counter(objective: Objective) -> str:
    """Return the name of the counter, or gauge, of the valid events."""
    match objective.indicator:
        case Counters(valid=selector) | TimeShare(value=Gauge(selector=selector)):
            return selector.metric
    raise AssertionError(f"this Prometheus knows nothing of {objective.indicator}")


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch as RFC 7386 defines it."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@dataclass
class Told:
    key: Key
    warning: bool
    reason: names.Reason
    note: str


@dataclass
class ApiServer:
    """Objects and their statuses, as writes leave them."""

    objects: dict[Key, JsonObject] = field(default_factory=dict)
    events: list[Told] = field(default_factory=list)
    patches: list[JsonObject] = field(default_factory=list)
    refuses: bool = False
    version: int = 100
    before_write: Callable[[], None] = lambda: None

    def apply(self, name: str, spec: JsonObject, *, uid: str | None = None) -> JsonObject:
        """Create an object, or change its spec."""
        key = Key("dating", name)
        old = self.objects.get(key)
        self.version += 1
        if old is None:
            metadata = {"namespace": key.namespace, "name": name, "uid": uid or f"uid-{name}", "generation": 1}
            old = {"metadata": metadata, "spec": spec}
        elif old["spec"] != spec:
            old = {**old, "spec": spec, "metadata": {**old["metadata"]}}
            old["metadata"]["generation"] += 1
        old["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = old
        return copy.deepcopy(old)

    def tamper(self, name: str, status: JsonObject) -> None:
        """Merge something into a status as somebody else would."""
        stored = self.objects[Key("dating", name)]
        self.version += 1
        stored["status"] = merged(stored.get("status", {}), status)
        stored["metadata"]["resourceVersion"] = str(self.version)

    def status(self, name: str) -> JsonObject:
        found: JsonObject = self.objects[Key("dating", name)].get("status", {})
        return found

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        self.before_write()
        known = self.objects.get(stored.key)
        if self.refuses or known is None or known["metadata"]["uid"] != stored.uid:
            return None
        self.patches.append(patch)
        self.tamper(stored.key.name, patch)
        return copy.deepcopy(known)

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        self.events.append(Told(stored.key, warning, reason, note))


class World:
    """One operator over one API server and one Prometheus."""

    def __init__(self, events: Mapping[str, Events]) -> None:
        self.prometheus = Prometheus(events)
        self.api = ApiServer()
        self.store = Store()
        self.wall = float(AT)
        self.restart()

    def restart(self) -> None:
        """Begin with an operator that remembers nothing."""
        self.store = Store()
        self.cycle = Cycle(
            store=self.store,
            source=self.prometheus,
            clock=self.prometheus,
            writer=self.api,
            timing=Timing(),
            wall=lambda: self.wall,
        )
        self.relist()

    def relist(self) -> None:
        self.store.replace(copy.deepcopy(list(self.api.objects.values())), self.store.uids())

    def apply(self, name: str, spec: JsonObject) -> None:
        self.store.put(self.api.apply(name, spec))

    def delete(self, name: str) -> None:
        self.store.drop(self.api.objects.pop(Key("dating", name)))

    def run(self, seconds: float = 0, times: int = 1) -> None:
        """Let time pass, then run one cycle; as many times as asked for."""

        async def cycles() -> None:
            for _ in range(times):
                self.prometheus.time += seconds
                self.wall += seconds
                await self.cycle.run()

        asyncio.run(cycles())

    def settle(self) -> None:
        """Run a cycle, read all buckets, run another one at the same time."""
        self.run()
        self.cycle.fill(lambda: False)
        self.run()

    def condition(self, name: str, kind: names.Condition) -> JsonObject:
        found: JsonObject = next(each for each in self.api.status(name)["conditions"] if each["type"] == kind)
        return found


def manifest(valid: str = "all", *, target: float = 99.9, window: str = "30d", **more: Any) -> JsonObject:
    """Return the spec of an objective on the counters bad_<valid> and <valid>."""
    return {
        "indicator": {"ratio": {"bad": f"bad_{valid}", "valid": valid}},
        "objective": {"target": target},
        "window": {"rolling": window},
        **more,
    }
