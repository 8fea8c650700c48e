"""Several operators, one of which works: what becomes of a freeze, and of who writes, when that one is lost."""

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from e2e.api import Api
from e2e.api_proxy import ApiProxy
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsOperator
from e2e.cluster.local import LocalProvider
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.service import Service, apply
from e2e.shop import FAST, GATEWAY, Shop
from e2e.test_freeze_faults import tried

LEASE = ("--lease", "frostline-system/frostline-operator")
ELECTED = (*FAST, *LEASE)
LEASE_S, RETRY_S = 15.0, 2.5
REHYDRATED_S = 15.0
"""What a new leader is given to look at everything."""


class Releases:
    """Tries a release over and over while in its context, as a dry run."""

    def __init__(self, cluster: Cluster, people: Shop) -> None:
        self.answers: Counter[int] = Counter()
        self.said: Counter[tuple[int, str]] = Counter()
        self.away = 0
        self._cluster = cluster
        self._people = people
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Releases":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            api = Api(self._cluster)
            try:
                while not self._over.wait(0.02):
                    answer = tried(api, self._people)
                    self.answers[answer.status] += 1
                    self.said[answer.status, answer.message] += 1
            except OSError:
                # The API server is being restarted.
                self.away += 1
                self._over.wait(0.1)
            finally:
                api.close()


@pytest.fixture
def through(cluster: Cluster) -> Iterator[ApiProxy]:
    """Give a proxy for one of the operators."""
    with ApiProxy(cluster) as proxy:
        yield proxy


@pytest.fixture
def spent(shop: Service, people: Shop, quick: str) -> Service:
    """Give a service without a budget, whose promise protects the gateway."""
    people.revisions("app:1", "app:2")
    shop.spend()
    eventually(shop.is_spent, 10)
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    return shop


def leads(running: OperatorProcess) -> bool:
    return running.metric("leader") == 1.0


def working(running: OperatorProcess) -> bool:
    """Say whether an operator leads, and has looked at everything."""
    return leads(running) and running.ready()


def tail(running: OperatorProcess) -> str:
    return running.log.read_text()[-3000:]


def send(cluster: Cluster, running: OperatorProcess, number: signal.Signals) -> None:
    record = cluster.site.processes.running(running.part.name)
    assert record is not None
    record.signal(number)


def standing(people: Shop) -> tuple[Any, ...]:
    """Return what must not change: the gate, since when and why, the marks, the level and, in points, the budget."""
    (gate,) = people.get("releasegates")["items"]
    status = people.status()
    held = [(each["objective"], each["level"], each["since"]) for each in gate["spec"]["by"]]
    # A figure of a rolling window moves a little with each bucket.
    budget = pytest.approx(float(status["display"]["budget"].rstrip("%")), abs=2)
    return gate["metadata"]["uid"], gate["spec"]["rule"], held, tuple(people.marks()), status["level"], budget


def settled(people: Shop) -> tuple[Any, ...]:
    """Return what stands once everything is said of a freeze."""
    eventually(people.frozen, 60, lambda: str(people.status()))
    eventually(lambda: people.condition("Measured").get("status") == "True", 60, lambda: str(people.status()))
    eventually(lambda: people.condition("ReleasesOpen").get("reason") == "Held", 60, lambda: str(people.status()))
    return standing(people)


def test_a_leader_that_is_killed_is_followed_by_a_standby_that_knows_as_much(
    cluster: Cluster, spent: Service, people: Shop, operator: RunsOperator, capsys: pytest.CaptureFixture[str]
) -> None:
    first = operator(spent.url, people.namespace, flags=ELECTED)
    before = settled(people)
    second = operator(spent.url, people.namespace, flags=ELECTED)
    third = operator(spent.url, people.namespace, flags=ELECTED)
    assert [leads(each) for each in (first, second, third)] == [True, False, False]
    assert "standing by" in tail(second)
    assert second.metric("cycles_total") == 0, "a standby measures nothing"

    with Releases(cluster, people) as releases:
        first.kill()
        died = time.monotonic()
        eventually(lambda: working(second) or working(third), LEASE_S + RETRY_S + REHYDRATED_S, lambda: tail(second))
        took = time.monotonic() - died
        assert standing(people) == before
        follower = second if leads(second) else third
        cycles = follower.metric("cycles_total")
        eventually(lambda: follower.metric("cycles_total") > cycles + 3, 60)
        assert standing(people) == before
    with capsys.disabled():
        print(f"\n  kill -9: a standby had looked at everything after {took:.1f} s")
    assert set(releases.answers) == {403}, releases.said
    assert not (leads(second) and leads(third))

    eventually(lambda: spent.earn() and not people.gates(), 90, lambda: tail(follower), interval=1)
    assert people.release("app:4") == ""


