"""A Prometheus that computes, an API server that remembers, and time that the test sets."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from frostline import names
from frostline.api.base import JsonObject, as_json
from frostline.api.gate import GateSpec
from frostline.controller.account import Key
from frostline.controller.clock import CarriedClock
from frostline.controller.cycle import Cycle
from frostline.controller.enforcement import Enforcement
from frostline.controller.gates import manifest as gate_manifest
from frostline.controller.lane import Lane
from frostline.controller.marks import patch as patch_of
from frostline.controller.reports import Reports
from frostline.controller.source_status import SourceStatuses
from frostline.controller.sources import OWN_NAME, Asked, Sources
from frostline.controller.statuses import Statuses
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.controller.timing import Timing
from frostline.controller.tracking import Arrived
from frostline.controller.workloads import SeenWorkload
from frostline.core.breaker import State
from frostline.core.gate import Workload
from frostline.core.indicator import Counters, Gauge, TimeShare
from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.projection import Template
from frostline.prometheus.direct import DirectSource
from frostline.prometheus.source import Counted, Missing, Presence
from tests.support.objectives import AT, Events

K = TypeVar("K")
T = TypeVar("T")

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


def copied(value: T) -> T:
    """Return a copy of JSON: copy.deepcopy takes ten times as long."""
    found: T = orjson.loads(orjson.dumps(value))
    return found


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
        return copied(old)

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
        return copied(known)

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        self.events.append(Told(stored.key, warning, reason, note))


@dataclass
class ToldOfWorkload:
    workload: Workload
    warning: bool
    reason: names.Reason
    note: str


class Cluster:
    """Workloads, gates, policies, overrides and namespaces, as writes leave them; its stores see each at once."""

    def __init__(self) -> None:
        self.version = 1000
        self.workloads: dict[Workload, JsonObject] = {}
        self.gates: dict[Workload, JsonObject] = {}
        self.earlier: dict[Workload, list[tuple[str, Template]]] = {}
        self.policies: dict[str, JsonObject] = {}
        self.overrides: dict[str, JsonObject] = {}
        self.namespaces: dict[str, JsonObject] = {}
        self.sources: dict[str, JsonObject] = {}
        self.events: list[ToldOfWorkload] = []
        self.poked: list[Workload] = []
        self.refuses = False
        self.unreadable = False
        self.settled = True
        self.blind = False
        self.gate_writes = 0
        self.mark_writes = 0
        self.stores = Stores()
        self.put_namespace()

    def see_all(self, stores: Stores) -> None:
        """Have an operator that starts list everything."""
        self.stores = stores
        stores.workloads.replace(copied(list(self.workloads.values())), {})
        stores.namespaces.replace(copied(list(self.namespaces.values())), {})
        stores.gates.replace(copied(list(self.gates.values())), {})
        for store, objects in ((stores.policies, self.policies), (stores.overrides, self.overrides)):
            store.replace(copied(list(objects.values())), {})

    def put_namespace(self, name: str = "dating", **labels: str) -> None:
        self.namespaces[name] = self._object({"metadata": {"name": name, "labels": labels}}, f"uid-{name}")
        self.stores.namespaces.put(copied(self.namespaces[name]))

    def terminate_namespace(self, name: str = "dating") -> None:
        old = self.namespaces[name]
        self.namespaces[name] = self._object(
            merged(old, {"metadata": {"deletionTimestamp": "2027-01-15T08:00:00Z"}}), "", old
        )
        self.stores.namespaces.put(copied(self.namespaces[name]))

    def put_policy(self, name: str, spec: JsonObject) -> None:
        old = self.policies.get(name)
        generation = 1 if old is None else old["metadata"]["generation"] + 1
        manifest: JsonObject = {"metadata": {"name": name, "generation": generation}, "spec": spec}
        self.policies[name] = self._object(manifest, f"uid-{name}", old)
        self.stores.policies.put(copied(self.policies[name]))

    def drop_policy(self, name: str) -> None:
        self.stores.policies.drop(self.policies.pop(name))

    def put_override(self, name: str, spec: JsonObject, created: str) -> None:
        metadata = {"namespace": "dating", "name": name, "generation": 1, "creationTimestamp": created}
        self.overrides[name] = self._object({"metadata": metadata, "spec": spec}, f"uid-{name}")
        self.stores.overrides.put(copied(self.overrides[name]))

    def deploy(self, name: str, image: str, *, kind: str = "Deployment", at: str = "", **labels: str) -> None:
        """Create a workload or release another image of it; what ran before becomes its newest revision."""
        workload = Workload("dating", kind, name)
        old = self.workloads.get(workload)
        if old is not None and old["spec"]["template"] != template(image):
            earlier = self.earlier.setdefault(workload, [])
            earlier.insert(0, (f"revision {len(earlier) + 1}", old["spec"]["template"]))
        metadata: JsonObject = dict(old["metadata"]) if old is not None else {"namespace": "dating", "name": name}
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
        if at:
            metadata["managedFields"] = [{"time": at}]
        manifest: JsonObject = {
            "kind": kind,
            "metadata": metadata,
            "spec": {"replicas": 1, "template": template(image)},
        }
        manifest["metadata"]["generation"] = metadata.get("generation", 0) + 1
        done = {"observedGeneration": manifest["metadata"]["generation"], "updatedReplicas": 1}
        done["availableReplicas"] = int(self.settled)
        self.workloads[workload] = self._object({**manifest, "status": done}, f"uid-{name}", old)
        if not self.blind:
            self.stores.workloads.put(copied(self.workloads[workload]))

    def change(self, name: str, metadata: JsonObject) -> None:
        """Merge something into a workload's metadata as somebody else would."""
        workload = Workload("dating", "Deployment", name)
        old = self.workloads[workload]
        self.workloads[workload] = self._object({**old, "metadata": merged(old["metadata"], metadata)}, "", old)
        self.stores.workloads.put(copied(self.workloads[workload]))

    def delete(self, name: str) -> None:
        self.stores.workloads.drop(self.workloads.pop(Workload("dating", "Deployment", name)))

    def gate(self, name: str, kind: str = "Deployment") -> JsonObject | None:
        """Return what a gate says, with every field, also those that it leaves out as they hold nothing."""
        found = self.gates.get(Workload("dating", kind, name))
        if found is None:
            return None
        said: JsonObject = as_json(GateSpec.model_validate(found["spec"]))
        return said

    def edit_gate(self, name: str, edit: Callable[[JsonObject], None]) -> None:
        """Change the spec of a gate as somebody else would."""
        workload = Workload("dating", "Deployment", name)
        new = copied(self.gates[workload])
        edit(new["spec"])
        new["metadata"]["generation"] += 1
        self.gates[workload] = self._object(new, "", self.gates[workload])
        self.stores.gates.put(copied(self.gates[workload]))

    def delete_gate(self, name: str) -> None:
        self.stores.gates.drop(self.gates.pop(Workload("dating", "Deployment", name)))

    def marks(self, name: str) -> JsonObject:
        metadata = self.workloads[Workload("dating", "Deployment", name)]["metadata"]
        labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
        return {key: value for key, value in {**labels, **notes}.items() if key.startswith(names.GROUP)}

    def _object(self, manifest: JsonObject, uid: str, old: JsonObject | None = None) -> JsonObject:
        self.version += 1
        metadata = {"uid": uid if old is None else old["metadata"]["uid"], **manifest["metadata"]}
        return {**manifest, "metadata": {**metadata, "resourceVersion": str(self.version)}}

    async def templates(self, workload: SeenWorkload) -> tuple[Template, list[tuple[str, Template]]] | None:
        there = self.workloads.get(workload.key)
        if self.unreadable or there is None:
            return None
        return there["spec"]["template"], list(self.earlier.get(workload.key, []))

    async def write_gate(self, workload: Workload, spec: JsonObject, known: Stored | None) -> bool:
        old = self.gates.get(workload)
        version = None if old is None else old["metadata"]["resourceVersion"]
        if self.refuses or version != (None if known is None else known.version):
            return False
        self.gate_writes += 1
        generation = 1 if old is None else old["metadata"]["generation"] + 1
        manifest = gate_manifest(workload, copied(spec), known)
        manifest["metadata"] = {**manifest["metadata"], "generation": generation}
        self.gates[workload] = self._object(manifest, f"uid-gate-{workload.name}-{self.version}", old)
        self.stores.gates.put(copied(self.gates[workload]))
        return True

    async def remove_gate(self, known: Stored) -> bool:
        if self.refuses:
            return False
        workload = next(each for each in self.gates if each.gate_name == known.key.name)
        self.stores.gates.drop(self.gates.pop(workload))
        return True

    async def mark(self, workload: SeenWorkload, wanted: Mapping[str, str]) -> bool:
        if self.refuses:
            return False
        self.mark_writes += 1
        old = self.workloads[workload.key]
        metadata = merged(old["metadata"], patch_of(wanted)["metadata"])
        self.workloads[workload.key] = self._object({**old, "metadata": metadata}, "", old)
        self.stores.workloads.put(copied(self.workloads[workload.key]))
        return True

    async def mark_namespace(self, name: str, *, enforced: bool) -> bool:
        if self.refuses:
            return False
        labels = {str(names.Label.ENFORCED): "true" if enforced else None}
        old = self.namespaces[name]
        self.namespaces[name] = self._object(merged(old, {"metadata": {"labels": labels}}), "", old)
        self.stores.namespaces.put(copied(self.namespaces[name]))
        return True

    async def tell(
        self, workload: Workload, seen: SeenWorkload | None, *, warning: bool, reason: names.Reason, note: str
    ) -> None:
        assert seen is None or seen.key == workload
        self.events.append(ToldOfWorkload(workload, warning, reason, note))

    async def opened(self, workload: SeenWorkload) -> None:
        self.poked.append(workload.key)


