"""Thousands of objectives that degrade at once must not flood the API server. Time is a number here."""

import asyncio
import copy
import gc
from collections.abc import Mapping
from typing import Any

import pytest

from frostline import names
from frostline.api.accept import accept
from frostline.api.base import JsonObject
from frostline.controller.account import Key
from frostline.controller.garbage import Settled
from frostline.controller.status import Facts
from frostline.controller.statuses import Statuses
from frostline.controller.store import Store, Stored
from frostline.controller.writing import RESTART_S, WRITES_PER_S
from frostline.core.outcome import Measured, Rehydrating
from frostline.core.policy import Level
from tests.controller.test_status import FULL, PASS, assessed, figure
from tests.controller.world.manifests import merged
from tests.support.objectives import AT

CYCLE_S = 30
MOST_AT_ONCE = 110
ACCEPTED = accept(FULL)
ACCOUNTS = {
    Level.HEALTHY: assessed(Measured(), figure(50, 1_000_000, 0.5), Level.HEALTHY),
    Level.DEPLETING: assessed(Measured(), figure(500, 1_000_000, 2.5), Level.DEPLETING),
    Level.EXHAUSTED: assessed(Measured(), figure(2_000, 1_000_000, 14.4), Level.EXHAUSTED),
}


class Fleet:
    """Objectives on an API server that keeps every status; `levels` is what each is at."""

    def __init__(self, size: int) -> None:
        self.store = Store()
        self.levels: dict[Key, Level] = {}
        self.written: list[Key] = []
        self._manifests: dict[Key, JsonObject] = {}
        self._statuses = Statuses(self.store, self)
        for number in range(size):
            metadata = {"namespace": "n", "name": f"slo-{number:05}", "uid": str(number)}
            made = {"metadata": {**metadata, "generation": 1, "resourceVersion": "1"}, "spec": FULL}
            self.store.put(made)
            self._manifests[Key("n", f"slo-{number:05}")] = made
            self.levels[Key("n", f"slo-{number:05}")] = Level.HEALTHY

    def restart(self) -> None:
        """Have another operator begin, which knows what it reads."""
        self._statuses = Statuses(self.store, self)

    def change(self, key: Key, *, generation: int = 1, releases: str = "Open", measured: str = "True") -> None:
        """Have an object be another one than the operator left."""
        made = self._manifests[key] = copy.deepcopy(self._manifests[key])
        made["metadata"] |= {"generation": generation, "resourceVersion": "1000"}
        made["status"]["releases"] = releases
        (condition,) = (each for each in made["status"]["conditions"] if each["type"] == names.Condition.MEASURED)
        condition["status"] = measured
        self.store.put(made)

    async def write(self, read: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        self.written.append(read.key)
        made = self._manifests[read.key] = copy.deepcopy(self._manifests[read.key])
        made["status"] = merged(made.get("status", {}), patch)
        made["metadata"]["resourceVersion"] = str(int(made["metadata"]["resourceVersion"]) + 1)
        return made

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        """Say nothing."""

    def cycle(self, at: int) -> list[Key]:
        """Run the writing part of a cycle; return what was written, in this order."""
        self.written = []
        objects = self.store.snapshot()
        facts = {
            key: Facts(each.generation, ACCEPTED, ACCOUNTS[self.levels[key]], each.status, at, PASS)
            for key, each in objects.items()
        }
        asyncio.run(self._statuses.write(objects, facts, at))
        return self.written


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.controller.writing.MOST_AT_ONCE", MOST_AT_ONCE)


@pytest.fixture
def fleet() -> Fleet:
    """Give a fleet of which every status is written."""
    found = Fleet(2 * MOST_AT_ONCE)
    found.cycle(AT)
    found.cycle(AT + CYCLE_S)
    return found


def test_writes_are_capped_and_nobody_is_left_out() -> None:
    found = Fleet(2 * MOST_AT_ONCE + 10)
    cycles = [found.cycle(AT + CYCLE_S * number) for number in range(4)]

    assert [len(written) for written in cycles] == [MOST_AT_ONCE, MOST_AT_ONCE, 10, 0]
    assert len({key for written in cycles for key in written}) == 2 * MOST_AT_ONCE + 10


def test_cycles_that_follow_each_other_have_no_more_than_the_rate(fleet: Fleet) -> None:
    fleet.levels = dict.fromkeys(fleet.levels, Level.DEPLETING)
    first = fleet.cycle(AT + 2 * CYCLE_S)

    assert len(first) == MOST_AT_ONCE
    assert len(fleet.cycle(AT + 2 * CYCLE_S)) == 0
    assert len(fleet.cycle(AT + 2 * CYCLE_S + 5)) == 5 * WRITES_PER_S


def test_the_worst_levels_are_told_first(fleet: Fleet) -> None:
    keys = sorted(fleet.levels)
    fleet.levels = dict.fromkeys(keys, Level.DEPLETING) | dict.fromkeys(keys[-7:], Level.EXHAUSTED)

    assert fleet.cycle(AT + 2 * CYCLE_S)[:7] == keys[-7:]


def test_a_changed_level_goes_before_figures(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = ACCOUNTS[Level.HEALTHY]._replace(figure=figure(80, 1_000_000, 0.5))
    monkeypatch.setitem(ACCOUNTS, Level.HEALTHY, moved)
    last = max(fleet.levels)
    fleet.levels[last] = Level.DEPLETING

    assert fleet.cycle(AT + 2 * CYCLE_S)[0] == last


def test_what_is_read_again_after_a_restart_is_told_when_that_takes_long(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ACCOUNTS, Level.HEALTHY, assessed(Rehydrating(0.5), figure(50, 1_000_000, 0.5)))
    fleet.restart()
    begun = AT + 10 * CYCLE_S

    assert [len(fleet.cycle(begun + seconds)) for seconds in (0, RESTART_S - 1, RESTART_S)] == [0, 0, MOST_AT_ONCE]


@pytest.mark.parametrize(
    "changed", [{"generation": 2}, {"releases": "Freeze"}, {"measured": "False"}], ids=lambda each: next(iter(each))
)
def test_what_was_changed_before_a_restart_is_told_at_once(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    monkeypatch.setitem(ACCOUNTS, Level.HEALTHY, assessed(Rehydrating(0.5), figure(50, 1_000_000, 0.5)))
    last = max(fleet.levels)
    fleet.change(last, **changed)
    fleet.restart()

    assert fleet.cycle(AT + 10 * CYCLE_S) == [last]


def test_what_waited_and_got_well_again_is_not_written(fleet: Fleet) -> None:
    fleet.levels = dict.fromkeys(fleet.levels, Level.DEPLETING)
    told = set(fleet.cycle(AT + 2 * CYCLE_S))
    fleet.levels = dict.fromkeys(fleet.levels, Level.HEALTHY)

    assert set(fleet.cycle(AT + 3 * CYCLE_S)) == told


def test_a_clock_that_goes_back_earns_nothing(fleet: Fleet) -> None:
    fleet.levels = dict.fromkeys(fleet.levels, Level.DEPLETING)
    fleet.cycle(AT + 2 * CYCLE_S)

    assert fleet.cycle(AT) == []


def test_what_stays_is_set_aside_as_a_fleet_grows() -> None:
    settled = Settled()
    gc.unfreeze()
    settled.look(10)
    assert gc.get_freeze_count() == 0

    settled.look(1_000)
    set_aside = gc.get_freeze_count()
    gc.unfreeze()
    settled.look(1_100)

    assert set_aside > 0
    assert gc.get_freeze_count() == 0
