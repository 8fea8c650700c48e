import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from frostline.api.accept import accept
from frostline.controller import rule_delivery as module
from frostline.controller.account import Key
from frostline.controller.cycle import View
from frostline.controller.rule_delivery import AGAIN_S, RETRY_S, RuleDelivery
from frostline.core import rule_files
from frostline.core.rule_delivery import ForeignError
from frostline.core.rule_files import RuleFile, text
from frostline.core.rules import Rule
from frostline.names import DEFAULT_SOURCE


def view(name: str, target: str = "99.9", source: str | None = DEFAULT_SOURCE) -> View:
    spec: dict[str, Any] = {
        "indicator": {"ratio": {"bad": 'x{code="5"}', "valid": "x"}},
        "objective": {"target": Decimal(target)},
        "window": {"rolling": "30d"},
    }
    return View(Key("shop", name), accept(spec), None, source)


def invalid(name: str) -> View:
    return View(Key("shop", name), accept({}), None, DEFAULT_SOURCE)


@dataclass
class Place:
    """Remembers files; refuses those in `refused`, and everything while `down`."""

    files: dict[str, str] = field(default_factory=dict)
    theirs: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    down: bool = False
    done: list[str] = field(default_factory=list)
    looks: int = 0

    async def found(self) -> dict[str, str | None]:
        self.looks += 1
        if self.down:
            raise OSError(5, "no such place")
        return {**self.files, **dict.fromkeys(self.theirs)}

    def digest(self, file: RuleFile) -> str:
        return text([file])

    async def write(self, file: RuleFile) -> None:
        if file.name in self.refused:
            raise ForeignError(f"{file.name} is somebody else's")
        self.done.append(f"write {file.name}")
        self.files[file.name] = text([file])

    async def remove(self, name: str) -> None:
        self.done.append(f"remove {name}")
        del self.files[name]

    def all(self) -> str:
        return "".join(self.files.values())


class Time:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def delivery(place: Place, time: Time, came: list[str], troubles: list[str | None]) -> RuleDelivery:
    async def troubled(trouble: str | None) -> None:
        troubles.append(trouble)

    return RuleDelivery(place, clock=time, delivered=came.append, troubled=troubled)


@pytest.fixture
def troubles() -> list[str | None]:
    """What was told, attempt by attempt."""
    return []


@pytest.fixture
def came() -> list[str]:
    return []


def look(delivery: RuleDelivery, *views: View) -> None:
    asyncio.run(delivery.look(views))


def test_the_shared_file_comes_first_and_invalid_promises_have_no_rules(delivery: RuleDelivery, place: Place) -> None:
    look(delivery, view("a"), invalid("b"))

    assert place.done == ["write frostline-shared", "write frostline-slos"]
    assert 'name: "a"' in place.all()
    assert 'name: "b"' not in place.all()


def test_nothing_is_looked_at_until_something_changes(delivery: RuleDelivery, place: Place, time: Time) -> None:
    same = view("a")
    look(delivery, same)
    look(delivery, same)
    assert (place.looks, len(place.done)) == (1, 2)

    time.now += AGAIN_S
    look(delivery, same)

    assert (place.looks, len(place.done)) == (2, 2)


def test_what_somebody_changed_is_put_right(delivery: RuleDelivery, place: Place, time: Time) -> None:
    same = view("a")
    look(delivery, same)
    whole = dict(place.files)
    place.files["frostline-slos"] = "groups: []"
    time.now += AGAIN_S

    look(delivery, same)

    assert place.files == whole


def test_a_change_rewrites_one_file(delivery: RuleDelivery, place: Place) -> None:
    views = {number: view(f"a{number}") for number in range(600)}
    look(delivery, *views.values())
    assert len(place.files) > 3
    place.done.clear()

    look(delivery, *(views | {7: view("a7", "99.5")}).values())

    (done,) = place.done
    assert done.startswith("write frostline-slos-")


def test_one_that_goes_takes_its_rules_along(delivery: RuleDelivery, place: Place) -> None:
    kept = view("a")
    look(delivery, kept, view("b"))

    look(delivery, kept)

    assert 'name: "b"' not in place.all()


def test_files_go_after_those_that_take_over_are_written(delivery: RuleDelivery, place: Place) -> None:
    views = [view(f"a{number}") for number in range(300)]
    look(delivery, *views)
    place.done.clear()

    look(delivery, *views[:10])

    assert [each.split()[0] for each in place.done] == ["write", "remove", "remove"]


