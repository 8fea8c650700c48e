"""Warnings on their way through whole cycles: from Prometheus and all objects into the statuses."""

import asyncio
from collections.abc import Mapping
from typing import Any

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Partial
from frostline.core.selector import Selector
from frostline.prometheus.direct import DirectSource
from frostline.prometheus.source import Counted, Missing, Presence
from tests.controller.world.cluster import Cluster
from tests.controller.world.operator import cycle_of

AT = 1_800_000_000
RATIO = {"ratio": {"bad": 'x{job="a",code="5"}', "valid": 'x{job="a"}'}}
LATENCY = {"latency": {"histogram": 'h_seconds{job="a"}', "threshold": "800ms"}}


class Prometheus(DirectSource):
    """Counts `rate` valid events a second everywhere, and no good or bad ones."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.asked = 0

    def now(self) -> float | Partial | Failed:
        return AT + 15.0

    def presence(self, objectives: Mapping[Any, Objective], at: int) -> dict[Any, Presence | Missing]:
        return {key: Presence(at - 5, 3) for key in objectives}

    def window(self, objectives: Mapping[Any, Objective], at: int, window_s: int) -> dict[Any, Counted | Missing]:
        return {key: Counted({}, {at: self.rate * window_s}) for key in objectives}

    def open(self, objectives: Mapping[Any, Objective], at: int, width_s: int) -> dict[Any, Counted | Missing]:
        return self.window(objectives, at, width_s)

    def closed(self, objectives: Mapping[Any, Objective], gap: Gap) -> dict[Any, Counted | Missing]:
        ends = range(gap.start + gap.width_s, gap.last + gap.width_s + 1, gap.width_s)
        return {key: Counted({}, dict.fromkeys(ends, self.rate * gap.width_s)) for key in objectives}

    def boundaries(self, buckets: Selector, at: int) -> tuple[str, ...] | Missing:
        assert (str(buckets), at) == ('h_seconds_bucket{job="a"}', AT)
        self.asked += 1
        return ("0.5", "1.0", "+Inf")


def merged(status: JsonObject, patch: JsonObject) -> JsonObject:
    result = {name: part for name, part in status.items() if name not in patch}
    for name, part in patch.items():
        if part is not None:
            result[name] = merged(status.get(name, {}), part) if isinstance(part, dict) else part
    return result


class ApiServer:
    """Keeps statuses."""

    def __init__(self, **specs: JsonObject) -> None:
        self.writes = 0
        self.objects: dict[str, JsonObject] = {
            name: {
                "metadata": {
                    "namespace": "dating", "name": name, "uid": name, "generation": 1, "resourceVersion": "1",
                },
                "spec": {"indicator": RATIO, "objective": {"target": 99.9}, "window": {"rolling": "30d"}, **spec},
            }
            for name, spec in specs.items()
        }  # fmt: skip

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        self.writes += 1
        known = self.objects[stored.key.name]
        status = merged(known.get("status", {}), patch)
        version = str(int(known["metadata"]["resourceVersion"]) + 1)
        known = {**known, "status": status, "metadata": {**known["metadata"], "resourceVersion": version}}
        self.objects[stored.key.name] = known
        return known

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        """Leave no Event."""

    def condition(self, name: str, kind: names.Condition) -> JsonObject:
        conditions = self.objects[name]["status"]["conditions"]
        found: JsonObject = next(each for each in conditions if each["type"] == kind)
        return found


def run(api: ApiServer, prometheus: Prometheus, *, cycles: int = 4) -> None:
    stores = Stores()
    stores.objectives.replace(map(stores.objectives.read, api.objects.values()), {})
    cycle = cycle_of(stores, prometheus, api, Cluster())
    for _ in range(cycles):
        asyncio.run(cycle.run())
        cycle.fill(lambda: False)


def test_a_quiet_promise_without_slips() -> None:
    api = ApiServer(a={})
    run(api, Prometheus(100))

    assert api.condition("a", names.Condition.MEASURED)["reason"] == "Measured"
    assert api.condition("a", names.Condition.ACCEPTED)["reason"] == "Accepted"


def test_warnings_reach_the_status_and_stay() -> None:
    api = ApiServer(a={"tier": 1}, b={"journey": "j"}, c={"journey": "j"}, d={"journey": "j"}, e={"journey": "j"})
    prometheus = Prometheus(0.0001)

    run(api, prometheus)
    writes = api.writes
    conditions = [api.condition(name, names.Condition.ACCEPTED) for name in api.objects]
    run(api, prometheus, cycles=1)

    assert {each["reason"] for each in conditions} == {"Warnings"}
    assert "(tier-1-owner)" in conditions[0]["message"]
    assert all("(few-events)" in each["message"] for each in conditions)
    assert ["(crowded-journey)" in each["message"] for each in conditions] == [False, True, True, True, True]
    assert [api.condition(name, names.Condition.ACCEPTED) for name in api.objects] == conditions
    assert writes > 0


def test_a_missing_bucket_is_asked_for_once() -> None:
    api = ApiServer(a={"indicator": LATENCY})
    prometheus = Prometheus(100)

    run(api, prometheus, cycles=6)

    measured = api.condition("a", names.Condition.MEASURED)
    assert measured["reason"] == "NoData"
    assert "spec.indicator.latency.threshold: 800ms is no bucket boundary of the histogram" in measured["message"]
    assert "500ms and 1s" in measured["message"]
    assert prometheus.asked == 1