def template(image: str) -> JsonObject:
    """Return a pod template with one container."""
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "app", "image": image}]}}


class Breaker:
    """The client of a lane, as far as others know it."""

    state = State.CLOSED
    version: str | None = None

    def close(self) -> None:
        """Close nothing."""


def lane_of(name: str, prometheus: Any, timing: Timing | None = None) -> Asked:
    """Return the lane of a Prometheus that computes."""
    return Asked(Lane(name, prometheus, prometheus, timing or Timing()), Breaker())


def nothing_built(name: str, *_: object) -> Asked:
    raise AssertionError(f"no PrometheusSource was expected, least of all {name}")


def sources_of(prometheus: Any) -> Sources:
    """Return sources of which there is one, that of the flags."""
    return Sources(lane_of(OWN_NAME, prometheus), nothing_built, None)


class StatusWriter:
    """Writes statuses of policies, overrides or sources."""

    def __init__(self, objects: Callable[[], dict[str, JsonObject]], cluster: Cluster) -> None:
        self._objects = objects
        self._cluster = cluster

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        known = self._objects().get(stored.key.name)
        if known is None:
            return None
        known["status"] = merged(known.get("status", {}), patch)
        self._cluster.version += 1
        known["metadata"]["resourceVersion"] = str(self._cluster.version)
        return copied(known)


