"""Workloads that come, go and change while releases are held back, and several promises on one of them."""

from typing import Any

import pytest

from frostline.core.gate import Workload
from tests.controller.freezing import (
    ALL_OF_SHOP,
    GATEWAY,
    MINUTE,
    Shop,
    Traffic,
    amiss,
    frozen_shop,
    open_shop,
    promise,
)
from tests.support.objectives import AT, HOUR


def stands(made: Shop, name: str = "gateway") -> tuple[str, str]:
    gate = made.cluster.gate(name)
    assert gate is not None, f"{name} has no gate"
    return gate["rule"], gate["since"]


def test_one_promise_holds_back_all_that_its_selector_names() -> None:
    made = open_shop(protects=[ALL_OF_SHOP])
    made.cluster.deploy("search", "app:7", **{"part-of": "shop"})
    made.cluster.deploy("cellar", "app:7", **{"part-of": "cellar"})
    made.cluster.deploy("search", "app:7", kind="StatefulSet", **{"part-of": "shop"})

    made.spend()

    assert sorted(map(str, made.cluster.gates)) == ["deployment/gateway", "deployment/search"]
    assert made.api.status("matching")["releases"] == "Freeze"
    assert amiss(made) == []


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_workload_that_joins_during_a_freeze_is_held_back_too(*, restart: bool) -> None:
    made = frozen_shop(protects=[ALL_OF_SHOP])

    made.cluster.deploy("search", "app:7", **{"part-of": "shop"})
    if restart:
        made.restart()
        made.settle()
    made.run(30)

    assert made.rule("search") == "Freeze"
    gate = made.cluster.gate("search")
    assert gate is not None
    assert gate["good"] == []
    assert gate["running"]["containers"][0]["image"] == "app:7"
    assert amiss(made) == []


def test_a_protected_workload_that_is_created_during_a_freeze_is_held_back() -> None:
    made = frozen_shop(protects=[GATEWAY, {"kind": "Deployment", "name": "late"}])
    assert made.rule("late") is None

    made.cluster.deploy("late", "app:1")
    made.run(30)

    assert made.rule("late") == "Freeze"
    assert amiss(made) == []


def relabelled(made: Shop) -> None:
    made.cluster.change("gateway", {"labels": {"part-of": None}})


def relabelled_otherwise(made: Shop) -> None:
    made.cluster.change("gateway", {"labels": {"part-of": "cellar"}})


def deleted(made: Shop) -> None:
    made.cluster.delete("gateway")


@pytest.mark.parametrize("leaves", [relabelled, relabelled_otherwise, deleted])
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_workload_that_leaves_during_a_freeze_keeps_its_gate(leaves: Any, *, restart: bool) -> None:
    made = frozen_shop(protects=[ALL_OF_SHOP])
    before = stands(made)

    leaves(made)
    if restart:
        made.restart()
        made.settle()
    made.run(30, times=3)

    assert stands(made) == before
    assert amiss(made) == []


@pytest.mark.parametrize("leaves", [relabelled, deleted])
def test_a_workload_that_left_is_let_go_by_the_lift(leaves: Any) -> None:
    made = frozen_shop(protects=[ALL_OF_SHOP], young=True)
    leaves(made)
    made.heal(2.25)
    assert stands(made)[0] == "Slush"

    made.skip(30)

    assert made.cluster.gates == {}
    assert amiss(made) == []


def test_a_workload_that_left_while_only_warned_is_let_go_at_once() -> None:
    made = open_shop(protects=[ALL_OF_SHOP])
    made.spend(40)
    made.skip(12)
    assert made.rule() == "Warn"

    relabelled(made)
    made.run(30)

    assert made.cluster.gates == {}
    assert amiss(made) == []


def test_what_is_deleted_and_made_again_as_it_was_is_as_it_was() -> None:
    made = frozen_shop()
    before = made.cluster.gate("gateway")
    deleted(made)
    made.run(30)

    made.cluster.deploy("gateway", "app:2")
    made.run(30)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert before is not None
    for kept in ("since", "running", "good"):
        assert gate[kept] == before[kept], kept
    assert "UnrecordedRelease" not in made.reasons()
    assert amiss(made) == []


def test_what_is_deleted_and_made_again_as_something_new_is_told() -> None:
    made = frozen_shop()
    deleted(made)
    made.run(30)

    made.cluster.deploy("gateway", "app:3")
    made.run(30)

    assert made.reasons()[-1] == "UnrecordedRelease"
    assert amiss(made) == []


