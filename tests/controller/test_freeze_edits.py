"""What becomes of a freeze when promises, policies and namespaces are edited during it."""

from typing import Any

import pytest

from frostline import names
from tests.controller.freezing import ALL_OF_SHOP, GATEWAY, Shop, Traffic, amiss, frozen_shop, open_shop, promise
from tests.controller.world import DOWN
from tests.support.objectives import AT, HOUR

STEADFAST = {"lift": {"hold": "24h"}}


def governed(policy: dict[str, Any], *, young: bool = False) -> Shop:
    """Return a shop whose promise goes by the policy named strict, frozen."""
    made = Shop(Traffic(begun=AT - 4 * HOUR) if young else Traffic())
    made.cluster.put_policy("strict", policy)
    made.apply("matching", promise(policyRef="strict"))
    made.settle()
    made.spend(18 if young else 100)
    assert made.rule() == "Freeze"
    return made


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


@pytest.mark.parametrize("how", ["deleted", "invalid", "not for us"])
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_policy_that_is_lost_keeps_the_freeze(how: str, *, restart: bool) -> None:
    """The built-in policy would lift after an hour; this one asks for a day."""
    made = governed(STEADFAST)
    if how == "deleted":
        made.cluster.drop_policy("strict")
    elif how == "invalid":
        made.cluster.put_policy("strict", {"lift": {"hold": "soon"}})
    else:
        made.cluster.put_policy("strict", {**STEADFAST, "namespaces": ["elsewhere"]})
    if restart:
        made.restart()
        made.settle()
    made.run(30)
    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert gate["rule"] == "Freeze"
    assert "ErrorBudgetPolicy strict" in gate["message"]
    assert made.condition("matching", names.Condition.ACCEPTED)["reason"] == "PolicyNotUsable"

    made.skip(24.25)
    assert made.rule() == "Freeze", "the damage has left the window, burn has been low for most of a day"

    made.cluster.put_policy("strict", STEADFAST)
    made.run(30)
    assert made.rule() == "Freeze", "a day of calm is what this policy asks for"
    assert "ErrorBudgetPolicy" not in made.cluster.gate("gateway")["message"]  # type: ignore[index]
    made.skip(1.5)
    assert made.rule() is None
    assert amiss(made) == []


def test_without_the_policy_that_it_names_a_promise_begins_no_freeze() -> None:
    made = Shop(Traffic(base=0.0015))
    made.apply("matching", promise(policyRef="strict"))
    made.settle()
    made.run(30, times=3)
    assert made.cluster.gates == {}

    made.cluster.put_policy("strict", {})
    made.run(30)

    assert made.rule() == "Freeze"


def test_without_a_default_policy_the_built_in_one_counts_and_lifts_as_it_says() -> None:
    """Deleting the policy named default is an edit that says: go by the built-in one."""
    made = Shop(Traffic())
    made.cluster.put_policy("default", {"releases": {"exhausted": "Slush"}})
    made.apply("matching", promise())
    made.settle()
    made.spend()
    assert made.rule() == "Slush"

    made.cluster.drop_policy("default")
    made.run(30)

    assert made.rule() == "Freeze"


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        pytest.param({"lift": {"hold": "1h"}}, "Freeze", id="a shorter hold"),
        pytest.param({"releases": {"exhausted": "Slush"}}, "Slush", id="a lower rule"),
        pytest.param({"releases": {"exhausted": "Warn", "endangered": "Warn"}}, "Warn", id="a rule that holds nothing"),
        pytest.param({"mode": "Warn"}, "Warn", id="a lower mode"),
        pytest.param({"mode": "Observe"}, None, id="the lowest mode"),
        pytest.param({"levels": {"depleting": 20, "endangered": 1}}, "Freeze", id="other bounds"),
        pytest.param({"passes": {"ignoredContainers": ["app"]}}, "Freeze", id="what passes"),
        pytest.param({"overrides": {"exhausted": []}}, "Freeze", id="no override"),
        pytest.param({}, "Freeze", id="all defaults"),
    ],
)
def test_an_edited_policy_does_what_the_edit_says_and_no_more(edit: dict[str, Any], rule: str | None) -> None:
    made = governed(STEADFAST)
    before = made.cluster.gate("gateway")
    assert before is not None

    made.cluster.put_policy("strict", edit)
    made.run(30, times=3)

    assert made.rule() == rule
    assert amiss(made) == []
    gate = made.cluster.gate("gateway")
    if gate is not None and rule == "Freeze":
        for kept in ("since", "running", "good", "shape"):
            assert gate[kept] == before[kept], kept
    if "overrides" in edit:
        assert gate is not None
        assert gate["overrideClasses"] == []


def test_a_shorter_hold_lifts_when_that_hold_is_over() -> None:
    made = governed({"lift": {"hold": "90m"}}, young=True)
    made.heal(2)
    assert made.rule() == "Freeze"

    made.cluster.put_policy("strict", {"lift": {"hold": "30m"}})
    made.run(30)

    assert made.rule() == "Slush"


def test_while_nothing_is_measured_an_edit_of_the_rule_still_counts() -> None:
    made = governed(STEADFAST)
    made.prometheus.trouble = DOWN
    made.run(10 * HOUR)
    assert made.rule() == "Freeze"

    made.cluster.put_policy("strict", {"releases": {"exhausted": "Slush"}})
    made.run(30)

    assert made.rule() == "Slush"
    assert made.cluster.gate("gateway")["by"][0]["trouble"] == "QueryFailed"  # type: ignore[index]


def test_a_status_of_a_policy_tells_who_goes_by_it() -> None:
    made = governed(STEADFAST)

    assert made.cluster.policies["strict"]["status"] == {"objectives": 1, "holding": 1}

    made.delete("matching")
    made.run(30)

    assert made.cluster.policies["strict"]["status"] == {"objectives": 0, "holding": 0}


def test_the_entry_that_names_a_workload_first_is_the_one_it_is_held_through() -> None:
    made = frozen_shop(protects=[ALL_OF_SHOP, GATEWAY])

    gate = made.cluster.gate("gateway")

    assert gate is not None
    assert [each["through"] for each in gate["by"]] == ["Deployment part-of=shop"]
