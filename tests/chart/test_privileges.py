"""What the operator may do in the cluster, and what its users may."""

from tests.chart.conftest import Chart, Manifest, of_kind, operator_pod

Grant = tuple[str, str, str]

IN_NAMESPACES: set[Grant] = {
    ("frostline.dev", "servicelevelobjectives", "list"),
    ("frostline.dev", "servicelevelobjectives", "watch"),
    ("frostline.dev", "servicelevelobjectives/status", "patch"),
    ("events.k8s.io", "events", "create"),
}


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


def test_the_operator_may_do_just_its_work(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    role = cluster_role(manifests, "frostline-operator")
    assert grants(role) == IN_NAMESPACES
    assert not of_kind(manifests, "Role")


def test_an_operator_of_some_namespaces_has_no_right_in_others(chart: Chart) -> None:
    manifests = chart.with_values("everything")

    assert "promises-operator" not in {role["metadata"]["name"] for role in of_kind(manifests, "ClusterRole")}
    assert {role["metadata"]["namespace"]: grants(role) for role in of_kind(manifests, "Role")} == {
        "matching": IN_NAMESPACES,
        "2048": IN_NAMESPACES,
    }


def test_every_binding_is_for_the_operators_account(chart: Chart) -> None:
    manifests = chart.with_values("everything")

    account = {"kind": "ServiceAccount", "name": "promise-keeper", "namespace": "frostline-system"}
    bindings = [*of_kind(manifests, "ClusterRoleBinding"), *of_kind(manifests, "RoleBinding")]
    assert len(bindings) == 2
    assert all(binding["subjects"] == [account] for binding in bindings)
    assert operator_pod(manifests)["serviceAccountName"] == "promise-keeper"


def test_editors_write_promises_but_neither_policies_nor_statuses(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    role = cluster_role(manifests, "frostline-edit")
    assert {resource for _, resource, _ in grants(role)} == {"servicelevelobjectives"}
