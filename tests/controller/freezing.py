"""Worlds in which a budget runs out and comes back, for the tests of what becomes of releases."""

from collections.abc import Iterable
from typing import Any

from frostline import names
from frostline.api.base import JsonObject
from frostline.core.gate import Workload
from tests.controller.world.manifests import manifest
from tests.controller.world.world import World
from tests.support.objectives import AT, DAY, HOUR

MINUTE = 60
GATEWAY = {"kind": "Deployment", "name": "gateway"}
ALL_OF_SHOP = {"kind": "Deployment", "selector": {"matchLabels": {"part-of": "shop"}}}
PER_SECOND = 10


class Traffic:
    """Ten requests a second since `begun`; of those in (begin, end, share) that share fails, `base` always."""

    def __init__(self, *outages: tuple[int, int, float], base: float = 0.0, begun: int = AT - 40 * DAY) -> None:
        self.outages = list(outages)
        self.base = base
        self.begun = begun
        self.ended: int | None = None

    def fail(self, made: World, seconds: int, share: float = 1.0) -> None:
        """Have the next seconds fail."""
        begin = int(made.prometheus.time) + 1
        self.outages.append((begin, begin + seconds, share))

    def __call__(self, start: int, end: int) -> tuple[float | None, float | None]:
        if self.ended is not None:
            end = min(end, self.ended)
        if end <= self.begun or end <= start:
            return None, None
        lived = end - max(start, self.begun)
        failed = sum(share * max(0, min(end, stop) - max(start, begin)) for begin, stop, share in self.outages)
        return PER_SECOND * (self.base * lived + failed), float(PER_SECOND * lived)


class Shop(World):
    """A world with `traffic` on the counter `all`, and Deployment gateway, which runs its second image."""

    def __init__(self, traffic: Traffic, **others: Traffic) -> None:
        self.traffic = traffic
        super().__init__({"all": traffic, **others})
        self.cluster.deploy("gateway", "app:1", **{"part-of": "shop"})
        self.cluster.deploy("gateway", "app:2")

    def rule(self, name: str = "gateway", kind: str = "Deployment") -> str | None:
        """Return the rule of a workload's gate, None without one."""
        gate = self.cluster.gate(name, kind)
        return None if gate is None else str(gate["rule"])

    def reasons(self) -> list[str]:
        """Return the reasons of the Events about workloads."""
        return [told.reason.value for told in self.cluster.events]

    def spend(self, seconds: int = 100, share: float = 1.0) -> None:
        """Fail for some seconds and look again after them."""
        self.traffic.fail(self, seconds, share)
        self.run(seconds + 30)
        self.run(30)

    def heal(self, hours: float) -> None:
        """Let good hours pass."""
        self.run(5 * MINUTE, times=int(hours * 12))

    def skip(self, hours: float) -> None:
        """Let hours pass in which nobody looks, then read what is missing."""
        self.prometheus.time += hours * HOUR
        self.wall += hours * HOUR
        self.settle()


def promise(valid: str = "all", *, protects: Iterable[JsonObject] = (GATEWAY,), **more: Any) -> JsonObject:
    """Return an objective of 99.9 % over a day: 864 failures are its budget, 86.4 s of an outage."""
    return manifest(valid, window=more.pop("window", "1d"), protects=list(protects), **more)


def open_shop(*, protects: Iterable[JsonObject] = (GATEWAY,), young: bool = False, **more: Any) -> Shop:
    """Return a shop in which all is well; a `young` one has had traffic for four hours, so that good hours dilute."""
    made = Shop(Traffic(begun=AT - 4 * HOUR) if young else Traffic())
    made.apply("matching", promise(protects=protects, **more))
    made.settle()
    return made


def frozen_shop(*, protects: Iterable[JsonObject] = (GATEWAY,), young: bool = False, **more: Any) -> Shop:
    """Return a shop whose budget has just run out; a `young` one is back at Slush after two good hours."""
    made = open_shop(protects=protects, young=young, **more)
    made.spend(18 if young else 100)
    assert made.rule() == "Freeze"
    return made


def amiss(made: World) -> list[str]:
    """Return what does not fit together: gates, marks, labels of namespaces, templates of gates that hold."""
    cluster, wrong = made.cluster, []
    for workload, deployed in cluster.workloads.items():
        metadata = deployed["metadata"]
        marked = (metadata.get("labels") or {}).get(names.Label.RELEASES)
        notes = [name for name in names.Annotation if name in (metadata.get("annotations") or {})]
        gate = cluster.gates.get(workload)
        if marked != (None if gate is None else gate["spec"]["rule"]):
            wrong.append(f"{workload} is marked {marked}, its gate is {gate}")
        if len(notes) != (0 if gate is None else len(names.Annotation)):
            wrong.append(f"{workload} has the annotations {notes}, its gate is {gate}")
    for workload, gate in cluster.gates.items():
        if gate["metadata"]["name"] != workload.gate_name:
            wrong.append(f"{workload} has a gate named {gate['metadata']['name']}")
        if gate["spec"]["rule"] in ("Slush", "Freeze") and "running" not in gate["spec"]:
            wrong.append(f"{workload} is held back and its good templates are not known")
    holding = {workload.namespace for workload in cluster.gates if holds(made, workload)}
    for name, namespace in cluster.namespaces.items():
        enforced = (namespace["metadata"].get("labels") or {}).get(names.Label.ENFORCED) == "true"
        if enforced != (name in holding):
            wrong.append(
                f"namespace {name} is {'' if enforced else 'not '}labelled, held back there: {name in holding}"
            )
    return wrong


def holds(made: World, workload: Workload) -> bool:
    """Return whether releases of a workload are held back."""
    gate = made.cluster.gates.get(workload)
    return gate is not None and gate["spec"]["rule"] in ("Slush", "Freeze")