def test_nothing_is_removed_while_something_cannot_be_written(
    delivery: RuleDelivery, place: Place, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    views = [view(f"a{number}") for number in range(300)]
    look(delivery, *views)
    place.theirs = {"frostline-slos"}

    look(delivery, *views[:10])
    assert "frostline-slos in" in caplog.text
    assert "frostline-slos-0" in place.files

    place.theirs = set()
    time.now += RETRY_S
    look(delivery, *views[:10])
    assert set(place.files) == {"frostline-shared", "frostline-slos"}


def test_what_fails_is_tried_again_after_a_while(
    delivery: RuleDelivery,
    place: Place,
    time: Time,
    troubles: list[str | None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    same = view("a")
    place.down = True
    look(delivery, same)
    assert "no such place" in caplog.text
    place.down = False
    look(delivery, same)
    assert not place.files

    time.now += RETRY_S
    look(delivery, same)

    assert set(place.files) == {"frostline-shared", "frostline-slos"}
    assert [None if why is None else "no such place" in why for why in troubles] == [True, None]


def test_rules_of_what_another_prometheus_measures_are_not_there(delivery: RuleDelivery, place: Place) -> None:
    look(delivery, view("a"), view("b", source="team-b"))

    assert 'name: "a"' in place.all()
    assert 'name: "b"' not in place.all()


def test_while_it_is_not_known_what_measures_it_rules_stay(delivery: RuleDelivery, place: Place) -> None:
    look(delivery, view("a"))
    place.done.clear()

    look(delivery, view("a", source=None), view("b", source=None))

    assert place.done == []
    assert 'name: "a"' in place.all()
    assert 'name: "b"' not in place.all()


def test_before_the_first_cycle_nothing_is_touched(
    delivery: RuleDelivery, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known then is nothing: all rules of an earlier term would go."""
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    place.files = {"frostline-slos": "an earlier term"}
    answers: list[tuple[View, ...] | None] = [None, None, None, (view("a"),)]

    def views() -> tuple[View, ...] | None:
        if len(answers) > 1:
            assert place.looks == 0
            return answers.pop(0)
        return answers[0]

    async def run() -> None:
        keeping = asyncio.create_task(delivery.keep(views))
        while len(place.done) < 2:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        keeping.cancel()

    asyncio.run(run())

    assert place.done == ["write frostline-shared", "write frostline-slos"]


def test_a_name_that_is_taken_keeps_no_other_from_being_written(
    delivery: RuleDelivery, place: Place, came: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    place.refused = {"frostline-shared"}

    look(delivery, view("a"))

    assert place.done == ["write frostline-slos"]
    assert came == ["written", "taken"]
    assert "frostline-shared is somebody else's" in caplog.text


def test_what_came_of_writes_is_told(delivery: RuleDelivery, place: Place, time: Time, came: list[str]) -> None:
    same = view("a")
    place.down = True
    look(delivery, same)
    place.down = False
    place.files = {"frostline-slos-0": "left over"}
    time.now += RETRY_S

    look(delivery, same)

    assert came == ["refused", "written", "written", "removed"]


def test_what_is_gone_is_rendered_again_though_nothing_changed(
    delivery: RuleDelivery, place: Place, time: Time
) -> None:
    same = view("a")
    look(delivery, same)
    whole = dict(place.files)
    del place.files["frostline-shared"]
    time.now += AGAIN_S

    look(delivery, same)

    assert place.files == whole
    assert place.done[2:] == ["write frostline-shared"]


def test_only_what_is_written_is_parsed(delivery: RuleDelivery, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def parse(rules: Iterable[Rule]) -> None:
        parsed.extend(dict(rule.labels).get("name", "shared") for rule in rules)

    monkeypatch.setattr(rule_files, "_parse", parse)
    first, second, changed = view("a"), view("b"), view("b", target="99")
    look(delivery, first, second)
    assert {"a", "b", "shared"} <= set(parsed)
    whole = dict(place.files)

    parsed.clear()
    look(RuleDelivery(place), first, second)
    assert {"a", "b"}.isdisjoint(parsed)
    assert place.files == whole

    look(RuleDelivery(place), first, changed)
    assert {"a", "b"} <= set(parsed)
    assert place.files != whole


def test_a_promise_that_does_not_parse_is_left_out_though_the_others_stand(
    *,
    delivery: RuleDelivery,
    place: Place,
    time: Time,
    troubles: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    look(delivery, view("a"))
    whole = dict(place.files)

    def parse(rules: Iterable[Rule]) -> None:
        if any(dict(rule.labels).get("name") == "b" for rule in rules):
            raise ValueError("is no PromQL")

    monkeypatch.setattr(rule_files, "_parse", parse)
    fit, unfit = view("a"), view("b")
    look(delivery, fit, unfit)

    assert place.files == whole
    assert caplog.text.count("no rules of shop/b: is no PromQL") == 1

    place.files.clear()
    time.now += AGAIN_S
    look(delivery, fit, unfit)

    assert place.files == whole
    assert caplog.text.count("no rules of shop/b: is no PromQL") == 1
    assert troubles == [None, "no rules of shop/b: is no PromQL", "no rules of shop/b: is no PromQL"]
