"""The figure against the exact answer, on histories that go wrong in the ways that histories do."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from e2e import truth
from e2e.cluster.cluster import Cluster
from e2e.histories import CounterSeries, FloatSeries, GaugeSeries, HistogramSeries, Seconds, cumulative
from e2e.truth import DAY, HOUR, MINUTE, Board, Promise

DAYS = 2
BUCKET = 5 * MINUTE


def _grid(now: int, days: float, step: int) -> Seconds:
    return np.arange(now - int(days * DAY), now + truth.AHEAD, step, dtype=np.int64)


def _pair(
    times: Seconds, rate: object, ratio: object, *, resets: tuple[int, ...] = (), instance: str = "a"
) -> tuple[CounterSeries, CounterSeries]:
    rates = np.broadcast_to(np.asarray(rate, dtype=np.float64), times.shape)
    bad_rates = rates * np.broadcast_to(np.asarray(ratio, dtype=np.float64), times.shape)
    labels = {"job": "truth", "instance": instance}
    return (
        CounterSeries("bad_total", labels, times, cumulative(times, bad_rates, resets)),
        CounterSeries("all_total", labels, times, cumulative(times, rates, resets)),
    )


def _promise(*pairs: tuple[CounterSeries, CounterSeries], tolerance: float = 0.1) -> Promise:
    bad, valid = (tuple(side) for side in zip(*pairs, strict=True))
    return Promise(_spec(), (*bad, *valid), (), truth.events(bad, valid), tolerance)


def _spec(target: float = 99.9) -> dict[str, object]:
    indicator = {"ratio": {"bad": 'bad_total{job="truth"}', "valid": 'all_total{job="truth"}'}}
    return {"indicator": indicator, "objective": {"target": target}, "window": {"rolling": f"{DAYS}d"}}


def _steady(now: int, step: int) -> Promise:
    return _promise(_pair(_grid(now, 3, step), 20.0, 0.0004), tolerance=0.1 if step <= 15 else 1.0)


def _incident(now: int) -> Promise:
    times = _grid(now, 3, 15)
    inside = (times > now - 30 * HOUR - 47 * MINUTE) & (times < now - 30 * HOUR)
    return _promise(_pair(times, 20.0, np.where(inside, 0.05, 0.0001)))


def _resets(now: int) -> Promise:
    resets = tuple(now - offset for offset in range(3 * HOUR, 2 * DAY, 7 * HOUR))
    return _promise(_pair(_grid(now, 3, 15), 20.0, 0.0005, resets=resets))


def _few_and_reset(now: int) -> Promise:
    """Reset a counter of rare events, always in the same phase of them, and once more within a gap of scrapes."""
    times = _grid(now, 3, 15)
    resets = tuple(now - offset for offset in range(2 * HOUR + 40, 2 * DAY, 3 * HOUR))
    hole = (times > resets[1] - 9 * MINUTE) & (times < resets[1] + 9 * MINUTE)
    bad, valid = (
        CounterSeries(each.metric, each.labels, each.times[~hole], each.values[~hole])
        for each in _pair(times, 2.0, 0.0045, resets=resets)
    )
    return _promise((bad, valid))


def _gaps(now: int) -> Promise:
    times = _grid(now, 3, 15)
    hole = (times > now - 20 * HOUR) & (times < now - 19 * HOUR - 20 * MINUTE)
    bad, valid = (
        CounterSeries(each.metric, each.labels, each.times[~hole], each.values[~hole])
        for each in _pair(times, 20.0, 0.0005)
    )
    return _promise((bad, valid))


def _born(now: int) -> Promise:
    times = _grid(now, 3, 15)
    _, valid = _pair(times, 20.0, 0.0)
    late = times[times > now - 5 * HOUR]
    bad = CounterSeries("bad_total", valid.labels, late, 40.0 + cumulative(late, np.full(late.shape, 0.001)), True)
    return _promise((bad, valid))


def _halfway(now: int) -> Promise:
    old = _pair(_grid(now, 3, 15), 20.0, 0.0005)
    new = _pair(_grid(now, 0.5, 15), 20.0, 0.0005, instance="b")
    return _promise(old, new)


def _uneven(now: int, *, by_day: bool) -> Promise:
    """Half of the requests of one hour fail, of a busy hour or of a quiet one."""
    times = _grid(now, 3, 15)
    busy = (times // HOUR) % 24 < 12
    noon = now // DAY * DAY - DAY + (6 if by_day else 18) * HOUR
    hour = (times > noon) & (times <= noon + HOUR)
    return _promise(_pair(times, np.where(busy, 1000.0, 1.0), np.where(hour, 0.5, 0.0)))


def _silent(now: int) -> Promise:
    """Bad events were never counted: their series does not exist."""
    _, valid = _pair(_grid(now, 3, 15), 20.0, 0.0)
    return Promise(_spec(), (valid,), (), truth.events([], [valid]))


def _broken_once(now: int, sample: float) -> Promise:
    """One broken sample at the end of a bucket: what that bucket held is unknown, all else is not."""
    times = _grid(now, 3, 15)
    bad, valid = _pair(times, 20.0, 0.0005)
    broken = (now - 3 * HOUR) // 300 * 300
    values = np.where((times > broken - 15) & (times <= broken), sample, valid.values)
    steady = truth.events([bad], [valid])

    def exact(start: int, end: int) -> tuple[float, float]:
        whole, hole = steady(start, end), steady(broken - 300, broken)
        return whole[0] - hole[0], whole[1] - hole[1]

    return Promise(_spec(), (bad, replace(valid, values=values)), (), exact)


def _respelled(now: int) -> Promise:
    """Spell the bucket le="1" as le="1.0" from the middle on, as a newer Prometheus does."""
    times = _grid(now, 3, 15)
    slow, fast = (cumulative(times, np.full(times.shape, rate)) for rate in (0.02, 20.0))
    counts = np.stack((0 * fast, fast, slow), axis=1).astype(np.int64)
    told = HistogramSeries("spelled_seconds", {"job": "truth", "instance": "a"}, times, (0.5, 1.0), counts)
    old, new = told.classic({1.0: "1"}), told.classic()
    change = times > now - DAY
    before = [replace(each, times=times[~change], values=each.values[~change]) for each in old if "le" in each.labels]
    after = [replace(each, times=times[change], values=each.values[change]) for each in new if "le" in each.labels]
    series: list[FloatSeries] = [*before, *after, new[-1]]
    spec = _spec(99) | {"indicator": {"latency": {"histogram": 'spelled_seconds{job="truth"}', "threshold": "1s"}}}
    return Promise(spec, series, (), truth.good_events([told.bucket(1.0)], [told.count()]))


def _gauge_with_a_gap(now: int) -> Promise:
    times = _grid(now, 3, 15)
    hole = (times > now - 20 * HOUR) & (times < now - 18 * HOUR)
    series = GaugeSeries(
        "queue_age_seconds", {"job": "truth"}, times[~hole], (times[~hole] // 15 % 97).astype(np.float64)
    )
    indicator = {"threshold": {"gauge": 'queue_age_seconds{job="truth"}', "bound": 3, "good": "Above"}}
    return Promise(_spec(90) | {"indicator": indicator}, (series,), (), truth.gauge(series, lambda found: found < 3))


def _reset_in_a_long_gap(now: int, hours: int) -> Promise:
    """Reset a counter while it is not scraped; within a bucket it then has more than it ever had before."""
    times = _grid(now, 3, 15)
    edge = (now - hours * HOUR) // BUCKET * BUCKET
    ratio = np.where((times > edge) & (times < edge + 4 * MINUTE), 0.5, 0.0001)
    hole = (times > edge - 7 * MINUTE) & (times <= edge)
    bad, valid = (
        CounterSeries(each.metric, each.labels, each.times[~hole], each.values[~hole])
        for each in _pair(times, 20.0, ratio, resets=(edge - MINUTE,))
    )
    return _promise((bad, valid))


CASES: dict[str, Callable[[int], Promise]] = {
    "steady-at-15-s": lambda now: _steady(now, 15),
    "steady-at-60-s": lambda now: _steady(now, 60),
    "an-incident-across-bucket-edges": _incident,
    "counter-resets": _resets,
    "rare-events-and-resets": _few_and_reset,
    "a-gap-of-scrapes": _gaps,
    "a-reset-in-a-long-gap": lambda now: _reset_in_a_long_gap(now, hours=5),
    "a-reset-in-a-gap-two-days-ago": lambda now: _reset_in_a_long_gap(now, hours=40),
    "bad-series-born-late": _born,
    "bad-series-absent": _silent,
    "an-instance-that-appears-halfway": _halfway,
    "an-hour-of-errors-by-day": lambda now: _uneven(now, by_day=True),
    "an-hour-of-errors-by-night": lambda now: _uneven(now, by_day=False),
    "one-sample-that-is-no-number": lambda now: _broken_once(now, np.nan),
    "one-sample-that-is-infinite": lambda now: _broken_once(now, np.inf),
    "a-bucket-spelled-anew": _respelled,
    "a-gauge-with-a-gap": _gauge_with_a_gap,
}


def apart(name: str, promise: Promise) -> Promise:
    """Return the promise with a label of its own on all of its series and selectors."""
    series = [replace(each, labels={**each.labels, "case": name}) for each in promise.series]
    told = json.dumps(promise.spec["indicator"]).replace(r"job=\"truth\"", rf"job=\"truth\",case=\"{name}\"")
    indicator = json.loads(told)
    return replace(promise, series=series, spec={**promise.spec, "indicator": indicator})


@pytest.fixture(scope="module")
def promises() -> dict[str, Promise]:
    """Give every case with its history."""
    now = int(time.time())
    return {name: apart(name, make(now)) for name, make in CASES.items()}


@pytest.fixture(scope="module")
def board(cluster: Cluster, promises: dict[str, Promise]) -> Iterator[Board]:
    """Give all cases, measured."""
    with truth.measured(cluster, promises) as running:
        running.settled()
        yield running


@pytest.mark.parametrize("name", CASES)
def test_the_budget_is_that_of_the_samples(name: str, board: Board, promises: dict[str, Promise]) -> None:
    status = board.statuses()[name]
    assert truth.reason(status) == "Measured", truth.condition(status)["message"]
    promise = promises[name]
    expected = truth.answer(promise, status)
    target = float(promise.spec["objective"]["target"])
    assert status["counts"]["valid"] == pytest.approx(expected.valid, rel=1e-3)
    assert status["budget"]["remainingPercent"] == pytest.approx(expected.remaining(target), abs=promise.tolerance)


def test_an_hour_of_errors_costs_what_its_traffic_is_worth(board: Board) -> None:
    statuses = board.statuses()
    assert statuses["an-hour-of-errors-by-day"]["budget"]["remainingPercent"] < -1000
    assert statuses["an-hour-of-errors-by-night"]["budget"]["remainingPercent"] > 95
