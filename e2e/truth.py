"""Many objectives on one written history, measured by one operator and compared with the exact answer."""

import json
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import yaml
from numpy.typing import NDArray

from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.waiting import eventually
from e2e.disarming import disarm
from e2e.histories import CounterSeries, Counts, FloatSeries, GaugeSeries, HistogramSeries, Seconds, openmetrics
from e2e.remote_write import push

MINUTE = 60
HOUR = 3_600
DAY = 86_400

AHEAD = 9 * MINUTE
"""For how long a history goes on after the moment it is made for: it must not run out while it is measured.

Ten minutes are what Prometheus receives from the future.
"""

Exact = Callable[[int, int], tuple[float, float]]
"""Returns the bad and the valid events, or slices, of (start, end]."""


@dataclass(frozen=True)
class Promise:
    """An objective and what its selectors find.

    Attributes:
        spec: of the manifest.
        series: written as blocks.
        histograms: written as native histograms.
        exact: the answer; None where there is none to be had.
        tolerance: percent points of budget.

    """

    spec: Mapping[str, Any]
    series: Sequence[FloatSeries] = ()
    histograms: Sequence[HistogramSeries] = ()
    exact: Exact | None = None
    tolerance: float = 0.1


@dataclass(frozen=True)
class Answer:
    """The figures of one objective, exact: counted over (start, end] of a window of `length` seconds."""

    start: int
    end: int
    length: int
    bad: float
    valid: float
    whole: float

    def remaining(self, target: float) -> float:
        """Return the percentage of the budget that is left."""
        return 100 - self.bad / ((100 - target) / 100 * self.whole) * 100


class Board:
    """The measured objectives of one namespace."""

    def __init__(self, kubectl: RunsKubectl, namespace: str) -> None:
        self.namespace = namespace
        self._kubectl = kubectl

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Return each objective's status by name."""
        listed = json.loads(self._kubectl("get", "slo", "-n", self.namespace, "-o", "json").stdout)["items"]
        return {each["metadata"]["name"]: each.get("status", {}) for each in listed}

    def row(self, name: str) -> str:
        """Return the line that kubectl get shows."""
        return self._kubectl("get", "slo", name, "-n", self.namespace).stdout.splitlines()[1]

    def settled(self, timeout: float = 240) -> dict[str, dict[str, Any]]:
        """Wait until no objective is being read any more, and return the statuses."""

        def waiting() -> dict[str, str]:
            return {name: reason(status) for name, status in self.statuses().items() if reason(status) in _UNSETTLED}

        eventually(lambda: not waiting(), timeout, lambda: str(waiting()), interval=1)
        return self.statuses()


_UNSETTLED = ("", "Rehydrating")


def condition(status: Mapping[str, Any], kind: str = "Measured") -> dict[str, Any]:
    """Return a condition of a status, empty when it is not there."""
    return next((dict(each) for each in status.get("conditions", ()) if each["type"] == kind), {})


def reason(status: Mapping[str, Any]) -> str:
    """Return the reason of Measured."""
    return str(condition(status).get("reason", ""))


@contextmanager
def measured(cluster: Cluster, promises: Mapping[str, Promise], flags: tuple[str, ...] = ()) -> Iterator[Board]:
    """Write all histories into one Prometheus, apply all objectives, and let one operator measure them."""
    name = f"truth-{uuid.uuid4().hex[:8]}"
    prometheus = Prometheus(cluster.folder / name, cluster.site.tool, cluster.site.supervisor, name=name, receives=True)
    operator: OperatorProcess | None = None
    cluster.kubectl("create", "namespace", name)
    try:
        with tempfile.TemporaryDirectory(dir=cluster.folder) as folder:
            history = Path(folder) / "history.openmetrics"
            history.write_text(openmetrics(series for promise in promises.values() for series in promise.series))
            prometheus.write_history(history)
        push(prometheus.url, (each for promise in promises.values() for each in promise.histograms))
        applied = [manifest(name, each, promise.spec) for each, promise in promises.items()]
        cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(applied))
        settings = OperatorSettings(prometheus.url, (name,), ("--cycle-interval", "5s", *flags))
        operator = OperatorProcess(cluster.site, settings, f"operator-{name}")
        operator.start()
        yield Board(cluster.kubectl, name)
    finally:
        if operator is not None:
            operator.stop()
            disarm(cluster)
        prometheus.stop()
        cluster.kubectl("delete", "namespace", name, "--wait=false")


