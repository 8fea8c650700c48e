"""The admission policies that the chart brings, and the default policy."""

import pytest

from frostline.api.governed import policy as governed
from frostline.api.policy import PolicySpec
from frostline.core import cel, guard
from frostline.core.policy import BUILT_IN
from frostline.names import DEFAULT_POLICY, Admission
from tests.chart.conftest import PROMETHEUS, Chart, Manifest, of_kind

RELEASES = {str(Admission.FREEZE), str(Admission.KEEP)}
PROBE = str(Admission.PROBE)
GUARDS = {f"frostline-guard-{each}" for each in ("records", "objectives", "policies", "namespaces", "overrides")}
SERVED = ("--api-versions", "frostline.dev/v1alpha1/ErrorBudgetPolicy")


def policies(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in of_kind(manifests, "ValidatingAdmissionPolicy")}


def bindings(manifests: list[Manifest]) -> set[str]:
    return {each["metadata"]["name"] for each in of_kind(manifests, "ValidatingAdmissionPolicyBinding")}


def test_guards_are_bound_and_release_policies_are_not(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    assert set(policies(manifests)) == RELEASES | GUARDS | {PROBE}
    assert bindings(manifests) == GUARDS
    for binding in of_kind(manifests, "ValidatingAdmissionPolicyBinding"):
        assert binding["spec"] == {"policyName": binding["metadata"]["name"], "validationActions": ["Deny", "Audit"]}


@pytest.mark.parametrize("made", [cel.freeze(), cel.keep()], ids=lambda each: each["metadata"]["name"])
def test_a_release_policy_is_the_generated_one_less_the_releases_namespace(chart: Chart, made: Manifest) -> None:
    rendered = policies(chart.with_values("minimal"))[made["metadata"]["name"]]

    made["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]["values"].append("frostline-system")
    assert rendered["spec"] == made["spec"]


def test_the_guard_of_policies_is_the_generated_one(chart: Chart) -> None:
    assert policies(chart.with_values("minimal"))[guard.NAME]["spec"] == guard.policies()["spec"]


def test_every_guard_lets_the_bypass_pass_and_says_how(chart: Chart) -> None:
    rendered = policies(chart.with_values("minimal"))
    for name in GUARDS:
        spec = rendered[name]["spec"]
        why = {each["name"]: each["expression"] for each in spec["variables"]}["why"]
        (validation,) = spec["validations"]
        assert "'frostline:bypass' in request.userInfo" in why
        assert "--as-group=frostline:bypass" in validation["messageExpression"] or name == "frostline-guard-overrides"
        assert "\n" not in validation["messageExpression"].strip()


def test_the_guards_know_the_operators_account_and_further_writers(chart: Chart) -> None:
    rendered = policies(chart.with_values("everything"))
    accounts = "['system:serviceaccount:frostline-system:promise-keeper','system:serviceaccount:velero:velero']"

    for name in ("frostline-guard-records", "frostline-guard-namespaces", "frostline-guard-overrides"):
        conditions = " ".join(each["expression"] for each in rendered[name]["spec"]["matchConditions"])
        assert f"request.userInfo.username in {accounts}" in conditions


def test_no_policy_looks_at_namespaces_of_the_cluster_itself_or_ours(chart: Chart) -> None:
    rendered = policies(chart.with_values("minimal"))
    for name in (*RELEASES, "frostline-guard-namespaces"):
        (exempt,) = rendered[name]["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
        assert exempt["operator"] == "NotIn"
        assert set(exempt["values"]) == {"kube-system", "kube-public", "kube-node-lease", "frostline-system"}


@pytest.mark.parametrize(
    ("settings", "kubernetes", "left"),
    [
        ("admission.releases=false", "1.30.0", GUARDS),
        ("admission.guards=false", "1.36.3", RELEASES | {PROBE}),
        ("crds.install=false", "1.29.9", set()),
        ("crds.install=false", "1.30.1-gke.100", RELEASES | GUARDS | {PROBE}),
    ],
)
def test_policies_can_be_left_out_and_need_1_30(chart: Chart, settings: str, kubernetes: str, left: set[str]) -> None:
    manifests = chart.manifests("--set", f"{PROMETHEUS},{settings}", kubernetes=kubernetes)

    assert set(policies(manifests)) == left
    assert bindings(manifests) == left & GUARDS


def test_the_default_policy_says_what_is_built_in(chart: Chart) -> None:
    (policy,) = of_kind(chart.with_values("minimal"), "ErrorBudgetPolicy")

    assert policy["metadata"]["name"] == DEFAULT_POLICY
    assert governed(PolicySpec.model_validate(policy["spec"])) == BUILT_IN
    assert policy["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_default_policy_waits_for_its_kind_and_can_be_left_out(chart: Chart) -> None:
    assert not of_kind(chart.manifests("--set", PROMETHEUS), "ErrorBudgetPolicy")
    left_out = chart.manifests("--set", f"{PROMETHEUS},defaultPolicy.create=false", *SERVED)
    assert not of_kind(left_out, "ErrorBudgetPolicy")
