"""What cannot be measured says why, each in its own word, and changes neither figure nor level; it heals by itself."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import yaml

from e2e import truth
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl, RunsOperator, ScrapedExporter
from e2e.cluster.waiting import eventually
from e2e.histories import CounterSeries, GaugeSeries, HistogramSeries
from e2e.truth import DAY, HOUR, Board, Promise, condition, reason

FAST = ("--cycle-interval", "2s", "--query-offset", "1s")


def ratio(name: str, side: str = "bad") -> dict[str, Any]:
    """Return an indicator on the counters of a case."""
    return {"ratio": {side: f'{side}_total{{case="{name}"}}', "valid": f'all_total{{case="{name}"}}'}}


def told(name: str, now: int) -> tuple[dict[str, Any], list[Any]]:
    """Return the indicator of a case and the series that there are."""
    times = np.arange(now - DAY, now + truth.AHEAD, 15, dtype=np.int64)
    growing = np.cumsum(np.full(times.shape, 10.0))
    labels = {"job": "reasons", "case": name}

    def counter(metric: str, factor: float) -> CounterSeries:
        return CounterSeries(metric, labels, times, np.floor(growing * factor))

    valid = counter("all_total", 1.0)
    flat = CounterSeries("all_total", labels, times, np.full(times.shape, 7.0))
    stopped = times < now - HOUR
    old = CounterSeries("all_total", labels, times[stopped], growing[stopped])
    zeros = np.zeros(times.shape, dtype=np.int64)
    buckets = HistogramSeries(
        "took_seconds", labels, times, (0.5, 1.0), np.stack((growing.astype(np.int64), zeros, zeros), axis=1)
    )
    gauges = [GaugeSeries("level", {**labels, "pod": pod}, times, 0 * growing) for pod in ("a", "b")]
    between = {"latency": {"histogram": f'took_seconds{{case="{name}"}}', "threshold": "700ms"}}
    spelled = {
        "ratio": {"good": f'took_seconds_bucket{{case="{name}",le="1"}}', "valid": f'all_total{{case="{name}"}}'}
    }
    threshold = {"threshold": {"gauge": f'level{{case="{name}"}}', "bound": 1}}
    by_pod = {
        "query": {
            "bad": f'sum(increase(all_total{{case="{name}"}}[$window])) * 0',
            "valid": f'sum by (pod) (increase(all_total{{case="{name}"}}[$window]))',
        }
    }
    pods = [CounterSeries("all_total", {**labels, "pod": pod}, times, growing) for pod in ("a", "b")]
    cases: dict[str, tuple[dict[str, Any], list[Any]]] = {
        "no-such-metric": (ratio(name), []),
        "valid-absent": (ratio(name), [counter("bad_total", 0.1)]),
        "good-absent": (ratio(name, "good"), [valid]),
        "bound-between-two-buckets": (between, list(buckets.classic())),
        "bound-spelled-otherwise": (spelled, [valid, *buckets.classic()]),
        "no-traffic": (ratio(name), [flat, CounterSeries("bad_total", labels, times, 0 * growing)]),
        "stopped": (ratio(name), [old]),
        "good-greater-than-valid": (ratio(name, "good"), [counter("good_total", 1.5), valid]),
        "bad-greater-than-valid": (ratio(name), [counter("bad_total", 1.5), valid]),
        "several-gauges": (threshold, gauges),
        "several-values": (by_pod, pods),
    }
    return cases[name]


STANDING: dict[str, tuple[str, str]] = {
    "no-such-metric": ("NoData", "no series matches the valid events"),
    "valid-absent": ("NoData", "no series matches the valid events"),
    "good-absent": ("NoData", "no series matches the good events"),
    "bound-between-two-buckets": ("NoData", "took_seconds_bucket{"),
    "bound-spelled-otherwise": ("NoData", "no series matches the good events"),
    "no-traffic": ("NoTraffic", "counted no valid event"),
    "stopped": ("Stale", "no sample of the valid events since"),
    "good-greater-than-valid": ("Inconsistent", "more good events"),
    "bad-greater-than-valid": ("Inconsistent", "more bad events"),
    "several-gauges": ("SeveralSeries", "2 series where one is meant"),
    "several-values": ("SeveralSeries", "2 series where one is meant"),
}


@pytest.fixture(scope="module")
def board(cluster: Cluster) -> Iterator[Board]:
    """Give all cases, as far as they can be measured."""
    now = int(time.time())
    promises = {}
    for name in STANDING:
        indicator, series = told(name, now)
        promises[name] = Promise(
            {"indicator": indicator, "objective": {"target": 99}, "window": {"rolling": "1d"}}, series
        )
    with truth.measured(cluster, promises) as running:
        running.settled()
        yield running


@pytest.mark.parametrize("name", STANDING)
def test_what_cannot_be_measured_says_why(name: str, board: Board) -> None:
    expected, words = STANDING[name]
    status = board.statuses()[name]
    measured = condition(status)
    assert (measured["reason"], words in measured["message"]) == (expected, True), measured
    assert ("level" in status) == (expected == "NoTraffic")
    assert "sli" not in status
    if expected != "NoTraffic":
        assert expected in board.row(name)


class Live:
    """Objectives on a live exporter, each with its own series."""

    def __init__(self, scraped: ScrapedExporter) -> None:
        self._exporter = scraped.exporter
        self.pods = ["a"]

    def serve(self, good: float = 0, bad: float = 0) -> None:
        """Let requests come in, everywhere the same."""
        for name in BREAKS:
            self._exporter.add("all_total", good + bad, case=name, pod="a")
            self._exporter.add("bad_total", bad, case=name, pod="a")
            self._exporter.add("good_total", good, case=name, pod="a")
        self.gauge(0.0)

    def gauge(self, value: float, pod: str = "a") -> None:
        for name in BREAKS:
            self._exporter.set("level", value, case=name, pod=pod)

    def set(self, metric: str, value: float, name: str, pod: str = "a") -> float:
        """Set one series and return what it was."""
        was = self._exporter.get(metric, case=name, pod=pod)
        self._exporter.set(metric, value, case=name, pod=pod)
        return was

    def remove(self, metric: str, name: str, pod: str) -> None:
        """Expose a series no longer."""
        self._exporter.remove(metric, case=name, pod=pod)


def _value(metric: str, value: float) -> Callable[[Live, str], Callable[[], None]]:
    def break_it(live: Live, name: str) -> Callable[[], None]:
        was = live.set(metric, value, name)
        return lambda: void(live.set(metric, was, name))

    return break_it


def _second(metric: str) -> Callable[[Live, str], Callable[[], None]]:
    def break_it(live: Live, name: str) -> Callable[[], None]:
        live.set(metric, 0.0, name, "b")
        return lambda: live.remove(metric, name, "b")

    return break_it


def void(_: object) -> None:
    """Return nothing."""


def _threshold(name: str) -> dict[str, Any]:
    return {"threshold": {"gauge": f'level{{case="{name}"}}', "bound": 1}}


BREAKS: dict[str, tuple[Callable[[str], dict[str, Any]], Callable[[Live, str], Callable[[], None]], str, str]] = {
    "bad-nan": (ratio, _value("bad_total", float("nan")), "QueryFailed", "not a number"),
    "valid-nan": (ratio, _value("all_total", float("nan")), "QueryFailed", "not a number"),
    "valid-infinite": (ratio, _value("all_total", float("inf")), "QueryFailed", "not a number"),
    "gauge-nan": (_threshold, _value("level", float("nan")), "QueryFailed", "NaN or infinite"),
    "gauge-infinite": (_threshold, _value("level", float("inf")), "QueryFailed", "NaN or infinite"),
    "gauge-twice": (_threshold, _second("level"), "SeveralSeries", "2 series where one is meant"),
    "good-too-many": (
        lambda name: ratio(name, "good"),
        _value("good_total", 1e6),
        "Inconsistent",
        "more good events",
    ),
    "bad-too-many": (ratio, _value("bad_total", 1e6), "Inconsistent", "more bad events"),
}


def becomes(board: Board, name: str, why: str, timeout: float = 60) -> dict[str, Any]:
    """Wait for a reason of Measured, and return the status."""
    eventually(lambda: reason(board.statuses()[name]) == why, timeout, lambda: str(board.statuses()[name]))
    return board.statuses()[name]


HEALS = {name for name, (_, _, why, _) in BREAKS.items() if why != "Inconsistent"} - {"valid-infinite"}
"""Events that never were leave with the window; the bucket that held infinity must close first (test_truth)."""


def test_a_broken_measurement_changes_nothing_and_heals(
    namespace: str, kubectl: RunsKubectl, live_exporter: ScrapedExporter, operator: RunsOperator
) -> None:
    live = Live(live_exporter)
    live.serve()
    board = Board(kubectl, namespace)
    operator(live_exporter.url, namespace, flags=FAST)
    manifests = [
        truth.manifest(
            namespace,
            name,
            {"indicator": make(name), "objective": {"target": 99}, "window": {"rolling": "30d"}},
        )
        for name, (make, _, _, _) in BREAKS.items()
    ]
    kubectl("apply", "-f", "-", input=yaml.safe_dump_all(manifests))
    eventually(lambda: {reason(each) for each in board.statuses().values()} <= {"Measured", "NoTraffic"}, 60)
    live.serve(9_940, 60)
    counted = [name for name in BREAKS if not name.startswith("gauge")]
    eventually(lambda: {board.statuses()[name].get("level") for name in counted} == {"Depleting"}, 60)
    eventually(lambda: {reason(each) for each in board.statuses().values()} == {"Measured"}, 100)
    before = board.statuses()

    mend = {name: break_it(live, name) for name, (_, break_it, _, _) in BREAKS.items()}
    for name, (_, _, why, words) in BREAKS.items():
        status = becomes(board, name, why)
        assert words in condition(status)["message"], name
        for field in ("level", "levelSince", "budget", "sli"):
            assert status[field] == before[name][field], (name, field)
        assert why in board.row(name)

    for back in mend.values():
        back()
    eventually(
        lambda: {reason(board.statuses()[name]) for name in HEALS} == {"Measured"},
        90,
        lambda: str({name: condition(each) for name, each in board.statuses().items()}),
        interval=2,
    )
    after = board.statuses()
    for name in HEALS:
        assert after[name]["level"] == before[name]["level"], name
