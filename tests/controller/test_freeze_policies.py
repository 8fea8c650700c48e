"""What becomes of a freeze when its policy is edited, deleted, or cannot be read any more."""

from typing import Any

import pytest

from frostline import names
from tests.controller.freezing import Shop, Traffic, amiss, promise
from tests.controller.world.prometheus import DOWN
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
