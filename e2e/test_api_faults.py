"""The operator while the API server refuses, forgets where a watch was, or breaks off in the middle."""

import functools
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.api_proxy import ApiProxy, Asked, Say
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl, RunsOperator
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.service import Service, apply
from e2e.shop import FAST, GATEWAY, Shop

BUSY = Say(429, {"Retry-After": "1"})
REFUSALS = 12


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[ApiProxy]:
    """Give the operator's way to the API server."""
    with ApiProxy(cluster) as running:
        yield running


@pytest.fixture
def way(cluster: Cluster, proxy: ApiProxy, tmp_path: Path) -> tuple[str, ...]:
    """Give the operator's flags by which it goes that way."""
    return (*FAST, "--kubeconfig", str(proxy.kubeconfig(cluster, tmp_path / "operator")))


def tail(running: OperatorProcess) -> str:
    return running.log.read_text()[-3000:]


def told(people: Shop, name: str) -> bool:
    return bool(people.status(name).get("level"))


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Say(500), id="500"),
        pytest.param(Say(410), id="410"),
        pytest.param(Say(403), id="403"),
        pytest.param(BUSY, id="429"),
        pytest.param(
            Say(200, body='{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}\n'),
            id="410 in the stream",
        ),
        pytest.param(
            Say(200, body='{"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcd"}}\n'),
            id="500 in the stream",
        ),
    ],
)
def test_watches_that_are_refused_come_back(
    *, said: Say, shop: Service, people: Shop, operator: RunsOperator, proxy: ApiProxy, way: tuple[str, ...]
) -> None:
    running = operator(shop.url, people.namespace, flags=way)
    process = running.pid
    apply(people.kubectl, people.namespace, shop.objective("gone", protects=[]), shop.objective("stays", protects=[]))
    eventually(lambda: people.status("gone").get("level"), 60, lambda: tail(running))

    proxy.faults = lambda asked: said if asked.watches else None
    proxy.break_streams()
    eventually(lambda: len(proxy.said) >= REFUSALS, 60, lambda: tail(running))
    people.run("delete", "slo", "gone")
    proxy.faults = lambda _: None
    apply(people.kubectl, people.namespace, shop.objective("came", protects=[]))

    eventually(lambda: people.status("came").get("level"), 60, lambda: tail(running))
    assert running.pid == process, tail(running)
    assert running.ready()


def test_streams_that_are_cut_go_on(
    shop: Service, people: Shop, operator: RunsOperator, proxy: ApiProxy, way: tuple[str, ...]
) -> None:
    running = operator(shop.url, people.namespace, flags=way)
    for number in range(3):
        proxy.break_streams()
        apply(people.kubectl, people.namespace, shop.objective(f"promise-{number}", protects=[]))
        name = f"promise-{number}"
        eventually(functools.partial(told, people, name), 60, lambda: tail(running))


def test_when_there_is_too_much_writes_wait_as_asked_and_gates_get_through(
    *, shop: Service, people: Shop, quick: str, operator: RunsOperator, proxy: ApiProxy, way: tuple[str, ...]
) -> None:
    """Every write is refused twice, statuses for ever: the freeze comes all the same, and nobody is pestered."""
    people.deploy("gateway", "app:1")
    shop.spend()
    tries: dict[tuple[str, str], int] = {}
    times: dict[tuple[str, str], list[float]] = {}

    def busy(asked: Asked) -> Say | None:
        if not asked.writes:
            return None
        key = (asked.method, asked.path)
        tries[key] = tries.get(key, 0) + 1
        times.setdefault(key, []).append(asked.at)
        return BUSY if asked.path.endswith("/status") or tries[key] <= 2 else None

    proxy.faults = busy
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    running = operator(shop.url, people.namespace, flags=way)
    eventually(people.frozen, 120, lambda: tail(running))
    # Other paths are written to by several at once.
    statuses = [each for (_, path), each in times.items() if path.endswith("/status")]
    waits = [after - before for each in statuses for before, after in itertools.pairwise(each)]
    assert waits
    assert min(waits) >= 0.95, "no write is tried again before the second that was asked for"
    assert people.status().get("level") is None

    proxy.faults = lambda _: None
    eventually(lambda: people.status().get("level") == "Exhausted", 60, lambda: tail(running))


def test_many_statuses_do_not_come_all_at_once(
    *,
    shop: Service,
    namespace: str,
    kubectl: RunsKubectl,
    operator: RunsOperator,
    proxy: ApiProxy,
    way: tuple[str, ...],
) -> None:
    """A hundred at once, and then fifty a second: of 200 first statuses and their Events the last waits."""
    apply(kubectl, namespace, *(shop.objective(f"promise-{number}", protects=[]) for number in range(200)))
    begun = time.monotonic()
    running = operator(shop.url, namespace, flags=way)
    eventually(lambda: len(proxy.writes(since=begun)) >= 200, 120, lambda: tail(running))

    at = sorted(each.at for each in proxy.writes(since=begun))
    busiest = max(sum(start <= each < start + 1 for each in at) for start in at)
    assert busiest <= 100 + 50 + 5, f"{busiest} writes in one second"
