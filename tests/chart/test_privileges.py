"""What the operator may do in the cluster, and what its users may."""

import pytest

from frostline.names import BYPASS_GROUP
from tests.chart.conftest import PROMETHEUS, Chart, Manifest, of_kind, pod

Grant = tuple[str, str, str]

IN_NAMESPACES: set[Grant] = {
    ("frostline.dev", "servicelevelobjectives", "list"),
    ("frostline.dev", "servicelevelobjectives", "watch"),
    ("frostline.dev", "servicelevelobjectives/status", "patch"),
    ("frostline.dev", "releaseoverrides", "list"),
    ("frostline.dev", "releaseoverrides", "watch"),
    ("frostline.dev", "releaseoverrides/status", "patch"),
    *(("frostline.dev", "releasegates", verb) for verb in ("get", "list", "watch", "create", "update", "delete")),
    *(
        ("apps", resource, verb)
        for resource in ("deployments", "statefulsets", "daemonsets")
        for verb in ("get", "list", "watch", "patch")
    ),
    ("apps", "replicasets", "list"),
    ("apps", "controllerrevisions", "list"),
    ("events.k8s.io", "events", "create"),
}
IN_CLUSTER: set[Grant] = {
    ("frostline.dev", "errorbudgetpolicies", "list"),
    ("frostline.dev", "errorbudgetpolicies", "watch"),
    ("frostline.dev", "errorbudgetpolicies/status", "patch"),
    ("frostline.dev", "prometheussources", "list"),
    ("frostline.dev", "prometheussources", "watch"),
    ("frostline.dev", "prometheussources/status", "patch"),
    ("frostline.dev", "releasegates", "list"),
    *(("", "namespaces", verb) for verb in ("list", "watch", "patch")),
    *(("admissionregistration.k8s.io", "validatingadmissionpolicies", verb) for verb in ("get", "patch")),
    *(
        ("admissionregistration.k8s.io", resource, verb)
        for resource in ("validatingadmissionpolicybindings", "mutatingwebhookconfigurations")
        for verb in ("get", "create", "patch", "delete")
    ),
}
GITOPS: set[Grant] = {
    (group, resource, verb)
    for group, resource in (
        ("kustomize.toolkit.fluxcd.io", "kustomizations"),
        ("helm.toolkit.fluxcd.io", "helmreleases"),
        ("argoproj.io", "applications"),
    )
    for verb in ("get", "patch")
}
SECRETS: set[Grant] = {
    *(("", "secrets", verb) for verb in ("create", "get", "patch")),
    ("", "configmaps", "create"),
}


LEASES: set[Grant] = {("coordination.k8s.io", "leases", verb) for verb in ("create", "get", "update")}


def grants(role: Manifest) -> set[Grant]:
    """Return what `role` allows as (API group, resource, verb)."""
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def cluster_role(manifests: list[Manifest], name: str) -> Manifest:
    """Return the ClusterRole called `name`."""
    (role,) = [role for role in of_kind(manifests, "ClusterRole") if role["metadata"]["name"] == name]
    return role


def role_in(manifests: list[Manifest], namespace: str, name: str) -> Manifest:
    """Return the Role called `name` of a namespace."""
    (role,) = [
        role
        for role in of_kind(manifests, "Role")
        if (role["metadata"]["namespace"], role["metadata"]["name"]) == (namespace, name)
    ]
    return role


def rule_of(role: Manifest, resource: str, verb: str) -> Manifest:
    """Return the rule of a role that gives a verb on a resource."""
    rules: list[Manifest] = role["rules"]
    (rule,) = [rule for rule in rules if resource in rule["resources"] and verb in rule["verbs"]]
    return rule


