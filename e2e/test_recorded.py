"""What rules recorded against the exact answer: every kind of indicator, and histories that go wrong."""

import time
from collections.abc import Iterator

import pytest
import yaml

from e2e import truth
from e2e.cluster.cluster import Cluster
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.waiting import eventually
from e2e.recorded import recording
from e2e.test_indicators import TOLD, example, extra
from e2e.test_truth import CASES, apart
from e2e.truth import DAY, HOUR, Board, Promise

NAMESPACE = "recorded"
KINDS = [*TOLD, "native-exponential", "latency-in-slices"]

# Rules read what is there, and a gap has no rate; the direct source knows the counter on both sides of it.
UNSEEN = "a-gap-of-scrapes"

MINUTES = ("freshness-age", "freshness-timestamp", "threshold-gauge", "threshold-p95")


@pytest.fixture(scope="module")
def promises() -> dict[str, Promise]:
    """Give every kind of indicator and every history."""
    now = int(time.time())
    told = {name: tell(now) for name, tell in TOLD.items()}
    examples = {
        name: Promise(example(name)["spec"], each.series, each.histograms, each.exact) for name, each in told.items()
    }
    return examples | extra(now) | {name: apart(name, make(now)) for name, make in CASES.items()}


@pytest.fixture(scope="module")
def board(cluster: Cluster, promises: dict[str, Promise]) -> Iterator[Board]:
    """Give all of them, measured by rules that were evaluated all the time.

    The history goes on a while after now, and so does what rules record of it.
    """
    now = int(time.time())
    with recording(cluster, NAMESPACE, promises, past=(now - 3 * DAY - HOUR, now + truth.AHEAD - 30)) as (source, _):
        cluster.kubectl("create", "namespace", NAMESPACE)
        applied = [truth.manifest(NAMESPACE, each, promise.spec) for each, promise in promises.items()]
        cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(applied))
        flags = ("--cycle-interval", "5s", "--measuring", "recorded", "--rules", "off")
        operator = OperatorProcess(cluster.site, OperatorSettings(source.url, (NAMESPACE,), flags), "recorded-operator")
        try:
            operator.start()
            measured = Board(cluster.kubectl, NAMESPACE)
            eventually(lambda: _measured(measured, promises), 120, lambda: _said(measured), interval=1)
            yield measured
        finally:
            operator.stop()
            cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def _measured(board: Board, promises: dict[str, Promise]) -> bool:
    statuses = board.statuses()
    return len(statuses) == len(promises) and all(truth.reason(each) == "Measured" for each in statuses.values())


def _said(board: Board) -> str:
    return str({name: truth.condition(each).get("message") for name, each in board.statuses().items()})


@pytest.mark.parametrize("name", [*KINDS, *(case for case in CASES if case != UNSEEN)])
def test_the_budget_is_within_a_point_of_the_exact_one(name: str, board: Board, promises: dict[str, Promise]) -> None:
    status = board.statuses()[name]
    promise = promises[name]
    expected = truth.answer(promise, status)
    target = float(promise.spec["objective"]["target"])
    exact = expected.remaining(target)
    # Where a budget is spent many times over a point of it is a point of what was spent. Of three days of minutes with
    # 1 % to spend two are five points; of the 30 days of the window they are half a point.
    points = max(1.0, (100 - exact) / 100, 5.0 if name in MINUTES else 0.0)
    assert status["budget"]["remainingPercent"] == pytest.approx(exact, abs=points)
    assert status["counts"]["valid"] == pytest.approx(expected.valid, rel=3e-3, abs=2)


def test_a_gap_of_scrapes_costs_what_happened_in_it(board: Board, promises: dict[str, Promise]) -> None:
    status = board.statuses()[UNSEEN]
    expected = truth.answer(promises[UNSEEN], status)
    assert 0.98 * expected.valid < status["counts"]["valid"] < expected.valid
    assert status["budget"]["remainingPercent"] == pytest.approx(expected.remaining(99.9), abs=1.5)
