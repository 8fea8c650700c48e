"""The direct source against a real Prometheus: a cold start, and cycles after it. API writes go nowhere."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bench.fleet import BAD_SHARE, manifest
from bench.prometheus import HISTORY_STEP_S, JOB, SCRAPE_S, running
from bench.results import Result, median, of_runs
from e2e.cluster.progress import Say
from frostline import names
from frostline.api.base import JsonObject
from frostline.api.source import Measuring
from frostline.controller.building import Builder
from frostline.controller.clock import CarriedClock
from frostline.controller.cycle import Cycle
from frostline.controller.cycle import View as Seen
from frostline.controller.effects import ApiEffects
from frostline.controller.enforcement import Enforcement
from frostline.controller.health import Health
from frostline.controller.loop import Loop
from frostline.controller.reports import Reports
from frostline.controller.source_status import SourceStatuses
from frostline.controller.sources import Sources
from frostline.controller.statuses import Statuses
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.controller.timing import Timing
from frostline.core.outcome import Measured
from frostline.prometheus.connection import Connection
from frostline.prometheus.direct import DirectSource

SIZES: Final = (100, 300)
RIGHT_WITHIN: Final = 0.001
"""Of the budget: a tenth of a percentage point."""

_EXACT: Final = 1 - BAD_SHARE / 0.001
_CYCLES: Final = 5
_PATIENCE_S: Final = 100.0
_LOOK_S: Final = 0.05


class _NullWriter:
    """Takes every patch, as an API server would that costs nothing."""

    def __init__(self, manifests: list[dict[str, Any]]) -> None:
        self._objects = {each["metadata"]["name"]: each for each in manifests}
        self.writes = 0

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        self.writes += 1
        old = self._objects[stored.key.name]
        version = str(int(old["metadata"]["resourceVersion"]) + 1)
        new = {**old, "metadata": {**old["metadata"], "resourceVersion": version}}
        new["status"] = _merged(old.get("status", {}), patch)
        self._objects[stored.key.name] = new
        return new

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        """Say nothing."""


def _merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**old}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            known = merged.get(name)
            merged[name] = _merged(known if isinstance(known, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged


class _NoEffects(ApiEffects):
    """Reaches no API server."""

    def __init__(self) -> None: ...


class _Operator:
    """The operator's measuring half, cold."""

    def __init__(self, url: str, size: int) -> None:
        self.size = size
        self.queries: list[float] = []
        manifests = [manifest(number, job=JOB) for number in range(size)]
        self.writer = _NullWriter(manifests)
        stores = Stores()
        for each in manifests:
            stores.objectives.put(each)
        self.timing = Timing()
        builder = Builder(
            {Measuring.DIRECT: DirectSource},
            self.timing,
            lambda _source, _outcome, seconds: self.queries.append(seconds),
        )
        self.sources = Sources(builder.own(Connection(url), Measuring.DIRECT), builder.source, None)
        self.cycle = Cycle(
            stores=stores,
            sources=self.sources,
            statuses=Statuses(stores.objectives, self.writer),
            # Nothing is protected here, so that these have nothing to write.
            enforcement=Enforcement(stores, _NoEffects(), lambda _: None),
            reports=Reports(stores.policies, stores.overrides, self.writer, self.writer),
            source_statuses=SourceStatuses(stores.sources, self.writer),
            timing=self.timing,
            clock=CarriedClock(time.monotonic, time.time()),
        )

    async def rehydrate(self) -> tuple[float, float, float]:
        """Run the loop until all is measured; return the seconds until every figure was there, right, measured."""
        begun = time.monotonic()
        loop = asyncio.create_task(Loop(self.cycle, self.timing, Health(self.timing.interval_s)).run())
        there = right = None
        try:
            while time.monotonic() - begun < _PATIENCE_S:
                views = self.cycle.views
                passed = time.monotonic() - begun
                there = there or (passed if self._all(views, _has_figure) else None)
                right = right or (passed if self._all(views, _is_right) else None)
                if there and right and self._all(views, _is_measured):
                    return there, right, passed
                if loop.done():
                    loop.result()
                await asyncio.sleep(_LOOK_S)
        finally:
            loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop
        seen = {type(view.assessment.outcome).__name__ for view in self.cycle.views if view.assessment is not None}
        raise TimeoutError(f"{self.size} objectives were not measured within {_PATIENCE_S:g} s, but {sorted(seen)}")

    async def cycles(self) -> tuple[list[float], list[int]]:
        """Run cycles one after the other; return the seconds and the queries of each."""
        seconds, queries = [], []
        for _ in range(_CYCLES):
            before, begun = len(self.queries), time.perf_counter()
            await self.cycle.run()
            seconds.append(time.perf_counter() - begun)
            queries.append(len(self.queries) - before)
        return seconds, queries

    def _all(self, views: tuple[Seen, ...], is_so: Callable[[Seen], bool]) -> bool:
        return len(views) == self.size and all(is_so(view) for view in views)


def _has_figure(view: Seen) -> bool:
    return view.assessment is not None and view.assessment.figure is not None


def _is_right(view: Seen) -> bool:
    figure = None if view.assessment is None else view.assessment.figure
    return figure is not None and abs(figure.budget.remaining - _EXACT) <= RIGHT_WITHIN


def _is_measured(view: Seen) -> bool:
    return view.assessment is not None and isinstance(view.assessment.outcome, Measured)


def run(tell: Say) -> list[Result]:
    """Start Prometheus once, and an operator for every size."""
    with running(max(SIZES), tell) as url:
        return [result for size in SIZES for result in asyncio.run(_measure(url, size, tell))]


async def _measure(url: str, size: int, tell: Say) -> list[Result]:
    tell(f"  {size} objectives from a cold start")
    operator = _Operator(url, size)
    try:
        there, right, measured = await operator.rehydrate()
        asked = len(operator.queries)
        seconds, queries = await operator.cycles()
    finally:
        operator.sources.end()
    name = f"direct-{size}"
    data = {"scrape_s": SCRAPE_S, "history_step_s": HISTORY_STEP_S}
    per_cycle = float(median([float(count) for count in queries]))
    slowest = max(operator.queries[asked:])
    return [
        Result(f"{name}-cycle", median(seconds), "s", of_runs(seconds, slowest_query=slowest, **data)),
        Result(f"{name}-queries", per_cycle, "queries/cycle", {"per_slo": round(per_cycle / size, 3)}),
        Result(f"{name}-restart-figures", there, "s", {"what": "every budget figure is there", **data}),
        Result(f"{name}-restart-right", right, "s", {"what": "every budget within 0.1 points of exact", **data}),
        Result(f"{name}-restart-measured", measured, "s", {"what": "every bucket known", "queries": asked, **data}),
    ]
