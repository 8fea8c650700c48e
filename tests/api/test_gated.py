from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from frostline.api.base import as_json
from frostline.api.gate import GateSpec
from frostline.api.gated import gate
from frostline.core.gate import Claim, Good, Override, Workload, gate_name
from frostline.core.policy import Level, OverrideClass, Rule
from frostline.core.projection import Operational, Shape, canonical

AT = 1_800_000_000
TIME = datetime.fromtimestamp(AT, UTC).isoformat()
OLD = {"containers": [{"name": "app", "image": "app:1", "env": [{"name": "A"}, {"name": "B"}]}]}
NEW = {"containers": [{"name": "app", "image": "app:2"}], "initContainers": [{"name": "init", "image": "i"}]}
LEAST: dict[str, Any] = {
    "workload": {"kind": "Deployment", "name": "gateway"},
    "rule": "Warn",
    "since": TIME,
    "by": [],
    "message": "careful",
}
MOST: dict[str, Any] = {
    **LEAST,
    "rule": "Freeze",
    "by": [
        {
            "objective": "matching",
            "uid": "a",
            "policy": "default",
            "through": "Deployment/gateway",
            "level": "Exhausted",
            "since": TIME,
            "rule": "Freeze",
            "budget": "-4.0%",
            "measuredAt": TIME,
        }
    ],
    "liftsAbout": TIME,
    "overrideClasses": ["Security"],
    "shape": {"withheld": ["Probes"], "ignoredAnnotations": ["a"], "ignoredContainers": ["b"], "ignoredVolumes": ["c"]},
    "running": NEW,
    "runningFrom": "the start of the freeze",
    "good": [{"source": "revision 1", "template": OLD}],
    "overrides": [
        {"name": "any", "uid": "1", "class": "Security", "until": TIME, "users": ["anna"]},
        {
            "name": "used",
            "uid": "2",
            "class": "Emergency",
            "until": TIME,
            "users": ["anna", "ben"],
            "images": ["app:3"],
            "template": OLD,
            "singleUse": True,
            "used": True,
        },
    ],
}


def manifest(spec: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"namespace": "dating", "name": "deployment-gateway"}, "spec": spec}


def test_a_gate_with_everything() -> None:
    found = gate(manifest(MOST))

    assert found.workload == Workload("dating", "Deployment", "gateway")
    assert (found.rule, found.since, found.lifts_about) == (Rule.FREEZE, AT, AT)
    assert found.claims == (Claim("matching", Level.EXHAUSTED, Rule.FREEZE, AT, "-4.0%", AT),)
    assert found.override_classes == frozenset({OverrideClass.SECURITY})
    assert found.shape == Shape(frozenset({Operational.PROBES}), frozenset({"a"}), frozenset({"b"}), frozenset({"c"}))
    assert found.running == canonical(NEW)
    assert found.good == (Good("revision 1", canonical(OLD)),)
    assert found.overrides == (
        Override("any", OverrideClass.SECURITY, AT, frozenset({"anna"})),
        Override(
            "used",
            OverrideClass.EMERGENCY,
            AT,
            frozenset({"anna", "ben"}),
            frozenset({"app:3"}),
            canonical(OLD),
            used=True,
        ),
    )


def test_a_gate_that_only_warns() -> None:
    found = gate(manifest(LEAST))

    assert (found.rule, found.claims, found.lifts_about) == (Rule.WARN, (), None)
    assert (found.running, found.good, found.overrides) == (None, (), ())
    assert found.shape == Shape()


def test_what_is_written_is_what_is_read() -> None:
    spec = GateSpec.model_validate(MOST)

    assert GateSpec.model_validate(as_json(spec)) == spec
    assert gate(manifest(as_json(spec))) == gate(manifest(MOST))


def test_the_order_of_a_stored_set_says_nothing() -> None:
    turned = {"containers": [{**OLD["containers"][0], "env": [{"name": "B"}, {"name": "A"}]}]}

    other = gate(manifest({**MOST, "good": [{"source": "revision 1", "template": turned}]}))

    assert other.good == gate(manifest(MOST)).good


@pytest.mark.parametrize("wrong", [{}, {**LEAST, "rule": "Halt"}, {**LEAST, "since": "soon"}])
def test_what_is_no_gate_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        gate(manifest(wrong))


def test_a_gate_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    newer = {**MOST, "fromTheFuture": True, "by": [{**MOST["by"][0], "alsoNew": {"a": 1}}]}

    assert gate(manifest(newer)) == gate(manifest(MOST))


def test_names_of_gates_are_as_long_as_names_may_be_and_differ() -> None:
    assert gate_name("StatefulSet", "store") == "statefulset-store"
    long = [gate_name("Deployment", "a" * 252 + end) for end in "xy"]
    assert [len(each) for each in long] == [253, 253]
    assert long[0] != long[1]