def manifest(namespace: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of an objective."""
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name, "namespace": namespace},
        "spec": dict(spec),
    }


def answer(promise: Promise, status: Mapping[str, Any]) -> Answer:
    """Return what the figure of a status should be, given the moment that it is of."""
    assert promise.exact is not None
    end = int(datetime.fromisoformat(status["measuredAt"]).timestamp())
    start, length = window(promise.spec["window"], end)
    bad, valid = promise.exact(start, end)
    whole = valid
    if "calendar" in promise.spec["window"]:
        by = slice_length(promise.spec)
        whole = valid * length / (end - start) if by is None else length / by
    return Answer(start, end, length, bad, valid, whole)


def window(spec: Mapping[str, str], end: int) -> tuple[int, int]:
    """Return the start of the window and its whole length in seconds, by the calendar of its zone."""
    if "rolling" in spec:
        days = int(spec["rolling"][:-1]) * {"d": 1, "w": 7, "y": 365}[spec["rolling"][-1]]
        return (end - days * DAY) // HOUR * HOUR, days * DAY
    zone = ZoneInfo(spec.get("timeZone", "UTC"))
    day = datetime.fromtimestamp(end - 1, zone).date()
    if spec["calendar"] == "Week":
        first = day - timedelta(days=day.weekday())
        after = first + timedelta(days=7)
    else:
        months = {"Month": 1, "Quarter": 3}[spec["calendar"]]
        first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
        after = (first + timedelta(days=31 * months)).replace(day=1)
    start, stop = (int(datetime(each.year, each.month, each.day, tzinfo=zone).timestamp()) for each in (first, after))
    return start, stop - start


def slice_length(spec: Mapping[str, Any]) -> int | None:
    """Return the seconds of a slice, or of a look at a value; None where events are counted."""
    budgeting = spec.get("budgeting", {})
    if budgeting.get("method") == "Timeslices":
        return {"1m": MINUTE, "5m": 5 * MINUTE}[budgeting.get("sliceLength", "5m")]
    indicator = spec["indicator"]
    by_time = "threshold" in indicator or "histogram" not in indicator.get("freshness", {"histogram": ""})
    return MINUTE if by_time else None


def events(bad: Sequence[CounterSeries], valid: Sequence[CounterSeries]) -> Exact:
    """Return the answer for counters of bad and valid events."""
    return lambda start, end: (
        sum(each.total(start, end) for each in bad),
        sum(each.total(start, end) for each in valid),
    )


def good_events(good: Sequence[CounterSeries], valid: Sequence[CounterSeries]) -> Exact:
    """Return the answer for counters of good and valid events."""

    def exact(start: int, end: int) -> tuple[float, float]:
        total = sum(each.total(start, end) for each in valid)
        return total - sum(each.total(start, end) for each in good), total

    return exact


def slices(bad: Sequence[CounterSeries], valid: Sequence[CounterSeries], length: int, target: float) -> Exact:
    """Return the answer for slices of `length` seconds that are good when `target` (0 to 1) of their events were."""

    def exact(start: int, end: int) -> tuple[float, float]:
        edges = np.arange(start // length * length, end + 1, length, dtype=np.int64)
        wrong, all_of = (np.diff(sum(each.running(edges) for each in side)) for side in (bad, valid))
        seen = np.diff(np.searchsorted(valid[0].times, edges, side="right")) > 0
        share = 1 - np.divide(wrong, all_of, out=np.zeros_like(wrong), where=all_of > 0)
        # A hair below the target is what binary fractions leave of the target itself.
        return float((share < target - 1e-9)[seen].sum()), float(seen.sum())

    return exact


def minutes(value: Callable[[Seconds], Counts], bad: Callable[[Counts], NDArray[np.bool_]]) -> Exact:
    """Return the answer for a value looked at each minute; minutes in which it is NaN do not count."""

    def exact(start: int, end: int) -> tuple[float, float]:
        looks = np.arange(start // MINUTE * MINUTE + MINUTE, end + 1, MINUTE, dtype=np.int64)
        values = value(looks)
        return float(bad(values[np.isfinite(values)]).sum()), float(np.isfinite(values).sum())

    return exact


def gauge(series: GaugeSeries, bad: Callable[[Counts], NDArray[np.bool_]]) -> Exact:
    """Return the answer for a gauge."""
    return minutes(series.at, bad)
