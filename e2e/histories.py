"""Histories of counters with a known exact answer, independent of the code under test."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.int64]
Counts = NDArray[np.float64]


@dataclass(frozen=True)
class CounterSeries:
    """Samples of one counter: `times` epoch seconds ascending, `values` as exposed (resets fall back).

    `from_zero`: the counter is known to have begun at zero just before its first sample.
    """

    metric: str
    labels: Mapping[str, str]
    times: Seconds
    values: Counts
    from_zero: bool = field(default=False)

    def total(self, start: int, end: int) -> float:
        """Return the reset-corrected differences of the samples over (start, end]."""
        steps = np.diff(self.values)
        corrected = np.concatenate(([0.0], np.cumsum(np.where(steps < 0, self.values[1:], steps))))
        if self.from_zero:
            corrected = corrected + self.values[0]
        last = np.searchsorted(self.times, end, side="right") - 1
        first = np.searchsorted(self.times, start, side="right") - 1
        if last < 0:
            return 0.0
        return float(corrected[last] - (corrected[first] if first >= 0 else 0.0))

    def lines(self) -> Iterator[str]:
        """Yield the samples as OpenMetrics lines."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        for when, value in zip(self.times.tolist(), self.values.tolist(), strict=True):
            yield f"{self.metric}{{{labels}}} {value!r} {when}"


def openmetrics(series: Iterable[CounterSeries]) -> str:
    """Return the OpenMetrics text of series; those of one metric stand together."""
    by_metric: dict[str, list[CounterSeries]] = {}
    for each in series:
        by_metric.setdefault(each.metric, []).append(each)
    lines = []
    for metric, members in by_metric.items():
        lines.append(f"# TYPE {metric.removesuffix('_total')} counter")
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
