import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer

from frostline.controller.health import Health, application


class Clock:
    """Seconds that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def answers(health: Health, exposition: bytes = b"") -> dict[str, tuple[int, str]]:
    """Return (status, text) of each path."""

    async def ask() -> dict[str, tuple[int, str]]:
        served = application(health, lambda: exposition)
        async with TestClient(TestServer(served)) as client:
            found = {}
            for path in ("/healthz", "/readyz", "/metrics"):
                async with client.get(path) as response:
                    found[path] = (response.status, await response.text())
            return found

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("interval_s", "silent_s", "alive"),
    [
        pytest.param(30, 120, True, id="two minutes are granted"),
        pytest.param(30, 121, False, id="and no more"),
        pytest.param(300, 900, True, id="three long cycles are granted"),
        pytest.param(300, 901, False, id="and no more of them"),
    ],
)
def test_it_is_alive_while_cycles_end(interval_s: int, silent_s: float, alive: bool) -> None:
    clock = Clock()
    health = Health(interval_s, clock)

    clock.now += silent_s

    assert health.alive is alive
    assert health.silent_s() == silent_s


def test_a_cycle_that_ends_brings_it_back() -> None:
    clock = Clock()
    observed: list[float] = []
    health = Health(30, clock, observed.append)
    clock.now += 1_000

    health.cycled(2.5)

    assert health.alive
    assert (health.cycles, observed, health.silent_s()) == (1, [2.5], 0)


def test_it_is_ready_after_the_first_cycle_and_stays_so() -> None:
    clock = Clock()
    health = Health(30, clock)
    before = health.ready
    health.cycled(1)
    clock.now += 1_000

    assert (before, health.ready, health.alive) == (False, True, False)


def test_the_paths_before_the_first_cycle() -> None:
    found = answers(Health(30, Clock()))

    assert found["/healthz"] == (200, "ok\n")
    assert found["/readyz"] == (503, "the first cycle has not ended yet\n")


def test_the_paths_when_cycles_have_stopped() -> None:
    clock = Clock()
    health = Health(30, clock)
    health.cycled(1)
    clock.now += 500

    found = answers(health)

    assert found["/healthz"] == (503, "no cycle has ended for 500 s\n")
    assert found["/readyz"] == (200, "ok\n")


def test_metrics_are_served() -> None:
    assert answers(Health(30, Clock()), b"some_metric 5.0\n")["/metrics"] == (200, "some_metric 5.0\n")


def test_a_standby_is_ready_once_it_knows_who_leads_and_stays_so() -> None:
    health = Health(30, Clock())
    seen = [health.ready]
    for known in (False, True, False):
        health.stand_by(known=known)
        seen.append(health.ready)

    assert seen == [False, False, True, True]


def test_a_standby_is_alive_while_it_asks() -> None:
    clock = Clock()
    health = Health(30, clock)
    clock.now += 1_000
    health.stand_by(known=False)

    assert health.alive


def test_who_comes_to_lead_is_ready_after_its_first_cycle() -> None:
    clock = Clock()
    health = Health(30, clock)
    health.stand_by(known=True)
    clock.now += 119
    health.begin()
    clock.now += 119
    before = health.alive, health.ready
    health.cycled(1)

    assert before == (True, False)
    assert health.ready


def test_who_leads_no_more_is_not_ready_before_it_knows_who_does() -> None:
    health = Health(30, Clock())
    health.begin()
    health.cycled(1)
    health.stand_by(known=False)

    assert not health.ready
