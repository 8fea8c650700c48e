from typing import Any

import pytest

from frostline.controller.account import Key
from frostline.controller.packed import Packed
from frostline.controller.policies import BUILT_IN_NAME, Policies
from frostline.controller.store import Stored
from frostline.core.policy import BUILT_IN

MATCHING = Key("dating", "matching")
STRICT = {"lift": {"hold": "2h"}}
WRONG = {"lift": {"hold": "soon"}}


def policy(name: str, spec: Any, generation: int = 1, uid: str = "a") -> tuple[Key, Stored]:
    key = Key("", name)
    return key, Stored(key, uid, generation, "1", False, "", Packed({"spec": spec}), {})


def known(*policies: tuple[Key, Stored]) -> Policies:
    found = Policies()
    found.look(dict(policies))
    return found


@pytest.mark.parametrize(
    ("policies", "reference", "name"),
    [
        pytest.param((), None, BUILT_IN_NAME, id="none at all"),
        pytest.param((policy("default", STRICT),), None, "default", id="the one named default"),
        pytest.param((policy("strict", STRICT),), None, BUILT_IN_NAME, id="others do not count"),
        pytest.param((policy("strict", STRICT), policy("default", {})), "strict", "strict", id="the one that is named"),
        pytest.param(
            (policy("default", {**STRICT, "namespaces": ["elsewhere"]}),), None, BUILT_IN_NAME, id="not for us"
        ),
        pytest.param((policy("default", {**STRICT, "namespaces": ["dating"]}),), None, "default", id="for us"),
    ],
)
def test_which_policy_counts(policies: tuple[tuple[Key, Stored], ...], reference: str | None, name: str) -> None:
    found = known(*policies).govern(MATCHING, reference)

    assert (found.name, found.problem, found.stands_in) == (name, None, False)
    assert (found.policy == BUILT_IN) == (name == BUILT_IN_NAME)


@pytest.mark.parametrize(
    ("policies", "reference", "said"),
    [
        pytest.param((), "strict", "there is no ErrorBudgetPolicy strict: create it or name another", id="missing"),
        pytest.param((policy("mild", {}),), "strict", "(there is mild)", id="missing, with what there is"),
        pytest.param((policy("strict", WRONG),), "strict", "strict cannot be gone by: spec.lift.hold", id="invalid"),
        pytest.param((policy("default", WRONG),), None, "default cannot be gone by: spec.lift.hold", id="the default"),
        pytest.param((policy("strict", {"namespaces": ["x"]}),), "strict", "not for namespace dating", id="not for us"),
    ],
)
def test_a_policy_that_cannot_be_gone_by_is_stood_in_for(
    policies: tuple[tuple[Key, Stored], ...], reference: str | None, said: str
) -> None:
    found = known(*policies).govern(MATCHING, reference)

    assert found.policy == BUILT_IN
    assert found.stands_in
    assert found.problem is not None
    assert found.problem.startswith("spec.policyRef: ")
    assert said in found.problem


def test_what_was_gone_by_last_stays_while_it_cannot_be_told() -> None:
    policies = known(policy("strict", STRICT))
    good = policies.govern(MATCHING, "strict")

    for now in ({}, dict([policy("strict", WRONG, 2)]), dict([policy("strict", {"namespaces": ["x"]}, 3)])):
        policies.look(now)
        found = policies.govern(MATCHING, "strict")
        assert (found.name, found.policy, found.stands_in) == ("strict", good.policy, False)
        assert found.problem is not None

    policies.look(dict([policy("strict", {"lift": {"hold": "3h"}}, 4)]))
    found = policies.govern(MATCHING, "strict")
    assert found.problem is None
    assert found.policy != good.policy


def test_what_is_forgotten_is_not_remembered_of_a_successor() -> None:
    policies = known(policy("strict", STRICT))
    policies.govern(MATCHING, "strict")
    policies.look({})

    policies.forget({})

    assert policies.govern(MATCHING, "strict").stands_in


@pytest.mark.parametrize(
    "changed", [policy("strict", {}, 2), policy("strict", {}, 1, "b")], ids=["edited", "made again"]
)
def test_a_changed_policy_is_judged_anew(changed: tuple[Key, Stored]) -> None:
    policies = known(policy("strict", WRONG))

    policies.look(dict([changed]))

    assert policies.govern(MATCHING, "strict").problem is None
