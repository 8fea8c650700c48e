import asyncio
from collections.abc import Callable

import pytest

from frostline.controller import loop as module
from frostline.controller.health import Health
from frostline.controller.loop import Loop
from frostline.controller.timing import Timing
from tests.controller.world.manifests import manifest
from tests.controller.world.world import World
from tests.support.objectives import steady


def run_until(made: World, health: Health, done: Callable[[], bool], timing: Timing = Timing(3_600, 15)) -> None:  # noqa: B008
    """Run the loop over a world until `done`, which is asked after each write and each cycle."""

    async def all_of_it() -> None:
        loop = Loop(made.cycle, timing, health)
        made.stores.on_change(cycle=loop.wake, enforcement=loop.nudge)
        task = asyncio.create_task(loop.run())
        async with asyncio.timeout(5):
            while not done():  # noqa: ASYNC110 - what it waits for happens in a thread
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(all_of_it())


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DEBOUNCE_S", 0.0)


def test_a_new_objective_is_measured_without_waiting_for_the_grid() -> None:
    """The next cycle is up to an hour away: buckets are filled and shown at once."""
    made = World({"all": steady(0.0005)})
    made.apply("matching", manifest())
    health = Health(3_600)

    run_until(made, health, lambda: made.api.status("matching").get("level") == "Depleting" and health.cycles >= 2)

    assert health.ready


def test_it_tells_once_all_that_can_be_measured_has_a_figure() -> None:
    made = World({"all": steady(0.0005)})
    made.apply("matching", manifest())
    loop = Loop(made.cycle, Timing(3_600, 15), Health(3_600))

    async def all_of_it() -> None:
        task = asyncio.create_task(loop.run())
        async with asyncio.timeout(5):
            await loop.figured.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(all_of_it())

    assert [view.assessment is not None and view.assessment.figure is not None for view in made.cycle.views] == [True]


def test_cycles_that_take_long_do_not_keep_buckets_from_being_filled() -> None:
    """So it is while the API server puts off the writes of statuses."""
    made = World({"all": steady(0.0005)})
    made.apply("matching", manifest())
    cycle, fill, given_up = made.cycle.decide, made.cycle.fill, []

    async def slow() -> None:
        await cycle()
        # Longer than back-filling is given of an interval.
        await asyncio.sleep(0.6)

    def noted(until: Callable[[], bool]) -> bool:
        given_up.append(until())
        return fill(until)

    made.cycle.decide, made.cycle.fill = slow, noted  # type: ignore[method-assign]

    run_until(made, Health(1), lambda: bool(given_up), Timing(1, 15))

    assert given_up == [False]


def test_statuses_that_are_slow_to_be_written_keep_no_cycle_from_running() -> None:
    made = World({"all": steady(0.0005)})
    made.apply("matching", manifest())
    health = Health(1)
    begun = 0

    async def stuck() -> None:
        nonlocal begun
        begun += 1
        await asyncio.Event().wait()

    made.cycle.tell = stuck  # type: ignore[method-assign]

    run_until(made, health, lambda: health.cycles >= 2, Timing(1, 15))

    assert begun == 1


def test_statuses_that_fail_end_the_loop_loudly() -> None:
    async def breaks() -> None:
        raise RuntimeError("a fault of ours")

    made = World({})
    made.cycle.tell = breaks  # type: ignore[method-assign]

    with pytest.raises(RuntimeError, match="a fault of ours"):
        asyncio.run(Loop(made.cycle, Timing(1, 0), Health(30)).run())


def test_a_change_wakes_the_loop() -> None:
    made = World({"all": steady(0.0)})
    health = Health(3_600)

    def done() -> bool:
        if health.cycles == 1:
            made.apply("matching", manifest("all{"))
        return health.cycles >= 2 and bool(made.api.status("matching"))

    run_until(made, health, done)

    assert made.api.status("matching")["display"]["sli"] == "Invalid"


def test_a_nudge_compares_gates_and_measures_nothing() -> None:
    made = World({"all": steady(0.0)})
    made.apply("matching", manifest())
    health = Health(3_600)
    asked = 0
    compared = 0
    enforce = made.cycle.enforce

    async def counted() -> None:
        nonlocal compared
        compared += 1
        await enforce()

    made.cycle.enforce = counted  # type: ignore[method-assign]

    def done() -> bool:
        nonlocal asked
        if health.cycles == 2 and compared == 2:
            asked = len(made.prometheus.asked)
            made.cluster.deploy("gateway", "app:1")
        return compared == 3

    run_until(made, health, done)

    assert len(made.prometheus.asked) == asked
    assert health.cycles == 2


def test_what_changes_all_the_time_does_not_keep_cycles_from_running() -> None:
    made = World({"all": steady(0.0)})
    health = Health(1)
    enforce = made.cycle.enforce

    async def nudging() -> None:
        await enforce()
        made.cluster.deploy("gateway", "app:1", n=str(made.cluster.version))

    made.cycle.enforce = nudging  # type: ignore[method-assign]

    run_until(made, health, lambda: health.cycles >= 2, Timing(1, 15))


def test_a_cycle_that_fails_ends_the_loop_loudly() -> None:
    async def breaks() -> None:
        raise RuntimeError("a fault of ours")

    made = World({})
    made.cycle.decide = breaks  # type: ignore[method-assign]

    with pytest.raises(RuntimeError, match="a fault of ours"):
        asyncio.run(Loop(made.cycle, Timing(), Health(30)).run())
