"""Every kind of indicator, as examples/indicators has it: accepted, and exact on a real Prometheus."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from e2e import truth
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.histories import CounterSeries, Counts, FloatSeries, GaugeSeries, HistogramSeries, Seconds
from e2e.truth import DAY, HOUR, MINUTE, Board, Exact, Promise

EXAMPLES = Path(__file__).parent.parent / "examples" / "indicators"


@dataclass(frozen=True)
class Told:
    """What a selector finds, and the answer."""

    exact: Exact
    series: tuple[FloatSeries, ...] = ()
    histograms: tuple[HistogramSeries, ...] = ()


def grid(now: int, days: float = 3, step: int = 15) -> Seconds:
    """Return the times of scrapes."""
    return np.arange(now - int(days * DAY), now + truth.AHEAD, step, dtype=np.int64)


def shares(times: Seconds, usual: float, incident: float) -> Counts:
    """Return a share of bad events that is `incident` for 47 minutes, 30 hours before the end."""
    stop = int(times[-1]) - 30 * HOUR
    return np.where((times > stop - 47 * MINUTE) & (times <= stop), incident, usual)


def split(times: Seconds, rate: float, bad: Counts, seed: int) -> tuple[Counts, Counts]:
    """Return counters (bad, good) of whole events, many by day and few by night."""
    random = np.random.default_rng(seed)
    by_day = (times // HOUR) % 24 < 12
    events = random.poisson(rate * 15 * np.where(by_day, 1.0, 0.02))
    wrong = random.binomial(events, bad)
    return np.cumsum(wrong).astype(np.float64), np.cumsum(events - wrong).astype(np.float64)


def ratio(
    metric: str,
    common: Mapping[str, str],
    *,
    bad: Mapping[str, str],
    good: Mapping[str, str],
    besides: Mapping[str, str] | None = None,
    rate: float = 20.0,
    usual: float = 0.0004,
    incident: float = 0.02,
) -> Callable[[int], Told]:
    """Return what tells a counter with one series of bad events, one of good ones, and one that is not valid."""

    def tell(now: int) -> Told:
        times = grid(now)
        wrong, right = split(times, rate, shares(times, usual, incident), len(metric))
        series = [
            CounterSeries(metric, {**common, **bad}, times, wrong),
            CounterSeries(metric, {**common, **good}, times, right),
        ]
        exact = truth.events(series[:1], series)
        ignored = [CounterSeries(metric, {**common, **besides}, times, right * 2)] if besides else []
        return Told(exact, (*series, *ignored))

    return tell


def good_of_all(good: str, valid: str, common: Mapping[str, str], **usual: float) -> Callable[[int], Told]:
    """Return what tells two counters, of the good events and of all."""

    def tell(now: int) -> Told:
        times = grid(now)
        wrong, right = split(times, 20.0, shares(times, usual.get("usual", 0.0004), 0.02), len(good))
        counters = CounterSeries(good, common, times, right), CounterSeries(valid, common, times, right + wrong)
        return Told(truth.good_events(counters[:1], counters[1:]), counters)

    return tell


def histogram(
    metric: str,
    labels: Mapping[str, str],
    bounds: tuple[float, ...],
    threshold: float,
    *,
    native: bool = False,
    spelled: Mapping[float, str] | None = None,
) -> Callable[[int], Told]:
    """Return what tells a histogram, with events on both sides of the threshold."""

    def tell(now: int) -> Told:
        times = grid(now)
        slow, fast = split(times, 20.0, shares(times, 0.002, 0.2), len(metric))
        counts = np.zeros((len(times), len(bounds) + 1), dtype=np.int64)
        at = bounds.index(threshold)
        counts[:, at] = fast
        counts[:, -1] = slow // 3
        counts[:, at + 1] += (slow - slow // 3).astype(np.int64)
        told = HistogramSeries(metric, labels, times, bounds, counts)
        exact = truth.good_events([told.bucket(threshold)], [told.count()])
        return Told(exact, (), (told,)) if native else Told(exact, told.classic(spelled))

    return tell


def gauge(metric: str, labels: Mapping[str, str], low: float, high: float, bound: float) -> Callable[[int], Told]:
    """Return what tells a gauge that is mostly low, sometimes high, at times at the bound, and NaN for an hour."""

    def tell(now: int) -> Told:
        times = grid(now)
        random = np.random.default_rng(len(metric))
        chosen = random.choice(3, p=[0.985, 0.01, 0.005], size=times.shape)
        values: Counts = np.array([low, high, bound], dtype=np.float64)[chosen]
        values[(times > now - 20 * HOUR) & (times < now - 19 * HOUR)] = np.nan
        series = GaugeSeries(metric, labels, times, values)
        return Told(truth.gauge(series, lambda found: found > bound), (series,))

    return tell


def timestamps(now: int) -> Told:
    """Tell when an index was built: every 20 minutes, but for a morning on which it was not."""
    times = grid(now)
    built = ((times - 7) // 1200 * 1200).astype(np.float64)
    stuck = (times > now - 30 * HOUR) & (times < now - 27 * HOUR)
    built[stuck] = built[stuck][0]
    series = GaugeSeries("search_index_built_timestamp_seconds", {"job": "indexer"}, times, built)
    return Told(truth.minutes(lambda looks: looks - series.at(looks), lambda age: age > HOUR), (series,))


def p95(now: int) -> Told:
    """Tell a histogram whose p95 over half an hour passes 500 ms for a while."""
    times = grid(now)
    bounds = (0.1, 0.25, 0.5, 1.0, 2.5)
    slow = (times > now - 30 * HOUR) & (times < now - 28 * HOUR)
    usual, bad = (0.5, 0.3, 0.17, 0.02, 0.01, 0.0), (0.4, 0.3, 0.1, 0.15, 0.05, 0.0)
    random = np.random.default_rng(95)
    drawn = random.multinomial(300, np.where(slow[:, None], bad, usual))
    told = HistogramSeries("checkout_duration_seconds", {"job": "payment"}, times, bounds, np.cumsum(drawn, axis=0))

    def value(looks: Seconds) -> Counts:
        last = np.searchsorted(times, looks, side="right") - 1
        first = np.searchsorted(times, looks - 30 * MINUTE, side="right")
        known = last > first
        grown = np.cumsum(told.counts[last] - told.counts[np.minimum(first, last)], axis=1).astype(np.float64)
        rank = 0.95 * grown[:, -1]
        at = np.minimum((grown < rank[:, None]).sum(axis=1), len(bounds) - 1)
        upper = np.array(bounds)[at]
        lower = np.where(at > 0, np.array(bounds)[np.maximum(at - 1, 0)], 0.0)
        rows = np.arange(len(looks))
        below = np.where(at > 0, grown[rows, np.maximum(at - 1, 0)], 0.0)
        inside = np.maximum(grown[rows, at] - below, 1.0)
        return np.where(known, lower + (upper - lower) * (rank - below) / inside, np.nan)

    return Told(truth.minutes(value, lambda found: found > 0.5), told.classic())


def deliveries(now: int) -> Told:
    """Tell three counters, of which two count bad events."""
    times = grid(now)
    refused, sent = split(times, 20.0, shares(times, 0.0002, 0.01), 1)
    lost, _ = split(times, 0.01, shares(times, 0.5, 1.0), 2)
    bad = (
        CounterSeries("push_refused_total", {"job": "push-gateway"}, times, refused),
        CounterSeries("push_lost_total", {"job": "push-tracker"}, times, lost),
    )
    valid = CounterSeries("push_sent_total", {"job": "push-gateway"}, times, sent + refused)
    return Told(truth.events(bad, [valid]), (*bad, valid))


def sliced(
    metric: str, job: str, *, label: str, good: tuple[str, ...], bad: str, length: int, target: float
) -> Callable[[int], Told]:
    """Return what tells a counter of which slices of time are judged, some without any event."""

    def tell(now: int) -> Told:
        times = grid(now)
        wrong, right = split(times, 2.0, shares(times, 0.01, 0.3), length)
        rights = [CounterSeries(metric, {"job": job, label: each}, times, np.floor(right / len(good))) for each in good]
        wrongs = CounterSeries(metric, {"job": job, label: bad}, times, wrong)
        return Told(truth.slices([wrongs], [*rights, wrongs], length, target), (*rights, wrongs))

    return tell


TOLD: dict[str, Callable[[int], Told]] = {
    "availability": ratio(
        "http_requests_total",
        {"job": "gateway", "route": "/v1/matches", "instance": "a"},
        bad={"code": "503"},
        good={"code": "200"},
        besides={"code": "404"},
    ),
    "latency-classic": histogram(
        "http_request_duration_seconds",
        {"job": "gateway", "route": "/v1/matches", "code": "200"},
        (0.1, 0.8, 2.0),
        0.8,
    ),
    "latency-native": histogram(
        "message_ack_duration_seconds", {"job": "realtime-chat", "result": "ok"}, (0.1, 0.3, 1.0), 0.3, native=True
    ),
    "quality": ratio(
        "search_answers_total", {"job": "search"}, bad={"ranking": "none"}, good={"ranking": "personal"}, usual=0.004
    ),
    "correctness": ratio(
        "reports_total",
        {"job": "matching"},
        bad={"validation": "failed"},
        good={"validation": "passed"},
        usual=0.00002,
        incident=0.002,
    ),
    "freshness-tasks": histogram("report_duration_seconds", {"job": "matching"}, (60.0, 600.0, 1800.0), 600.0),
    "freshness-timestamp": timestamps,
    "freshness-age": gauge("replication_lag_seconds", {"job": "profiles-db", "role": "replica"}, 0.5, 31.0, 30.0),
    "coverage": good_of_all("export_records_processed_total", "export_records_due_total", {"job": "billing-export"}),
    "durability": ratio(
        "objects_scrubbed_total",
        {"job": "photo-scrubber"},
        bad={"result": "lost"},
        good={"result": "readable"},
        usual=0.000002,
        incident=0.0,
    ),
    "threshold-gauge": gauge("db_pool_in_use_ratio", {"job": "user-profile", "pool": "main"}, 0.4, 0.95, 0.8),
    "threshold-p95": p95,
    "query": deliveries,
    "calendar-month": ratio(
        "client_requests_total",
        {"job": "geo", "peer": "geocoder"},
        bad={"outcome": "error"},
        good={"outcome": "ok"},
        usual=0.002,
    ),
    "timeslices": sliced(
        "logins_total",
        "identity",
        label="result",
        good=("ok", "wrong-password"),
        bad="error",
        length=MINUTE,
        target=0.95,
    ),
    "from-sloth": ratio(
        "orders_http_duration_seconds_count", {"job": "orders"}, bad={"status": "429"}, good={"status": "200"}
    ),
    "from-pyrra": ratio(
        "api_requests_total", {"job": "api", "handler": "/api/v1/write"}, bad={"code": "500"}, good={"code": "201"}
    ),
    "from-pyrra-latency": histogram(
        "api_request_duration_seconds",
        {"job": "api", "handler": "/api/v1/read", "code": "200"},
        (0.5, 1.0, 2.5),
        1.0,
        spelled={1.0: "1"},
    ),
    "from-openslo": sliced(
        "feed_pages_total", "feed", label="result", good=("served",), bad="failed", length=5 * MINUTE, target=0.98
    ),
}


def example(name: str) -> dict[str, Any]:
    """Return the manifest of an example."""
    return dict(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text()))


def extra(now: int) -> dict[str, Promise]:
    """Return kinds that are no example of their own."""
    native = histogram("rpc_seconds", {"job": "rpc"}, (0.5, 1.0, 2.0), 1.0, native=True)(now)
    indicator = {"latency": {"histogram": 'rpc_seconds{job="rpc"}', "type": "Native", "threshold": "1s"}}
    spec = {"indicator": indicator, "objective": {"target": 99}, "window": {"rolling": "2d"}}
    latency = HistogramSeries("web_seconds", {"job": "web"}, *_web(now))
    by_slices = {"method": "Timeslices", "sliceTarget": 90}
    classic = {"latency": {"histogram": 'web_seconds{job="web"}', "threshold": "1s"}}
    slow = CounterSeries("slow", {}, latency.times, latency.count().values - latency.bucket(1.0).values)
    return {
        "native-exponential": Promise(spec, (), native.histograms, native.exact),
        "latency-in-slices": Promise(
            {**spec, "indicator": classic, "budgeting": by_slices},
            latency.classic(),
            (),
            truth.slices([slow], [latency.count()], 5 * MINUTE, 0.9),
        ),
    }


def _web(now: int) -> tuple[Seconds, tuple[float, ...], Any]:
    times = grid(now)
    slow, fast = split(times, 2.0, shares(times, 0.05, 0.3), 7)
    return times, (0.5, 1.0), np.stack((0 * fast, fast, slow), axis=1).astype(np.int64)


@pytest.fixture(scope="module")
def promises() -> dict[str, Promise]:
    """Give every example with its history."""
    now = int(time.time())
    told = {name: tell(now) for name, tell in TOLD.items()}
    examples = {
        name: Promise(example(name)["spec"], each.series, each.histograms, each.exact) for name, each in told.items()
    }
    return examples | extra(now)


@pytest.fixture(scope="module")
def board(cluster: Cluster, promises: dict[str, Promise]) -> Iterator[Board]:
    """Give all examples, measured."""
    with truth.measured(cluster, promises) as running:
        running.settled()
        yield running


def test_every_example_is_accepted_by_the_api_server(kubectl: RunsKubectl, namespace: str) -> None:
    files = sorted(EXAMPLES.glob("*.yaml"))
    assert {file.stem for file in files} == set(TOLD)
    manifests = [example(file.stem) for file in files]
    for each in manifests:
        each["metadata"]["namespace"] = namespace
        assert {"owner", "journey", "tier", "rationale", "review"} <= each["spec"].keys()
    text = yaml.safe_dump_all(manifests)

    kubectl("apply", "--dry-run=server", "-f", "-", input=text)


@pytest.mark.parametrize("name", [*TOLD, "native-exponential", "latency-in-slices"])
def test_the_figure_is_the_exact_one(name: str, board: Board, promises: dict[str, Promise]) -> None:
    status = board.statuses()[name]
    assert truth.reason(status) == "Measured", truth.condition(status)["message"]
    promise = promises[name]
    expected = truth.answer(promise, status)
    assert expected.bad > 0
    counts, budget = status["counts"], status["budget"]
    # A native histogram's first bucket is extrapolated.
    assert counts["valid"] == pytest.approx(expected.valid, rel=3e-4, abs=0.2)
    target = float(promise.spec["objective"]["target"])
    assert budget["remainingPercent"] == pytest.approx(expected.remaining(target), abs=promise.tolerance)