def test_the_operator_may_do_just_its_work(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    assert grants(cluster_role(manifests, "frostline-operator")) == IN_NAMESPACES | IN_CLUSTER
    assert grants(role_in(manifests, "frostline-system", "frostline-operator-certificate")) == SECRETS
    assert grants(role_in(manifests, "frostline-system", "frostline-operator-lease")) == LEASES


def test_an_operator_of_some_namespaces_has_no_right_in_others(chart: Chart) -> None:
    manifests = chart.with_values("everything")

    assert grants(cluster_role(manifests, "promises-operator")) == IN_CLUSTER | GITOPS
    for namespace in ("matching", "2048"):
        assert grants(role_in(manifests, namespace, "promises-operator")) == IN_NAMESPACES


def test_rights_on_single_objects_are_on_just_those(chart: Chart) -> None:
    manifests = chart.with_values("everything")
    operator = cluster_role(manifests, "promises-operator")
    certificate = role_in(manifests, "frostline-system", "promises-operator-certificate")

    bindings = rule_of(operator, "validatingadmissionpolicybindings", "patch")["resourceNames"]
    assert bindings == ["frostline-freeze", "frostline-keep", "frostline-probe"]
    assert rule_of(operator, "validatingadmissionpolicies", "patch")["resourceNames"] == ["frostline-freeze"]
    assert rule_of(operator, "mutatingwebhookconfigurations", "delete")["resourceNames"] == ["frostline"]
    assert rule_of(certificate, "secrets", "get")["resourceNames"] == ["promises-webhook-tls"]
    lease = role_in(manifests, "frostline-system", "promises-operator-lease")
    assert rule_of(lease, "leases", "update")["resourceNames"] == ["promises-operator"]


@pytest.mark.parametrize(
    ("form", "kinds"),
    [
        ("auto", {"prometheusrules", "configmaps"}),
        ("prometheus-rule", {"prometheusrules"}),
        ("config-map", {"configmaps"}),
    ],
)
def test_rules_are_written_in_their_namespace_alone(chart: Chart, form: str, kinds: set[str]) -> None:
    asked = ("--set", PROMETHEUS, "--set", f"rules.form={form}", "--set", "rules.namespace=monitoring")
    role = role_in(chart.manifests(*asked), "monitoring", "frostline-operator-rules")

    assert {resource for _, resource, _ in grants(role)} == kinds
    assert {verb for _, _, verb in grants(role)} == {"get", "list", "create", "patch", "delete"}


def test_an_operator_that_writes_no_rules_may_not_write_any(chart: Chart) -> None:
    assert not [each for each in chart.with_values("minimal") if each["metadata"]["name"].endswith("-rules")]


@pytest.mark.parametrize(("kubernetes", "remembers"), [("1.29.9", True), ("1.30.0", False)])
def test_the_kind_remembers_what_was_armed_where_no_policy_can(chart: Chart, kubernetes: str, remembers: bool) -> None:
    role = cluster_role(chart.manifests("--set", PROMETHEUS, kubernetes=kubernetes), "frostline-operator")

    kinds = [rule for rule in role["rules"] if "customresourcedefinitions" in rule["resources"]]
    assert [rule["resourceNames"] for rule in kinds] == [["releasegates.frostline.dev"]] * remembers


def test_the_webhook_reads_gates_and_its_certificate(chart: Chart) -> None:
    manifests = chart.with_values("everything")
    certificate = role_in(manifests, "frostline-system", "promises-webhook-certificate")

    assert grants(cluster_role(manifests, "promises-webhook")) == {
        ("frostline.dev", "releasegates", "list"),
        ("frostline.dev", "releasegates", "watch"),
        ("events.k8s.io", "events", "create"),
    }
    assert grants(certificate) == {("", "secrets", verb) for verb in ("list", "watch")}
    assert all(rule["resourceNames"] == ["promises-webhook-tls"] for rule in certificate["rules"])


def test_every_binding_is_for_the_account_of_its_component(chart: Chart) -> None:
    manifests = chart.with_values("everything")

    bindings = [*of_kind(manifests, "ClusterRoleBinding"), *of_kind(manifests, "RoleBinding")]
    hooks = [each for each in bindings if "helm.sh/hook" in each["metadata"].get("annotations", {})]
    assert (len(bindings), len(hooks)) == (12, 3)
    for binding in hooks:
        account = {"kind": "ServiceAccount", "name": "promises-teardown", "namespace": "frostline-system"}
        assert binding["subjects"] == [account]
    for binding in [each for each in bindings if each not in hooks]:
        component = binding["metadata"]["labels"]["app.kubernetes.io/component"]
        account = pod(manifests, component)["serviceAccountName"]
        assert account == {"operator": "promise-keeper", "webhook": "promise-teller"}[component]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "frostline-system"}]


