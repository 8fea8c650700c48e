"""What becomes of a freeze when promises and namespaces are edited during it."""

from typing import Any

import pytest

from frostline import names
from tests.controller.freezing import ALL_OF_SHOP, GATEWAY, Shop, Traffic, amiss, frozen_shop, open_shop, promise


def label(made: Shop, mode: str | None) -> None:
    """Set the namespace's mode as people do, beside what labels there are."""
    labels = made.cluster.namespaces["dating"]["metadata"].get("labels") or {}
    kept = {name: value for name, value in labels.items() if name != names.Label.MODE}
    made.cluster.put_namespace("dating", **kept, **({} if mode is None else {str(names.Label.MODE): mode}))


@pytest.mark.parametrize(
    ("policy", "namespace", "rule"),
    [
        pytest.param("Enforce", None, "Freeze", id="the policy alone"),
        pytest.param("Warn", None, "Warn", id="a policy that warns"),
        pytest.param("Observe", None, None, id="a policy that observes"),
        pytest.param("Enforce", "Enforce", "Freeze", id="a label that says the same"),
        pytest.param("Enforce", "Warn", "Warn", id="a label that warns"),
        pytest.param("Enforce", "Observe", None, id="a label that observes"),
        pytest.param("Warn", "Enforce", "Warn", id="a label does not raise a policy that warns"),
        pytest.param("Observe", "Warn", None, id="a label does not raise a policy that observes"),
        pytest.param("Enforce", "enforce", None, id="a label that is no mode starts nothing"),
        pytest.param("Enforce", "", None, id="an empty label starts nothing"),
    ],
)
def test_the_lower_of_both_modes_counts(policy: str, namespace: str | None, rule: str | None) -> None:
    made = Shop(Traffic())
    label(made, namespace)
    made.cluster.put_policy("default", {"mode": policy})
    made.apply("matching", promise())
    made.settle()

    made.spend()

    assert made.api.status("matching")["level"] == "Exhausted"
    assert made.rule() == rule
    condition = made.condition("matching", names.Condition.RELEASES_OPEN)
    assert (condition["status"] == "False") == (rule == "Freeze")
    if rule != "Freeze" and namespace in (None, *("Observe", "Warn", "Enforce")):
        assert "the rule would be Freeze" in condition["message"]
    assert amiss(made) == []


@pytest.mark.parametrize(
    ("mode", "rule"),
    [
        pytest.param("Warn", "Warn", id="Warn"),
        pytest.param("Observe", None, id="Observe"),
        pytest.param("off", "Freeze", id="no mode lifts nothing"),
        pytest.param("Enforce", "Freeze", id="Enforce"),
    ],
)
def test_a_label_set_during_a_freeze(mode: str, rule: str | None) -> None:
    made = frozen_shop()

    label(made, mode)
    made.run(30)
    assert made.rule() == rule
    assert amiss(made) == []

    made.run(30, times=2)
    if mode == "off":
        gate = made.cluster.gate("gateway")
        assert "frostline.dev/mode=off" in gate["message"]  # type: ignore[index]
        assert "frostline.dev/mode=off" in made.condition("matching", names.Condition.RELEASES_OPEN)["message"]

    label(made, None)
    made.run(30)

    assert made.rule() == "Freeze", "the level has not changed"
    assert amiss(made) == []


@pytest.mark.parametrize("exempt", ["own", "terminating"])
def test_exempt_namespaces_are_never_held_back(exempt: str) -> None:
    made = frozen_shop()
    if exempt == "own":
        made.own_namespace = "dating"
        made.restart()
        made.settle()
    else:
        made.cluster.terminate_namespace()
        made.run(30)

    assert made.cluster.gates == {}
    assert made.cluster.marks("gateway") == {}
    assert made.api.status("matching")["level"] == "Exhausted"
    assert made.condition("matching", names.Condition.RELEASES_OPEN)["status"] == "True"


def test_a_promise_that_is_deleted_lets_go() -> None:
    made = frozen_shop()

    made.delete("matching")
    made.run(30)

    assert made.cluster.gates == {}
    assert amiss(made) == []
    assert made.reasons()[-1] == "ReleasesOpened"


@pytest.mark.parametrize(
    "protects",
    [
        pytest.param((), id="nothing"),
        pytest.param(({"kind": "Deployment", "name": "other"},), id="another workload"),
        pytest.param(({"kind": "StatefulSet", "name": "gateway"},), id="another kind"),
        pytest.param(({"kind": "Deployment", "selector": {"matchLabels": {"part-of": "cellar"}}},), id="other labels"),
    ],
)
def test_a_promise_that_no_longer_protects_a_workload_lets_go(protects: Any) -> None:
    made = frozen_shop()

    made.apply("matching", promise(protects=protects))
    made.run(30)

    assert made.cluster.gates == {}
    assert amiss(made) == []


def test_a_promise_that_protects_in_other_words_holds_on() -> None:
    made = frozen_shop()
    since = made.cluster.gate("gateway")["since"]  # type: ignore[index]

    made.apply("matching", promise(protects=[ALL_OF_SHOP]))
    made.run(30)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert (gate["rule"], gate["since"], gate["by"][0]["through"]) == ("Freeze", since, "Deployment part-of=shop")


def test_another_target_does_not_lift_what_the_lift_rule_has_not() -> None:
    made = frozen_shop()

    made.apply("matching", promise(target=99))
    made.run(30, times=4)

    assert made.api.status("matching")["budget"]["remainingPercent"] > 80
    assert made.rule() == "Freeze"


def test_another_target_can_begin_a_freeze() -> None:
    made = open_shop(target=99)
    made.spend()
    assert made.rule() is None

    made.apply("matching", promise(target=99.9))
    made.run(30)

    assert made.rule() == "Freeze"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(promise("all{"), id="a selector that cannot be parsed"),
        pytest.param(promise(target=100), id="a target of 100"),
        pytest.param({**promise(), "window": {"calendar": "Month", "timeZone": "Mars"}}, id="no such time zone"),
        pytest.param({}, id="empty"),
    ],
)
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_promise_made_invalid_keeps_its_freeze(spec: Any, *, restart: bool) -> None:
    made = frozen_shop()
    since = made.cluster.gate("gateway")["since"]  # type: ignore[index]

    made.apply("matching", spec)
    if restart:
        made.restart()
    made.run(30, times=3)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert (gate["rule"], gate["since"]) == ("Freeze", since)
    assert "not accepted" in gate["message"]
    condition = made.condition("matching", names.Condition.RELEASES_OPEN)
    assert (condition["status"], condition["reason"]) == ("False", "Held")
    assert amiss(made) == []

    made.apply("matching", promise())
    made.settle()
    made.run(30)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert (gate["rule"], gate["since"]) == ("Freeze", since)
    assert "not accepted" not in gate["message"]


def test_a_promise_made_invalid_begins_no_freeze() -> None:
    made = open_shop()
    made.apply("matching", promise("all{"))

    made.spend()

    assert made.cluster.gates == {}
    assert made.condition("matching", names.Condition.RELEASES_OPEN)["reason"] == "NotDecided"


def test_the_entry_that_names_a_workload_first_is_the_one_it_is_held_through() -> None:
    made = frozen_shop(protects=[ALL_OF_SHOP, GATEWAY])

    gate = made.cluster.gate("gateway")

    assert gate is not None
    assert [each["through"] for each in gate["by"]] == ["Deployment part-of=shop"]
