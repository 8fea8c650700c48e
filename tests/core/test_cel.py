"""The policies' CEL is made from the tables, and needs nothing that Kubernetes 1.30 does not know."""

import re
from typing import Any

import pytest

from frostline.core import cel, guard
from frostline.core.projection import CONTAINER_SETS, OPERATIONAL_CONTAINER, OPERATIONAL_POD, STRUCTURE, Operational
from frostline.core.verdict import Why
from frostline.names import BYPASS_GROUP, Label

KNOWN_SINCE_1_30 = {
    "all", "double", "duration", "dyn", "endsWith", "equivalent", "exists", "filter", "has", "indexOf", "int",
    "lastIndexOf", "map", "of", "optional", "orValue", "size", "string", "substring", "timestamp", "type",
}  # fmt: skip
POLICIES = [cel.freeze(), cel.keep(), guard.policies()]
GATED = POLICIES[:2]

Manifest = dict[str, Any]


def name(policy: Manifest) -> str:
    return str(policy["metadata"]["name"])


def expressions(policy: Manifest) -> list[str]:
    spec = policy["spec"]
    return [
        *(each["expression"] for each in [*spec["matchConditions"], *spec["variables"], *spec["validations"]]),
        *(each["messageExpression"] for each in spec["validations"]),
        *(each["valueExpression"] for each in spec["auditAnnotations"]),
    ]


def variables(policy: Manifest) -> dict[str, str]:
    return {each["name"]: each["expression"] for each in policy["spec"]["variables"]}


@pytest.mark.parametrize("policy", POLICIES, ids=name)
def test_every_function_is_known_since_1_30(policy: Manifest) -> None:
    called = {
        word for text in expressions(policy) for word in re.findall(r"([A-Za-z]+)\(", re.sub(r"'[^']*'", "''", text))
    }

    assert called <= KNOWN_SINCE_1_30


@pytest.mark.parametrize("policy", POLICIES, ids=name)
def test_every_expression_is_one_line_with_closed_brackets(policy: Manifest) -> None:
    for text in expressions(policy):
        bare = re.sub(r"'[^']*'", "", text)
        assert "\n" not in text
        for opening, closing in ("()", "[]", "{}"):
            assert bare.count(opening) == bare.count(closing), text


@pytest.mark.parametrize("policy", POLICIES, ids=name)
def test_a_variable_is_defined_before_its_use(policy: Manifest) -> None:
    defined: set[str] = set()
    for variable, text in variables(policy).items():
        assert set(re.findall(r"variables\.([A-Za-z]+)", text)) <= defined
        defined.add(variable)
    used = {word for text in expressions(policy) for word in re.findall(r"variables\.([A-Za-z]+)", text)}
    assert used == defined


@pytest.mark.parametrize("policy", GATED, ids=name)
def test_only_namespaces_with_something_frozen_are_looked_at(policy: Manifest) -> None:
    constraints = policy["spec"]["matchConstraints"]

    assert constraints["namespaceSelector"]["matchLabels"] == {Label.ENFORCED: "true"}
    (exempt,) = constraints["namespaceSelector"]["matchExpressions"]
    assert exempt["operator"] == "NotIn"
    assert "kube-system" in exempt["values"]
    (rule,) = constraints["resourceRules"]
    assert all("/" not in resource for resource in rule["resources"])


def test_a_deletion_passes_when_the_parameter_cannot_be_had() -> None:
    assert cel.freeze()["spec"]["failurePolicy"] == "Fail"
    assert cel.keep()["spec"]["failurePolicy"] == "Ignore"


def test_the_tables_decide_what_is_skipped() -> None:
    made = variables(cel.freeze())

    for group in Operational:
        assert f"'{group}' in variables.withheld" in " ".join(made.values())
    for field in [*CONTAINER_SETS, "env", *(each for fields in OPERATIONAL_CONTAINER.values() for each in fields)]:
        assert f"'{field}'" in made["skippedInContainer"]
    for field in [*STRUCTURE, *(each for fields in OPERATIONAL_POD.values() for each in fields)]:
        assert f"'{field}'" in made["skippedInPod"]


def test_verdicts_come_in_the_order_of_judge() -> None:
    order = re.findall(r"\? '(\w+)'", variables(cel.freeze())["why"])

    assert order == [Why.TERMINATING, Why.OPERATIONAL, Why.ROLLBACK, Why.RECREATED, Why.OVERRIDE, Why.BYPASS]
    assert all(BYPASS_GROUP in variables(policy)["why"] for policy in POLICIES)
