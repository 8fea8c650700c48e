from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from frostline.api.base import JsonObject
from frostline.api.gate import GateSpec
from frostline.controller.account import Key
from frostline.controller.gating import Ask
from frostline.controller.override_status import declared_by, override_status
from frostline.controller.packed import Packed
from frostline.controller.store import Stored
from frostline.core.gate import Workload
from frostline.core.policy import Level, Mode, Releases
from frostline.core.release import Standing
from tests.controller.gate_specs import carried, spec
from tests.support.objectives import AT, HOUR

WORKLOAD = Workload("dating", "Deployment", "gateway")
ASK = Ask(
    key=Key("dating", "matching"),
    uid="uid-matching",
    policy="default",
    releases=Releases(),
    standing=Standing(Level.EXHAUSTED, AT, Mode.ENFORCE, covered=True, remaining=0.0, measured_at=AT, lifts_about=None),
    trouble="",
    through={},
    entries=frozenset(),
)


def override(status: Mapping[str, Any] | None = None, /, **more: Any) -> Stored:
    declared = {
        "class": "Security",
        "reason": "CVE",
        "workloads": [{"kind": "Deployment", "name": "gateway"}],
        "expiresAt": "2027-01-15T10:00:00Z",
        "requestedBy": "anna",
        **more,
    }
    return Stored(
        Key("dating", "fix"), "uid-fix", 1, "1", False, "2027-01-15T07:00:00Z", Packed({"spec": declared}), status or {}
    )


def told(stored: Stored, *gates: GateSpec, now: int = AT) -> JsonObject:
    held = {Workload("dating", gate.workload.kind, gate.workload.name): gate for gate in gates}
    return override_status(stored, held, [ASK], now)


def live(status: JsonObject) -> JsonObject:
    (condition,) = status["conditions"]
    assert condition["type"] == "Live"
    assert status["display"]["state"] == condition["reason"]
    return dict(condition)


@pytest.mark.parametrize(
    ("stored", "gates", "reason", "said"),
    [
        pytest.param(override(), [spec(overrides=[carried()])], "Live", "until 2027-01-15 10:00 UTC", id="live"),
        pytest.param(override(), [spec()], "Pending", "has not passed it on", id="not passed on"),
        pytest.param(override(), [], "NothingHeld", "not held back", id="no gate"),
        pytest.param(override(), [spec(rule="Warn")], "NothingHeld", "not held back", id="a gate that warns"),
        pytest.param(
            override(None, **{"class": "LowRisk"}),
            [spec(overrides=[carried()])],
            "ClassNotAllowed",
            "class LowRisk does not count at level Exhausted; allowed: Security, Emergency",
            id="class",
        ),
        pytest.param(override(), [spec(override_classes=[])], "ClassNotAllowed", "allowed: none", id="no class at all"),
        pytest.param(override(expiresAt="2027-01-15T08:00:00Z"), [spec()], "Expired", "ended at", id="expired"),
        pytest.param(
            override(),
            [spec(overrides=[carried(until="2027-01-15T08:00:00Z")])],
            "Expired",
            "2027-01-15 08:00",
            id="ended by the policy",
        ),
        pytest.param(
            override(singleUse=True),
            [spec(overrides=[carried(used=True, singleUse=True)])],
            "UsedUp",
            "only the template that it released",
            id="used up",
        ),
        pytest.param(
            override({"usedAt": "2027-01-15T07:30:00Z"}, singleUse=True),
            [spec()],
            "UsedUp",
            "it was used",
            id="earlier",
        ),
        pytest.param(override(), [spec(overrides=[carried(used=True)])], "Live", "let it pass", id="used, not used up"),
        pytest.param(override(reason=""), [spec()], "Invalid", "spec.reason", id="unreadable"),
    ],
)
def test_whether_it_counts_and_if_not_why_not(stored: Stored, gates: list[GateSpec], reason: str, said: str) -> None:
    condition = live(told(stored, *gates))

    assert (condition["reason"], condition["status"]) == (reason, "True" if reason == "Live" else "False")
    assert said in condition["message"]


def test_one_gate_that_does_not_allow_it_is_enough() -> None:
    workloads = [{"kind": "Deployment", "name": "gateway"}, {"kind": "StatefulSet", "name": "store"}]
    other = spec(workload={"kind": "StatefulSet", "name": "store"}, override_classes=["Emergency"])

    found = told(override(workloads=workloads), spec(overrides=[carried()]), other)

    assert live(found)["reason"] == "ClassNotAllowed"
    assert found["display"]["workloads"] == "deployment/gateway, statefulset/store"


def test_gates_of_another_override_of_that_name_do_not_count() -> None:
    found = told(override(), spec(overrides=[carried(uid="predecessor")]))

    assert live(found)["reason"] == "Pending"


def test_first_use_is_remembered() -> None:
    used = spec(overrides=[carried(used=True)])
    first = told(override(), used)
    assert first["usedAt"] == "2027-01-15T08:00:00Z"

    later = told(override(first), used, now=AT + HOUR)
    gone = told(override(later), spec(overrides=[carried()]), now=AT + HOUR)

    assert later["usedAt"] == gone["usedAt"] == "2027-01-15T08:00:00Z"


def test_the_condition_keeps_its_time_while_it_says_the_same() -> None:
    first = told(override(), spec(overrides=[carried()]))

    same = told(override(first), spec(overrides=[carried()]), now=AT + HOUR)
    other = told(override(first), now=AT + HOUR)

    assert same == first
    assert live(other)["lastTransitionTime"] == "2027-01-15T09:00:00Z"


@pytest.mark.parametrize("rubbish", [{"usedAt": "soon"}, {"conditions": 7}, {"nonsense": True}])
def test_rubbish_in_a_stored_status_does_no_harm(rubbish: JsonObject) -> None:
    assert live(told(override(rubbish), spec(overrides=[carried()])))["reason"] == "Live"


def test_what_is_read_of_an_override() -> None:
    found = declared_by(override({"usedAt": "2027-01-15T07:30:00Z"}))

    assert found is not None
    assert (found.name, found.uid, found.used) == ("fix", "uid-fix", True)
    assert declared_by(override(reason="")) is None


def test_an_ask_of_another_namespace_is_no_policy_of_ours() -> None:
    elsewhere = replace(ASK, key=Key("billing", "matching"))

    found = override_status(override(expiresAt="2029-01-01T00:00:00Z"), {WORKLOAD: spec()}, [elsewhere], AT)

    assert found["until"] == "2027-01-16T07:00:00Z"