def test_what_sources_name_is_read_by_name_in_the_own_namespace_only(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    everywhere = [each for each in manifests if each["kind"] in ("ClusterRole", "Role")]
    reading = [
        (each["kind"], each["metadata"].get("namespace"), resource, verb)
        for each in everywhere
        if each["metadata"]["name"].endswith("-sources")
        for _, resource, verb in grants(each)
    ]
    namespace = role_in(manifests, "frostline-system", "frostline-operator-sources")["metadata"]["namespace"]
    assert set(reading) == {("Role", namespace, resource, "get") for resource in ("secrets", "configmaps")}
    clusterwide = {grant for each in everywhere if each["kind"] == "ClusterRole" for grant in grants(each)}
    assert not {resource for _, resource, _ in clusterwide} & {"secrets", "configmaps"}


def test_editors_write_promises_and_nothing_else_of_ours(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    edit = cluster_role(manifests, "frostline-edit")
    assert {resource for _, resource, _ in grants(edit)} == {"servicelevelobjectives"}
    view = cluster_role(manifests, "frostline-view")
    assert {resource for _, resource, _ in grants(view)} == {
        "servicelevelobjectives",
        "errorbudgetpolicies",
        "prometheussources",
        "releasegates",
        "releaseoverrides",
    }
    assert {verb for _, _, verb in grants(view)} == {"get", "list", "watch"}


def test_duties_are_bound_by_hand(chart: Chart) -> None:
    manifests = chart.with_values("minimal")
    names = ("frostline-override", "frostline-policy-admin", "frostline-break-glass")
    override, policies, glass = (cluster_role(manifests, name) for name in names)

    assert {("frostline.dev", "releaseoverrides", verb) for verb in ("create", "delete")} <= grants(override)
    assert ("frostline.dev", "errorbudgetpolicies", "patch") in grants(policies)
    assert grants(glass) == {("", "groups", "impersonate")}
    assert glass["rules"][0]["resourceNames"] == [BYPASS_GROUP]
    for role in (override, policies, glass):
        assert not [label for label in role["metadata"]["labels"] if "aggregate-to" in label]
    bound = {binding["roleRef"]["name"] for binding in of_kind(manifests, "ClusterRoleBinding")}
    assert not bound & set(names)


def test_roles_for_people_can_be_left_out(chart: Chart) -> None:
    names = {role["metadata"]["name"] for role in of_kind(chart.with_values("outside"), "ClusterRole")}

    assert names == {"frostline-operator", "frostline-webhook"}


def test_the_teardown_may_take_away_what_is_ours_and_stop_the_operator(chart: Chart) -> None:
    manifests = chart.with_values("everything")
    role = cluster_role(manifests, "promises-teardown")

    assert grants(role) == {
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings", "delete"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "delete"),
        ("frostline.dev", "releasegates", "list"),
        ("frostline.dev", "releasegates", "delete"),
        *(
            ("apps", resource, verb)
            for resource in ("deployments", "statefulsets", "daemonsets")
            for verb in ("list", "patch")
        ),
        ("", "namespaces", "list"),
        ("", "namespaces", "patch"),
    }
    rules = role_in(manifests, "monitoring", "promises-teardown-rules")
    assert {(resource, verb) for _, resource, verb in grants(rules)} == {
        (resource, verb) for resource in ("prometheusrules", "configmaps") for verb in ("list", "delete")
    }
    bindings = rule_of(role, "validatingadmissionpolicybindings", "delete")["resourceNames"]
    assert all(name.startswith("frostline-") for name in bindings)
    stops = role_in(manifests, "frostline-system", "promises-teardown")
    assert grants(stops) == {("apps", "deployments", "get"), ("apps", "deployments/scale", "patch")}


def test_without_an_operator_in_the_cluster_helm_stops_none(chart: Chart) -> None:
    manifests = chart.manifests("--set", PROMETHEUS, "--set", "operator.replicas=0")

    assert not [each for each in manifests if each["metadata"]["name"].endswith("-teardown")]
