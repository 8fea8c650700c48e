"""One operator over one API server and one Prometheus, and time that the test sets."""

import asyncio
from collections.abc import Mapping

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.account import Key
from frostline.controller.stores import Stores
from frostline.controller.tracking import Arrived
from tests.controller.world.api_server import ApiServer
from tests.controller.world.cluster import Cluster
from tests.controller.world.manifests import copied
from tests.controller.world.operator import cycle_of
from tests.controller.world.prometheus import Prometheus
from tests.support.objectives import AT, Events


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
        objectives.replace(map(objectives.read, copied(list(self.api.objects.values()))), objectives.uids())

    def relist_workloads(self) -> None:
        workloads = self.stores.workloads
        workloads.replace(map(workloads.read, copied(list(self.cluster.workloads.values()))), workloads.uids())

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
