"""One operator's cycle, over fakes."""

from collections.abc import Callable
from typing import Any

from frostline.controller.clock import CarriedClock
from frostline.controller.cycle import Cycle
from frostline.controller.enforcement import Enforcement
from frostline.controller.lane import Lane
from frostline.controller.reports import Reports
from frostline.controller.source_status import SourceStatuses
from frostline.controller.sources import OWN_NAME, Asked, Sources
from frostline.controller.statuses import Statuses
from frostline.controller.stores import Stores
from frostline.controller.timing import Timing
from frostline.controller.tracking import Arrived
from frostline.core.breaker import State
from tests.controller.world.cluster import Cluster, StatusWriter
from tests.support.objectives import AT


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
