"""What rules recorded, and what counters say, against the exact answer: all kinds, and histories that go wrong."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import yaml

from e2e import truth
from e2e.cluster.cluster import Cluster
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.waiting import eventually
from e2e.disarming import disarm
from e2e.recorded import recording
from e2e.test_indicators import TOLD, example, extra
from e2e.test_truth import CASES, apart
from e2e.truth import DAY, HOUR, Board, Promise

DIRECT = "direct"
RECORDED = "recorded"
KINDS = [*TOLD, "native-exponential", "latency-in-slices"]

# Rules tell how many of the last five minutes were bad, not which: until five are over up to 1.2 too many or too few
# may count. Of three days with 1 % to spend a minute is two points.
MINUTES = ("freshness-age", "freshness-timestamp", "threshold-gauge", "threshold-p95", "a-gauge-with-a-gap")


@pytest.fixture(scope="module")
def promises() -> dict[str, Promise]:
    """Give every kind of indicator and every history."""
    now = int(time.time())
    told = {name: tell(now) for name, tell in TOLD.items()}
    examples = {
        name: Promise(example(name)["spec"], each.series, each.histograms, each.exact) for name, each in told.items()
    }
    return examples | extra(now) | {name: apart(name, make(now)) for name, make in CASES.items()}


@dataclass(frozen=True)
class Boards:
    """The same promises on one history, measured in both ways."""

    direct: Board
    recorded: Board


@pytest.fixture(scope="module")
def boards(cluster: Cluster, promises: dict[str, Promise]) -> Iterator[Boards]:
    """Give all of them, measured by counters, and by rules that were evaluated all the time.

    The history goes on a while after now, and so does what rules record of it.
    """
    now = int(time.time())
    measured = Boards(Board(cluster.kubectl, DIRECT), Board(cluster.kubectl, RECORDED))
    with recording(cluster, RECORDED, promises, past=(now - 3 * DAY - HOUR, now + truth.AHEAD - 30)) as (source, _):
        operators = [_operator(cluster, source.url, each) for each in (DIRECT, RECORDED)]
        try:
            for each in (DIRECT, RECORDED):
                cluster.kubectl("create", "namespace", each)
                applied = [truth.manifest(each, name, promise.spec) for name, promise in promises.items()]
                cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(applied))
            for operator in operators:
                operator.start()
            for board in (measured.direct, measured.recorded):
                eventually(partial(_all_measured, board, promises), 240, partial(_said, board), interval=1)
            yield measured
        finally:
            for operator in operators:
                operator.stop()
            cluster.kubectl("delete", "namespace", DIRECT, RECORDED, "--wait=false")
            disarm(cluster)


def _operator(cluster: Cluster, url: str, measuring: str) -> OperatorProcess:
    """Return an operator that serves the namespace which has the name of its way of measuring."""
    flags = ("--cycle-interval", "5s", "--measuring", measuring, "--rules", "off")
    return OperatorProcess(cluster.site, OperatorSettings(url, (measuring,), flags), f"{measuring}-operator")


def _all_measured(board: Board, promises: dict[str, Promise]) -> bool:
    statuses = board.statuses()
    return len(statuses) == len(promises) and all(truth.reason(each) == "Measured" for each in statuses.values())


def _said(board: Board) -> str:
    return str({name: truth.condition(each).get("message") for name, each in board.statuses().items()})


def _off(promise: Promise, status: dict[str, Any]) -> tuple[float, float]:
    """Return the exact percentage of the budget that is left, and how far a figure is from it."""
    exact = truth.answer(promise, status).remaining(float(promise.spec["objective"]["target"]))
    return exact, status["budget"]["remainingPercent"] - exact


def _bound(points: float, exact: float) -> float:
    """Return how far a figure may be off: where a budget is spent many times over, in points of what was spent."""
    return points * max(1.0, (100 - exact) / 100)


def test_the_table(boards: Boards, promises: dict[str, Promise], capsys: pytest.CaptureFixture[str]) -> None:
    """Print how far both are off."""
    direct, recorded = boards.direct.statuses(), boards.recorded.statuses()
    rows = [f"{'points of budget off':34}{'exact %':>10}{'direct':>9}{'recorded':>9}"]
    for name, promise in promises.items():
        exact, off = _off(promise, recorded[name])
        rows.append(f"{name:34}{exact:10.2f}{_off(promise, direct[name])[1]:9.3f}{off:9.3f}")
    with capsys.disabled():
        print("", *rows, sep="\n")
    assert {len(direct), len(recorded)} == {len(promises)}


@pytest.mark.parametrize("name", [*KINDS, *CASES])
def test_measured_directly_the_budget_is_within_a_tenth_of_a_point(
    name: str, boards: Boards, promises: dict[str, Promise]
) -> None:
    exact, off = _off(promises[name], boards.direct.statuses()[name])
    assert abs(off) <= _bound(0.1, exact)


@pytest.mark.parametrize("name", [*KINDS, *CASES])
def test_recorded_the_budget_is_within_a_point(name: str, boards: Boards, promises: dict[str, Promise]) -> None:
    def within() -> bool:
        exact, off = _off(promises[name], boards.recorded.statuses()[name])
        assert abs(off) <= _bound(1.0, exact)
        return True

    eventually(within, 330 if name in MINUTES else 0, interval=2)


@pytest.mark.parametrize("name", [*KINDS, *CASES])
def test_recorded_the_count_of_valid_events_is_right(name: str, boards: Boards, promises: dict[str, Promise]) -> None:
    status = boards.recorded.statuses()[name]
    assert status["counts"]["valid"] == pytest.approx(truth.answer(promises[name], status).valid, rel=3e-3, abs=2)