def cycle_of(
    stores: Stores,
    prometheus: Any,
    writer: Any,
    cluster: Cluster,
    *,
    arrived: Callable[[Arrived], None] = lambda _: None,
    wall: Callable[[], float] = lambda: float(AT),
    own_namespace: str | None = None,
    sources: Sources | None = None,
    timing: Timing | None = None,
) -> Cycle:
    """Return the cycle of one operator."""
    return Cycle(
        stores=stores,
        sources=sources_of(prometheus) if sources is None else sources,
        statuses=Statuses(stores.objectives, writer),
        enforcement=Enforcement(stores, cluster, arrived),
        reports=Reports(
            stores.policies,
            stores.overrides,
            StatusWriter(lambda: cluster.policies, cluster),
            StatusWriter(lambda: cluster.overrides, cluster),
        ),
        source_statuses=SourceStatuses(stores.sources, StatusWriter(lambda: cluster.sources, cluster)),
        timing=timing or Timing(),
        clock=CarriedClock(wall, wall()),
        own_namespace=own_namespace,
    )


class World:
    """One operator over one API server and one Prometheus."""

    def __init__(self, events: Mapping[str, Events]) -> None:
        self.prometheus = Prometheus(events)
        self.api = ApiServer()
        self.cluster = Cluster()
        self.arrived: list[Arrived] = []
        self.wall = float(AT)
        self.own_namespace: str | None = None
        self.restart()

    def restart(self) -> None:
        """Begin with an operator that remembers nothing."""
        self.stores = Stores()
        self.cluster.see_all(self.stores)
        self.begin()
        self.relist()

    def begin(self) -> None:
        """Put an operator that remembers nothing over the stores."""
        self.cycle = cycle_of(
            self.stores,
            self.prometheus,
            self.api,
            self.cluster,
            arrived=self.arrived.append,
            wall=lambda: self.wall,
            own_namespace=self.own_namespace,
        )

    def relist(self) -> None:
        objectives = self.stores.objectives
        objectives.replace(copied(list(self.api.objects.values())), objectives.uids())

    def relist_workloads(self) -> None:
        workloads = self.stores.workloads
        workloads.replace(copied(list(self.cluster.workloads.values())), workloads.uids())

    def apply(self, name: str, spec: JsonObject) -> None:
        self.stores.objectives.put(self.api.apply(name, spec))

    def delete(self, name: str) -> None:
        self.stores.objectives.drop(self.api.objects.pop(Key("dating", name)))

    def enforce(self) -> None:
        """Compare gates and marks, as a change of one of them causes."""
        asyncio.run(self.cycle.enforce())

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
