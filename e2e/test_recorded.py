"""What rules recorded, against the counters, and against the exact answer, on the same history."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from e2e import truth
from e2e.cluster.cluster import Cluster
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.waiting import eventually
from e2e.recorded import recording
from e2e.test_indicators import TOLD, example, extra
from e2e.test_truth import CASES, _apart
from e2e.truth import DAY, HOUR, Board, Promise

NAMESPACE = "recorded"

_SPANNING = 60
"""Hours of which rules were evaluated: the windows of two days and more than a day before it."""


@pytest.fixture(scope="module")
def promises() -> dict[str, Promise]:
    """Give every kind of indicator and every history that goes wrong."""
    now = int(time.time())
    told = {name: tell(now) for name, tell in TOLD.items()}
    examples = {
        name: Promise(example(name)["spec"], each.series, each.histograms, each.exact) for name, each in told.items()
    }
    return examples | extra(now) | {name: _apart(name, make(now)) for name, make in CASES.items()}


@pytest.fixture(scope="module")
def boards(cluster: Cluster, promises: dict[str, Promise]) -> Iterator[Board]:
    now = int(time.time())
    print("start", now)
    with recording(cluster, NAMESPACE, promises, past=(now - 3 * DAY - HOUR, now + truth.AHEAD - 30)) as (
        prometheus,
        folder,
    ):
        print("recorded", time.time() - now)
        cluster.kubectl("create", "namespace", NAMESPACE)
        applied = [truth.manifest(NAMESPACE, each, promise.spec) for each, promise in promises.items()]
        cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(applied))
        flags = (
            "--cycle-interval",
            "5s",
            "--measuring",
            "recorded",
            "--rules",
            "directory",
            "--rules-directory",
            str(folder),
        )
        operator = OperatorProcess(
            cluster.site, OperatorSettings(prometheus.url, (NAMESPACE,), flags), "operator-recorded"
        )
        operator.start()
        eventually(lambda: any(folder.glob("frostline-slos*")), 60, lambda: operator.log.read_text()[-2000:])
        prometheus.reload()
        yield Board(cluster.kubectl, NAMESPACE)
        operator.stop()


def test_x(boards: Board, promises: dict[str, Promise]) -> None:
    boards.settled()
    eventually(
        lambda: (
            not [n for n, s in boards.statuses().items() if truth.reason(s) in ("", "Rehydrating", "RulesNotEvaluated")]
        ),
        150,
        lambda: str({n: truth.condition(s).get("message") for n, s in boards.statuses().items()}),
        interval=2,
    )
    for name, status in boards.statuses().items():
        if truth.reason(status) != "Measured":
            print(name, truth.condition(status))
            continue
        promise = promises[name]
        expected = truth.answer(promise, status)
        target = float(promise.spec["objective"]["target"])
        print(
            f"{name:40} {status['counts']['valid']:>12} {expected.valid:12.1f} bad {status['counts']['bad']:>10} {expected.bad:10.1f} left {status['budget']['remainingPercent']:>8} {expected.remaining(target):8.2f}"
        )
    assert 0
