import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.api.base import JsonObject
from frostline.controller.writing import LastWrite, merge_patch, worth_writing
from tests.controller.test_status import SITUATIONS
from tests.controller.world.manifests import merged
from tests.support.objectives import AT

STORED = SITUATIONS["healthy"]


def changed(**changes: Any) -> JsonObject:
    """Return the stored status with parts of it changed."""
    status: JsonObject = merged(copy.deepcopy(STORED), changes)
    return status


def conditions(**changes: str) -> list[JsonObject]:
    return [each | (changes if each["type"] == "Measured" else {}) for each in STORED["conditions"]]


def worth(rendered: JsonObject, seconds: int = 1, *, stored: JsonObject = STORED, fleet: int = 10) -> bool:
    """Return the verdict `seconds` after our last write, which is what is stored."""
    return worth_writing(stored, rendered, LastWrite(stored, AT), now=AT + seconds, fleet=fleet, seed="dating/matching")


@pytest.mark.parametrize(
    ("rendered", "verdict"),
    [
        pytest.param(STORED, False, id="nothing changed"),
        pytest.param(changed(sli=99.9951), False, id="a digit of the SLI"),
        pytest.param(changed(measuredAt="2027-01-15T08:00:30Z"), False, id="the time"),
        pytest.param(changed(budget={"remainingPercent": 94.01}), False, id="less than a percent"),
        pytest.param(changed(budget={"remainingPercent": 94}), True, id="a percent down"),
        pytest.param(changed(budget={"remainingPercent": 96}), True, id="a percent up"),
        pytest.param({name: part for name, part in STORED.items() if name != "budget"}, True, id="no budget any more"),
        pytest.param(changed(level="Depleting"), True, id="a level"),
        pytest.param(changed(levelSince="2027-01-15T08:00:00Z"), True, id="since when"),
        pytest.param(changed(releases="Freeze"), True, id="the release rule"),
        pytest.param(changed(target=99.95), True, id="the target"),
        pytest.param(changed(queries={"valid": "x"}), True, id="the queries"),
        pytest.param(changed(observedGeneration=4), True, id="the generation"),
        pytest.param(changed(conditions=conditions(status="False")), True, id="a condition"),
        pytest.param(changed(conditions=conditions(reason="Stale")), True, id="a reason"),
        pytest.param(changed(conditions=conditions(message="other words")), False, id="a sentence"),
    ],
)
def test_what_is_written_at_once(rendered: JsonObject, verdict: bool) -> None:
    assert worth(rendered) == verdict


@pytest.mark.parametrize(
    ("seconds", "fleet", "verdict"),
    [
        pytest.param(44, 10, False, id="before the heartbeat"),
        pytest.param(60, 10, True, id="at the heartbeat"),
        pytest.param(100, 1_000, True, id="a fleet of a thousand beats every 100 s, less a quarter at most"),
        pytest.param(749, 10_000, False, id="ten thousand beat every 1000 s"),
        pytest.param(1_000, 10_000, True, id="and not later"),
    ],
)
def test_small_changes_wait_for_the_heartbeat(seconds: int, fleet: int, verdict: bool) -> None:
    assert worth(changed(sli=99.9951), seconds, fleet=fleet) == verdict


def test_heartbeats_are_spread() -> None:
    first = [
        next(
            seconds
            for seconds in range(740, 1_001, 4)
            if worth_writing(
                STORED, changed(sli=99.9951), LastWrite(STORED, AT), now=AT + seconds, fleet=10_000, seed=f"n/{number}"
            )
        )
        for number in range(40)
    ]

    assert min(first) >= 750
    assert len(set(first)) > 20


def test_progress_of_rehydrating_is_told_more_often() -> None:
    waiting = changed(conditions=conditions(reason="Rehydrating", status="False"))
    further = merged(waiting, {"sli": 99.99})

    assert not worth(further, 4, stored=waiting)
    assert worth(further, 5, stored=waiting)


def test_a_status_that_we_did_not_write_is_put_right_at_once() -> None:
    tampered = changed(sli=12.3)

    assert worth_writing(tampered, STORED, LastWrite(STORED, AT), now=AT + 1, fleet=10, seed="x")


def test_the_first_write_does_not_wait() -> None:
    assert worth_writing({}, STORED, None, now=AT, fleet=10, seed="x")
    assert not worth_writing(STORED, STORED, None, now=AT, fleet=10, seed="x"), "what is right already is left alone"


JSON = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@given(OBJECTS, OBJECTS)
def test_the_patch_turns_the_one_into_the_other(stored: JsonObject, rendered: JsonObject) -> None:
    assert merged(stored, merge_patch(stored, rendered)) == rendered


@given(OBJECTS)
def test_the_patch_between_equals_is_empty(status: JsonObject) -> None:
    assert merge_patch(status, copy.deepcopy(status)) == {}


@pytest.mark.parametrize("after", SITUATIONS)
def test_every_situation_can_follow_every_other(after: str) -> None:
    for before in SITUATIONS.values():
        assert merged(before, merge_patch(before, SITUATIONS[after])) == SITUATIONS[after]


def test_the_patch_says_no_more_than_what_changed() -> None:
    assert merge_patch(STORED, changed(budget={"minutesLeft": 40}, sli=None)) == {
        "budget": {"minutesLeft": 40},
        "sli": None,
    }