@pytest.mark.parametrize("how", ["stopped", "cut off"])
def test_a_leader_that_comes_back_too_late_writes_nothing_more(
    *,
    how: str,
    cluster: Cluster,
    through: ApiProxy,
    spent: Service,
    people: Shop,
    operator: RunsOperator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    way = ("--kubeconfig", str(through.kubeconfig(cluster, tmp_path / "old")))
    old = operator(spent.url, people.namespace, flags=(*ELECTED, *way))
    before = settled(people)
    assert through.writes(), "what the old one writes is seen"
    new = operator(spent.url, people.namespace, flags=ELECTED)

    with Releases(cluster, people) as releases:
        lost = time.monotonic()
        if how == "stopped":
            send(cluster, old, signal.SIGSTOP)
        else:
            through.cut()
        both = 0
        while not working(new):
            assert time.monotonic() - lost < LEASE_S + RETRY_S + REHYDRATED_S, tail(new)
            if how == "cut off":
                both += leads(new) and leads(old)
        took = time.monotonic() - lost
        # Something to write for whoever believes that it leads: marks to put back, and a new promise to judge.
        people.run("label", "deploy/gateway", "frostline.dev/releases-")
        apply(people.kubectl, people.namespace, spent.objective("other", protects=[]))
        back = time.monotonic()
        if how == "stopped":
            send(cluster, old, signal.SIGCONT)
        else:
            through.mend()
        eventually(lambda: "leading no more" in old.log.read_text(), 30, lambda: tail(old))
        eventually(lambda: old.ready() and not leads(old), 30, lambda: tail(old))
        eventually(lambda: people.status("other").get("level"), 60, lambda: tail(new))
        eventually(lambda: standing(people) == before, 30, lambda: str(standing(people)))
    with capsys.disabled():
        print(f"\n  {how}: the standby had looked at everything after {took:.1f} s")
    assert through.writes(since=back if how == "stopped" else lost + LEASE_S) == []
    assert not both
    assert leads(new)
    assert set(releases.answers) == {403}, releases.said

    new.stop()
    eventually(lambda: working(old), 30, lambda: tail(old))
    assert standing(people) == before, "who comes to lead again begins anew"


def test_a_leader_that_is_asked_to_go_hands_over(
    *,
    cluster: Cluster,
    spent: Service,
    people: Shop,
    operator: RunsOperator,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    first = operator(spent.url, people.namespace, flags=ELECTED)
    before = settled(people)
    second = operator(spent.url, people.namespace, flags=ELECTED)

    with Releases(cluster, people) as releases:
        asked = time.monotonic()
        send(cluster, first, signal.SIGTERM)
        eventually(lambda: leads(second), 30, lambda: tail(second), interval=0.02)
        took = time.monotonic() - asked
        eventually(lambda: working(second), REHYDRATED_S, lambda: tail(second))
        assert standing(people) == before
    assert "let go of lease" in first.log.read_text()
    assert set(releases.answers) == {403}, releases.said
    with capsys.disabled():
        print(f"\n  SIGTERM: a standby led after {took:.1f} s")
    assert took < 2 * RETRY_S

    command = second.part.command({"http": 0}).argv
    log = tmp_path / "log"
    with log.open("w") as output:
        third = subprocess.Popen(command, stdout=output, stderr=output)
        eventually(lambda: "standing by" in log.read_text(), 30, log.read_text)
        third.terminate()
        assert third.wait(10) == 0, "a standby ends in order"
        second.stop()
        fourth = subprocess.Popen(command, stdout=output, stderr=output)
        eventually(lambda: log.read_text().count("leading:") == 1, 30, log.read_text)
        fourth.terminate()
        assert fourth.wait(20) == 0, log.read_text()


def test_the_api_server_restarts_under_two_operators(
    cluster: Cluster, spent: Service, people: Shop, operator: RunsOperator
) -> None:
    running = [operator(spent.url, people.namespace, flags=ELECTED) for _ in range(2)]
    before = settled(people)

    with Releases(cluster, people) as releases:
        plane = LocalProvider(cluster.site).plane
        cluster.site.processes.kill(plane.api_server.name)
        cluster.site.supervisor.ensure(plane.api_server)
        cycles = [each.metric("cycles_total") for each in running]
        eventually(
            lambda: any(each.metric("cycles_total") > done + 2 for each, done in zip(running, cycles, strict=True)), 60
        )
        eventually(lambda: sum(map(working, running)) == 1, 60, lambda: "\n".join(map(tail, running)))
        eventually(lambda: standing(people) == before, 60, lambda: str(standing(people)))
    assert releases.away, "the API server was away"
    # Until an API server that has just started knows our kind, some seconds, it refuses in words of its own.
    others = [said for status, said in releases.said if status != HTTPStatus.FORBIDDEN]
    assert all("paramKind" in said for said in others), releases.said
    assert set(releases.answers) <= {HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}, releases.said
