"""Asking GitOps tools on a real API server, where their kinds are and where they are not."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.controller.gitops import GitOps
from frostline.core.gitops import Tool
from frostline.kubernetes.connection import Cluster as Connection
from frostline.kubernetes.gitops import GitOpsObjects
from frostline.kubernetes.resource import Objects

KINDS = {
    "Kustomization": ("kustomizations", "kustomize.toolkit.fluxcd.io", "v1"),
    "HelmRelease": ("helmreleases", "helm.toolkit.fluxcd.io", "v2"),
    "Application": ("applications", "argoproj.io", "v1alpha1"),
}


def definition(kind: str) -> dict[str, Any]:
    """Return a minimal definition of a kind of a GitOps tool."""
    plural, group, version = KINDS[kind]
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [served],
        },
    }


@pytest.fixture
def tools(kubectl: RunsKubectl) -> Iterator[None]:
    """Install the kinds of the GitOps tools."""
    manifests = yaml.safe_dump_all([definition(kind) for kind in KINDS])
    kubectl("apply", "-f", "-", input=manifests)
    kubectl("wait", "--for=condition=Established", *(f"crd/{kind[0]}.{kind[1]}" for kind in KINDS.values()))
    yield
    kubectl("delete", "-f", "-", input=manifests)


def workload(namespace: str, kind: str) -> dict[str, Any]:
    """Return the metadata of a workload that the object `shop` of a kind applies."""
    _, group, _ = KINDS[kind]
    metadata: dict[str, Any] = {"namespace": namespace, "name": "web"}
    if kind == "Application":
        return metadata | {"annotations": {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{namespace}/web"}}
    return metadata | {"labels": {f"{group}/name": "shop", f"{group}/namespace": namespace}}


def lifted(cluster: Cluster, namespace: str, *workloads: dict[str, Any]) -> None:
    async def run() -> None:
        async with await Connection(cluster.kubeconfig).connect() as api:
            gitops = GitOps(GitOpsObjects(Objects(api)), frozenset(Tool), argocd_namespace=namespace)
            await gitops.lifted(workloads, 1_800_000_000)

    asyncio.run(run())


@pytest.mark.usefixtures("tools")
def test_each_tool_is_asked_as_it_documents(cluster: Cluster, kubectl: RunsKubectl, namespace: str) -> None:
    spec: dict[str, Any] = {"syncPolicy": {"automated": {}}}
    for kind, (_, group, version) in KINDS.items():
        made = {
            "apiVersion": f"{group}/{version}",
            "kind": kind,
            "metadata": {"name": "shop", "namespace": namespace},
            "spec": spec,
            "status": {"operationState": {"phase": "Failed"}},
        }
        eventually(lambda: kubectl("create", "-f", "-", input=json.dumps(made), check=False).returncode == 0, 20)  # noqa: B023 - asked at once

    lifted(cluster, namespace, *(workload(namespace, kind) for kind in KINDS))

    def live(kind: str) -> dict[str, Any]:
        plural, group, _ = KINDS[kind]
        return dict(json.loads(kubectl("get", f"{plural}.{group}", "shop", "-n", namespace, "-o", "json").stdout))

    asked = "2027-01-15T08:00:00+00:00"
    assert live("Kustomization")["metadata"]["annotations"] == {"reconcile.fluxcd.io/requestedAt": asked}
    helm = live("HelmRelease")["metadata"]["annotations"]
    assert helm == {"reconcile.fluxcd.io/requestedAt": asked, "reconcile.fluxcd.io/resetAt": asked}
    application = live("Application")
    assert application["metadata"]["annotations"] == {"argocd.argoproj.io/refresh": "normal"}
    assert application["operation"]["initiatedBy"] == {"username": "frostline"}


def test_a_tool_that_is_not_installed_is_told_and_harms_nobody(
    cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        lifted(cluster, namespace, workload(namespace, "Kustomization"))

    assert "kustomizations/shop" in caplog.text
    assert "not there" in caplog.text