def two_promises(first: dict[str, Any], second: dict[str, Any]) -> Shop:
    """Return a shop with two promises on gateway, each with a policy and a counter of its own."""
    made = Shop(Traffic(begun=AT - 4 * HOUR), other=Traffic(begun=AT - 4 * HOUR))
    made.cluster.put_policy("first", first)
    made.cluster.put_policy("second", second)
    made.apply("matching", promise(policyRef="first"))
    made.apply("answering", promise("other", policyRef="second"))
    made.settle()
    return made


def fail(made: Shop, counter: str, seconds: float) -> None:
    traffic = made.prometheus.events[counter]
    assert isinstance(traffic, Traffic)
    traffic.fail(made, 60, share=seconds / 60)


def test_of_two_promises_the_strictest_rule_counts_and_one_lifts_without_the_other() -> None:
    made = two_promises({}, {"lift": {"hold": "2h"}})
    fail(made, "all", 18)
    fail(made, "other", 18)
    made.run(30, times=5)
    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert [each["objective"] for each in gate["by"]] == ["answering", "matching"]
    since = gate["since"]

    made.heal(2.25)
    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert [(each["objective"], each["rule"]) for each in gate["by"]] == [
        ("answering", "Freeze"),
        ("matching", "Slush"),
    ]
    assert (gate["rule"], gate["since"]) == ("Freeze", since)
    assert made.api.status("matching")["releases"] == "Slush"
    assert made.api.status("answering")["releases"] == "Freeze"
    assert "ReleasesOpened" not in made.reasons()

    made.delete("answering")
    made.run(30)
    assert made.rule() == "Slush"
    made.delete("matching")
    made.run(30)
    assert made.cluster.gates == {}
    assert amiss(made) == []


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        pytest.param(["Security", "Emergency"], ["Emergency", "Reliability"], ["Emergency"], id="what both allow"),
        pytest.param(["Security"], ["Reliability"], [], id="nothing in common"),
        pytest.param([], ["Reliability"], [], id="one allows none"),
    ],
)
def test_an_override_class_must_be_allowed_by_all(first: list[str], second: list[str], allowed: list[str]) -> None:
    made = two_promises({"overrides": {"exhausted": first}}, {"overrides": {"exhausted": second}})
    fail(made, "all", 18)
    fail(made, "other", 18)

    made.run(30, times=5)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert gate["overrideClasses"] == allowed


def test_a_promise_that_only_warns_narrows_no_override() -> None:
    made = two_promises({}, {"mode": "Warn", "overrides": {"exhausted": []}})
    fail(made, "all", 18)
    fail(made, "other", 18)

    made.run(30, times=5)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert (gate["rule"], len(gate["by"])) == ("Freeze", 2)
    assert gate["overrideClasses"] == ["Reliability", "Security", "Emergency"]


def test_what_any_withholds_is_withheld_and_what_all_ignore_is_ignored() -> None:
    made = two_promises(
        {"passes": {"withheld": ["Probes"], "ignoredContainers": ["istio-proxy", "agent"]}},
        {"passes": {"withheld": ["Resources"], "ignoredContainers": ["istio-proxy"]}},
    )
    fail(made, "all", 18)
    fail(made, "other", 18)

    made.run(30, times=5)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert gate["shape"] == {
        "withheld": ["Probes", "Resources"],
        "ignoredAnnotations": [],
        "ignoredContainers": ["istio-proxy"],
        "ignoredVolumes": [],
    }


def test_a_selector_longer_than_a_gate_can_say_is_told_apart_all_the_same() -> None:
    labels = {f"{'prefix.' * 30}example.org/{'name' * 15}-{number}": "v" * 63 for number in range(20)}
    made = open_shop(protects=[{"kind": "Deployment", "selector": {"matchLabels": labels}}])
    made.cluster.deploy("search", "app:1", **labels)

    made.spend()
    assert made.rule("search") == "Freeze"
    made.cluster.change("search", {"labels": dict.fromkeys(labels)})
    made.run(MINUTE)
    assert made.rule("search") == "Freeze"
    assert amiss(made) == []


@pytest.mark.parametrize("field", ["volumes", "containers"])
def test_a_template_larger_than_a_gate_can_hold_stops_nobody_else(field: str) -> None:
    made = open_shop(protects=[ALL_OF_SHOP])
    made.cluster.deploy("aaa", "app:1", **{"part-of": "shop"})
    huge = [{"name": f"n{number}"} for number in range(600)]
    made.cluster.workloads[Workload("dating", "Deployment", "aaa")]["spec"]["template"]["spec"][field] = huge
    made.cluster.change("aaa", {})

    made.spend()

    assert made.rule() == "Freeze"
    assert amiss(made) == []
