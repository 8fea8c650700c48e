"""A Prometheus that computes its answers from known functions of time."""

from collections.abc import Mapping
from typing import TypeVar

from frostline.core.indicator import Counters, Gauge, TimeShare
from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus.direct import DirectSource
from frostline.prometheus.source import Counted, Missing, Presence
from tests.support.objectives import AT, Events

K = TypeVar("K")


DOWN = Failed(Failure.UNREACHABLE, "http://prometheus:9090 cannot be reached: connection refused")


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
