"""The figure against the exact answer, on histories that go wrong in the ways that histories do."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest

from e2e.cluster.fixtures import RunsKubectl, RunsOperator
from e2e.histories import CounterSeries, Seconds, cumulative, openmetrics

DAY = 86_400
HOUR = 3_600


@dataclass(frozen=True)
class Case:
    """A history and how near the figure must come, in percent points of budget."""

    bad: tuple[CounterSeries, ...]
    valid: tuple[CounterSeries, ...]
    target: str = "99.9"
    days: int = 2
    tolerance: float = 0.1


def _grid(now: int, days: float, step: int) -> Seconds:
    return np.arange(now - int(days * DAY), now - 30, step, dtype=np.int64)


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


def _steady(now: int, step: int) -> Case:
    bad, valid = _pair(_grid(now, 3, step), 20.0, 0.0004)
    return Case((bad,), (valid,), tolerance=0.1 if step <= 15 else 1.0)


def _incident(now: int) -> Case:
    times = _grid(now, 3, 15)
    inside = (times > now - 30 * HOUR - 47 * 60) & (times < now - 30 * HOUR)
    bad, valid = _pair(times, 20.0, np.where(inside, 0.05, 0.0001))
    return Case((bad,), (valid,))


def _resets(now: int) -> Case:
    resets = tuple(now - offset for offset in range(3 * HOUR, 2 * DAY, 7 * HOUR))
    bad, valid = _pair(_grid(now, 3, 15), 20.0, 0.0005, resets=resets)
    return Case((bad,), (valid,))


def _gaps(now: int) -> Case:
    times = _grid(now, 3, 15)
    hole = (times > now - 20 * HOUR) & (times < now - 19 * HOUR - 1200)
    bad, valid = (
        CounterSeries(each.metric, each.labels, each.times[~hole], each.values[~hole])
        for each in _pair(times, 20.0, 0.0005)
    )
    return Case((bad,), (valid,))


def _born(now: int) -> Case:
    times = _grid(now, 3, 15)
    _, valid = _pair(times, 20.0, 0.0)
    late = times[times > now - 5 * HOUR]
    bad = CounterSeries("bad_total", valid.labels, late, 40.0 + cumulative(late, np.full(late.shape, 0.001)), True)
    return Case((bad,), (valid,))


def _halfway(now: int) -> Case:
    old = _pair(_grid(now, 3, 15), 20.0, 0.0005)
    new = _pair(_grid(now, 0.5, 15), 20.0, 0.0005, instance="b")
    return Case((old[0], new[0]), (old[1], new[1]))


def _uneven(now: int) -> Case:
    times = _grid(now, 3, 15)
    by_day = (times // HOUR) % 24 < 12
    hour = (times > now - 26 * HOUR) & (times <= now - 25 * HOUR)
    bad, valid = _pair(times, np.where(by_day, 1000.0, 1.0), np.where(hour, 0.5, 0.0))
    return Case((bad,), (valid,))


CASES: dict[str, Callable[[int], Case]] = {
    "steady at 15 s": lambda now: _steady(now, 15),
    "steady at 60 s": lambda now: _steady(now, 60),
    "an incident across bucket edges": _incident,
    "counter resets": _resets,
    "a gap of scrapes": _gaps,
    "bad series born late": _born,
    "an instance that appears halfway": _halfway,
    "uneven traffic": _uneven,
}


def manifest(namespace: str, name: str, case: Case) -> str:
    """Return an objective on the case's counters."""
    return json.dumps(
        {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ServiceLevelObjective",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "indicator": {"ratio": {"bad": 'bad_total{job="truth"}', "valid": 'all_total{job="truth"}'}},
                "objective": {"target": float(case.target)},
                "window": {"rolling": f"{case.days}d"},
            },
        }
    )


@pytest.mark.parametrize("name", CASES)
def test_the_budget_is_that_of_the_samples(
    name: str,
    namespace: str,
    kubectl: RunsKubectl,
    prometheus_with_history: Callable[[str], str],
    operator: RunsOperator,
) -> None:
    case = CASES[name](int(time.time()))
    url = prometheus_with_history(openmetrics((*case.bad, *case.valid)))
    kubectl("apply", "-f", "-", input=manifest(namespace, "truth", case))
    operator(url, namespace, flags=("--cycle-interval", "5s"))

    kubectl("wait", "--for=condition=Measured", "slo/truth", "-n", namespace, "--timeout=60s")

    status = json.loads(kubectl("get", "slo", "truth", "-n", namespace, "-o", "json").stdout)["status"]
    end = int(datetime.fromisoformat(status["measuredAt"]).timestamp())
    start = (end - case.days * DAY) // HOUR * HOUR
    bad = sum(each.total(start, end) for each in case.bad)
    valid = sum(each.total(start, end) for each in case.valid)
    exact = 100 - bad / ((1 - float(case.target) / 100) * valid) * 100
    assert status["counts"]["valid"] == pytest.approx(valid, rel=1e-3)
    assert status["budget"]["remainingPercent"] == pytest.approx(exact, abs=case.tolerance)
