"""Arming on a real API server, with the identity of the operator and no right beyond what is listed here."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.controller.arming import Arming
from frostline.core.armed import Armed, State
from frostline.kubernetes.admission import AdmissionObjects
from frostline.kubernetes.connection import Cluster as Connection
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.resource import Objects

T = TypeVar("T")
URL = {"url": "https://127.0.0.1:9443/review"}
BOTH = "validatingadmissionpolicybindings,mutatingwebhookconfigurations"
KILL = ("delete", BOTH, "--selector", "frostline.dev/armed")
ACCOUNT = {"kind": "ServiceAccount", "name": "frostline-operator", "namespace": "frostline-system"}
ADMISSION = "admissionregistration.k8s.io"

RIGHTS: list[dict[str, Any]] = [
    {
        "apiGroups": [ADMISSION],
        "resources": ["validatingadmissionpolicies"],
        "resourceNames": ["frostline-freeze", "frostline-keep", "frostline-probe"],
        "verbs": ["get", "patch"],
    },
    {
        "apiGroups": [ADMISSION],
        "resources": ["validatingadmissionpolicybindings"],
        "resourceNames": ["frostline-freeze", "frostline-keep", "frostline-probe"],
        "verbs": ["get", "patch", "delete"],
    },
    {
        "apiGroups": [ADMISSION],
        "resources": ["mutatingwebhookconfigurations"],
        "resourceNames": ["frostline"],
        "verbs": ["get", "patch", "delete"],
    },
    # Creation cannot be narrowed to names.
    {
        "apiGroups": [ADMISSION],
        "resources": ["validatingadmissionpolicybindings", "mutatingwebhookconfigurations"],
        "verbs": ["create"],
    },
    # Whoever binds a parameter must be allowed to read it.
    {"apiGroups": ["frostline.dev"], "resources": ["releasegates"], "verbs": ["list"]},
]
PROBE_RIGHTS: list[dict[str, Any]] = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]


def granted(kind: str, rules: list[dict[str, Any]], **place: str) -> list[dict[str, Any]]:
    metadata = {"name": "test-arming", **place}
    api = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": f"{api}/v1", "kind": kind, "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{api}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": api, "kind": kind, "name": "test-arming"},
            "subjects": [ACCOUNT],
        },
    ]


def policy(name: str, namespace: str, operations: list[str], group: str = "frostline.dev") -> dict[str, Any]:
    """Return a policy that refuses all that a gate is a parameter for."""
    return {
        "apiVersion": f"{ADMISSION}/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": f"{group}/v1alpha1", "kind": "ReleaseGate"},
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": operations,
                        "resources": ["deployments"],
                    }
                ],
            },
            "validations": [{"expression": "false", "message": "held back"}],
        },
    }


@pytest.fixture
def policies(kubectl: RunsKubectl, namespace: str) -> Iterator[None]:
    """Give two policies of the names that are bound, and the operator the rights that arming takes."""
    standing = kubectl("get", "validatingadmissionpolicies", "frostline-freeze", "--ignore-not-found").stdout
    assert not standing, "the chart ships the policies now: use those"
    rights = [*granted("ClusterRole", RIGHTS), *granted("Role", PROBE_RIGHTS, namespace="frostline-system")]
    stub = [
        policy("frostline-freeze", namespace, ["CREATE", "UPDATE"]),
        policy("frostline-keep", namespace, ["DELETE"]),
    ]
    manifests = yaml.safe_dump_all([*rights, *stub])
    kubectl("apply", "-f", "-", input=manifests)
    yield
    kubectl("delete", BOTH, "--selector", "frostline.dev/armed")
    kubectl("delete", "validatingadmissionpolicybinding", "frostline-probe", "--ignore-not-found")
    kubectl("delete", "-f", "-", input=manifests)


class Operator:
    """The part of the operator that arms, with its own service account."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def look(self, ca_bundle: bytes | None = None, url: dict[str, str] | None = None) -> State:
        """Look as an operator does that has just been started."""
        return self._with(lambda objects: Arming(objects, url).run(ca_bundle, 0))

    def arm(self, ca_bundle: bytes | None = None, url: dict[str, str] | None = None) -> State:
        """Look until all is armed."""
        # The API server looks for new kinds twice a minute.
        return (
            eventually(lambda: isinstance(state := self.look(ca_bundle, url), Armed) and state, 60, interval=0.5)
            or state
        )

    def _with(self, ask: Callable[[AdmissionObjects], Awaitable[T]]) -> T:
        async def run() -> T:
            async with await Connection(self._kubeconfig).connect() as api:
                objects = Objects(api)
                return await ask(AdmissionObjects(objects, Recorder(objects, "test")))

        return asyncio.run(run())
