"""Objectives whose rules the operator delivers as objects, and what those objects hold."""

from typing import Any, Final

import yaml

from e2e.cluster.chart import CHART, NAMESPACE, RELEASE
from e2e.cluster.cluster import Cluster
from e2e.cluster.kubectl import run
from e2e.rule_reader import SELECTED
from e2e.service import apply

SHARED: Final = "frostline-shared"
OWN: Final = "frostline-slos"
_FLAGS: Final = ("--cycle-interval", "2s", "--measuring", "recorded", "--rules-label", SELECTED)


def flags(namespace: str, *more: str) -> tuple[str, ...]:
    """Return the flags of an operator that delivers rules to a namespace."""
    return (*_FLAGS, "--rules-namespace", namespace, *more)


def promise(name: str, target: float = 99.9) -> dict[str, Any]:
    """Return a promise that nothing is known of."""
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name},
        "spec": {
            "indicator": {"ratio": {"bad": f'bad_total{{service="{name}"}}', "valid": f'all{{service="{name}"}}'}},
            "objective": {"target": target},
            "window": {"rolling": "30d"},
            "owner": "team-shop",
        },
    }


def versions(objects: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the resourceVersion of each object by name: another one after each write."""
    return {name: each["metadata"]["resourceVersion"] for name, each in objects.items()}


def whose(objects: dict[str, dict[str, Any]]) -> set[str]:
    """Return the names of promises that have three rules of their own."""
    found: dict[str, int] = {}
    for name, each in objects.items():
        for group in each["spec"]["groups"] if name.startswith(OWN) else ():
            for rule in group["rules"]:
                found[rule["labels"]["name"]] = found.get(rule["labels"]["name"], 0) + 1
    assert set(found.values()) <= {3}
    return set(found)


def allow_rules(cluster: Cluster, namespace: str) -> None:
    """Give the operator the rights that the chart gives it in the namespace of rules."""
    values = f"measuring=recorded,rules.namespace={namespace},prometheus.url=http://prometheus"
    argv = [str(cluster.site.tool("helm")), "template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--set", values]
    argv += ["--kube-version", "1.30.0", "--show-only", "templates/operator-rbac.yaml"]
    told = run(argv, cluster.kubeconfig).stdout
    ours = [each for each in yaml.safe_load_all(told) if each and each["metadata"]["name"].endswith("-rules")]
    assert {each["kind"] for each in ours} == {"Role", "RoleBinding"}
    apply(cluster.kubectl, namespace, *ours)
