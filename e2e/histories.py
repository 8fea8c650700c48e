"""Histories of counters, gauges and histograms with a known exact answer, independent of the code under test."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.int64]
Counts = NDArray[np.float64]

LOOKBACK = 300
"""For how many seconds a sample stands for what comes after it."""


@dataclass(frozen=True)
class FloatSeries:
    """Samples of one series: `times` epoch seconds ascending, `values` as exposed."""

    kind: ClassVar[str] = "gauge"

    metric: str
    labels: Mapping[str, str]
    times: Seconds
    values: Counts

    def lines(self) -> Iterator[str]:
        """Yield the samples as OpenMetrics lines."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        for when, value in zip(self.times.tolist(), self.values.tolist(), strict=True):
            yield f"{self.metric}{{{labels}}} {_number(value)} {when}"


@dataclass(frozen=True)
class CounterSeries(FloatSeries):
    """Samples of one counter; resets fall back.

    `from_zero`: the counter is known to have begun at zero just before its first sample.
    """

    kind: ClassVar[str] = "counter"

    from_zero: bool = field(default=False)

    def total(self, start: int, end: int) -> float:
        """Return the reset-corrected differences of the samples over (start, end]."""
        return float(np.diff(self.running(np.array([start, end])))[0])

    def running(self, at: Seconds) -> Counts:
        """Return what was counted up to each of `at`, resets corrected; of its shape."""
        steps = np.diff(self.values)
        corrected = np.concatenate(([0.0], np.cumsum(np.where(steps < 0, self.values[1:], steps))))
        if self.from_zero:
            corrected = corrected + self.values[0]
        last = np.searchsorted(self.times, at, side="right") - 1
        return np.where(last < 0, 0.0, corrected[np.maximum(last, 0)])


@dataclass(frozen=True)
class GaugeSeries(FloatSeries):
    """Samples of one gauge."""

    def at(self, times: Seconds) -> Counts:
        """Return the value at each of `times`, NaN where there is none; of its shape."""
        last = np.searchsorted(self.times, times, side="right") - 1
        known = (last >= 0) & (times - self.times[np.maximum(last, 0)] < LOOKBACK)
        return np.where(known, self.values[np.maximum(last, 0)], np.nan)


@dataclass(frozen=True)
class HistogramSeries:
    """Samples of one histogram in seconds: `counts` (samples, bounds + 1) in each bucket so far, the last beyond."""

    metric: str
    labels: Mapping[str, str]
    times: Seconds
    bounds: tuple[float, ...]
    counts: NDArray[np.int64]

    def classic(self, spelled: Mapping[float, str] | None = None) -> tuple[CounterSeries, ...]:
        """Return its series as a classic histogram; `spelled` gives a bound's le where it is not the usual one."""
        names = [(spelled or {}).get(bound, str(bound)) for bound in self.bounds]
        running = np.cumsum(self.counts, axis=1).astype(np.float64)
        buckets = [
            CounterSeries(f"{self.metric}_bucket", {**self.labels, "le": name}, self.times, running[:, index])
            for index, name in enumerate((*names, "+Inf"))
        ]
        return (*buckets, CounterSeries(f"{self.metric}_count", self.labels, self.times, running[:, -1]))

    def bucket(self, bound: float) -> CounterSeries:
        """Return the events at or under a bound."""
        index = self.bounds.index(bound)
        values = self.counts[:, : index + 1].sum(axis=1).astype(np.float64)
        return CounterSeries("bucket", self.labels, self.times, values)

    def count(self) -> CounterSeries:
        """Return all events."""
        return CounterSeries("count", self.labels, self.times, self.counts.sum(axis=1).astype(np.float64))


def openmetrics(series: Iterable[FloatSeries]) -> str:
    """Return the OpenMetrics text of series; those of one metric stand together."""
    by_metric: dict[str, list[FloatSeries]] = {}
    for each in series:
        by_metric.setdefault(each.metric, []).append(each)
    lines = []
    for metric, members in by_metric.items():
        # A counter's samples must end in _total, which those of histograms do not.
        kind = members[0].kind if metric.endswith("_total") else "unknown"
        lines.append(f"# TYPE {metric.removesuffix('_total') if kind == 'counter' else metric} {kind}")
        for member in members:
            lines.extend(member.lines())
    return "\n".join((*lines, "# EOF", ""))


def cumulative(times: Seconds, per_second: Counts, resets: Iterable[int] = ()) -> Counts:
    """Return a counter that grows by whole events at `per_second`, and falls to zero at each of `resets`."""
    grown = np.floor(np.cumsum(per_second * np.diff(times, prepend=times[0])))
    for reset in sorted(resets):
        after = np.searchsorted(times, reset, side="left")
        if 0 < after < len(times):
            grown[after:] -= grown[after - 1]
    return grown


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[repr(value)]
