"""From a connection to a lane: the client, its guard, the way of counting, the threads."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from frostline.api.source import Measuring
from frostline.api.sourced import AcceptedSource
from frostline.controller.lane import Lane
from frostline.controller.sources import OWN_NAME, Asked
from frostline.controller.timing import Timing
from frostline.prometheus.backfilled import Client
from frostline.prometheus.client import PrometheusClient
from frostline.prometheus.connection import Connection
from frostline.prometheus.guarded import GuardedClient
from frostline.prometheus.source import Source, Spread

Counting: TypeAlias = Callable[[Client, Spread], Source]
"""Makes a source that counts in one way, from a client and how queries are spread."""

_OWN_CONCURRENCY: Final = 4
_ROUND_CYCLES: Final = 4
"""Cycles that one round of questions may take before the rest is not asked any more."""


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes lanes. `observe` is told the source, the outcome and the seconds of each query."""

    ways: Mapping[Measuring, Counting]
    timing: Timing
    observe: Callable[[str, str, float], None]

    def own(self, connection: Connection, measuring: Measuring) -> Asked:
        """Return the lane of the source that the flags name.

        Raises:
            frostline.prometheus.tls.UnfitError: its certificates cannot be used.
        """
        return self._lane(OWN_NAME, connection, self.ways[measuring], self.timing, _OWN_CONCURRENCY)

    def source(self, name: str, judged: AcceptedSource, connection: Connection) -> Asked:
        """Return the lane of a PrometheusSource.

        Raises:
            ValueError: it cannot be measured by in this way; the message begins with the field.
        """
        way = self.ways.get(judged.spec.measuring)
        if way is None:
            served = ", ".join(self.ways)
            raise ValueError(f"spec.measuring: this operator does not measure so, write {served}")
        timing = replace(self.timing, offset_s=judged.offset_s(self.timing.offset_s))
        return self._lane(name, connection, way, timing, judged.spec.concurrency)

    def _lane(self, name: str, connection: Connection, way: Counting, timing: Timing, concurrency: int) -> Asked:
        def told(outcome: str, seconds: float) -> None:
            self.observe(name, outcome, seconds)

        client = GuardedClient(PrometheusClient(connection, told, connections=concurrency + 1))
        pool = ThreadPoolExecutor(concurrency, f"queries-{name}")
        budget = float(_ROUND_CYCLES * timing.interval_s)
        lane = Lane(
            name,
            way(client, pool.map),
            client,
            timing,
            begin_round=lambda: client.begin(budget),
        )
        return Asked(lane, client)
