"""What operator and webhook ask of the API server is what their roles grant: nothing is refused, nothing unused."""

import json
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from e2e.audit_log import Asked, AuditLog
from e2e.cluster.chart import NAMESPACE
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl, RunsOperator
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.cluster.webhook_process import WebhookProcess
from e2e.service import Service, apply, deployment
from e2e.shop import FAST, Shop

OPERATOR, WEBHOOK = (f"system:serviceaccount:{NAMESPACE}:frostline-{each}" for each in ("operator", "webhook"))
SECRET = "frostline-webhook-tls"
CREDENTIALS = "rights-prometheus"
RARE = {"operator": {("frostline.dev", "releasegates", "get")}, "webhook": set()}
"""Of these no story can be sure: a gate is looked at alone when somebody changed it in the moment of its deletion."""
KINDS = ("Deployment", "StatefulSet", "DaemonSet")


class Starts(Protocol):
    """Starts an operator, and the webhook unless it shall do without."""

    def __call__(self, *, webhook: bool = True) -> OperatorProcess:
        """Return the operator."""


def roles(kubectl: RunsKubectl, component: str) -> list[dict[str, Any]]:
    """Return the roles that the chart gives to a component."""
    name = f"frostline-{component}"
    cluster_roles = json.loads(kubectl("get", "clusterroles", "-o", "json").stdout)["items"]
    inside = json.loads(kubectl("get", "roles", "-n", NAMESPACE, "-o", "json").stdout)["items"]
    found = [each for each in cluster_roles if each["metadata"]["name"] == name]
    return found + [each for each in inside if each["metadata"]["name"].startswith(f"{name}-")]


def granted(kubectl: RunsKubectl, component: str) -> set[tuple[str, str, str]]:
    """Return (group, resource, verb) of all that a component may do."""
    return {
        (group, resource, verb)
        for role in roles(kubectl, component)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def workload(kind: str) -> dict[str, Any]:
    """Return a workload named after its kind."""
    name = kind.lower()
    manifest = deployment(name, "app:1") | {"kind": kind}
    if kind != "Deployment":
        manifest["spec"].pop("replicas")
    if kind == "StatefulSet":
        manifest["spec"]["serviceName"] = name
    return manifest


@pytest.fixture
def credentials(kubectl: RunsKubectl) -> Iterator[str]:
    """Give a PrometheusSource whose token and authority are in a Secret and a ConfigMap."""
    kubectl("create", "secret", "generic", CREDENTIALS, "-n", NAMESPACE, "--from-literal=token=t")
    kubectl("create", "configmap", CREDENTIALS, "-n", NAMESPACE, "--from-literal=ca.crt=none")
    source = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "PrometheusSource",
        "metadata": {"name": CREDENTIALS},
        "spec": {
            "url": "https://127.0.0.1:1",
            "auth": {"bearer": {"name": CREDENTIALS}},
            "tls": {"ca": {"configMap": {"name": CREDENTIALS}}},
        },
    }
    apply(kubectl, None, source)
    yield CREDENTIALS
    kubectl("delete", "psrc", CREDENTIALS)
    kubectl("delete", "secret,configmap", CREDENTIALS, "-n", NAMESPACE)


@pytest.fixture
def started(cluster: Cluster, shop: Service, people: Shop, operator: RunsOperator) -> Iterator[Starts]:
    """Give what starts an operator that is elected, and the webhook whose certificate it keeps."""
    asked = WebhookProcess(cluster.site, "webhook-of-rights", secret=f"{NAMESPACE}/{SECRET}")
    people.kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")
    people.kubectl("delete", "lease", "frostline-operator", "-n", NAMESPACE, "--ignore-not-found")

    def start(*, webhook: bool = True) -> OperatorProcess:
        url = f"https://{urlsplit(asked.review_url).netloc}"
        flags = ("--webhook-url", url, "--webhook-secret", f"{NAMESPACE}/{SECRET}") if webhook else ()
        lease = ("--lease", f"{NAMESPACE}/frostline-operator")
        running = operator(shop.url, people.namespace, flags=(*FAST, *flags, *lease))
        if webhook:
            asked.start()
        return running

    yield start
    asked.stop()
    people.kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")


def live_a_life(shop: Service, people: Shop, quick: str, start: Starts) -> None:
    """Freeze workloads of every kind, put right what was edited, pass by override, lift, and do without the webhook."""
    for kind in KINDS:
        apply(people.kubectl, people.namespace, workload(kind))
    protects = [{"kind": kind, "name": kind.lower()} for kind in KINDS]
    shop.spend()
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=protects, policyRef=quick))
    running = start()
    eventually(lambda: people.holders("deployment") == {"availability"}, 60, lambda: running.log.read_text()[-2000:])
    eventually(lambda: "webhook" in people.refusal("deployment"), 60, lambda: running.log.read_text()[-2000:])
    edited = {
        "validatingadmissionpolicybinding/frostline-freeze": '{"spec":{"validationActions":["Warn"]}}',
        "mutatingwebhookconfiguration/frostline": '{"webhooks":[]}',
    }
    for name, patch in edited.items():
        people.kubectl("patch", name, "--type=merge", "-p", patch)
    eventually(lambda: all(_is_right(people, name) for name in edited), 60, lambda: running.log.read_text()[-2000:])
    user = people.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}").stdout
    override = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseOverride",
        "metadata": {"name": "fix"},
        "spec": {
            "class": "Security",
            "reason": "tried",
            "workloads": [{"kind": "Deployment", "name": "deployment"}],
            "expiresAt": "2100-01-01T00:00:00Z",
            "requestedBy": user,
        },
    }
    apply(people.kubectl, people.namespace, override)
    eventually(lambda: people.release("app:2", name="deployment") == "", 60, lambda: str(people.gates()))
    eventually(lambda: shop.earn() and not people.gates(), 120, lambda: str(people.status()), interval=1)
    running.stop()
    people.kubectl("patch", "secret", SECRET, "-n", NAMESPACE, "--type=merge", "-p", '{"data":{"ca.crt":""}}')
    start().stop()
    start(webhook=False)
    gone = "mutatingwebhookconfiguration/frostline"
    eventually(lambda: people.kubectl("get", gone, check=False).returncode != 0, 60)


def _is_right(people: Shop, name: str) -> bool:
    """Say whether what was edited is as the operator made it."""
    found = json.loads(people.kubectl("get", name, "-o", "json").stdout)
    return bool(found.get("webhooks")) or found.get("spec", {}).get("validationActions") == ["Deny", "Audit"]


def test_rights_are_those_that_are_used(
    *,
    cluster: Cluster,
    kubectl: RunsKubectl,
    shop: Service,
    people: Shop,
    quick: str,
    credentials: str,
    started: Starts,
) -> None:
    assert credentials
    log = AuditLog(cluster)
    live_a_life(shop, people, quick, started)

    for (account, asked), component in zip(log.asked(OPERATOR, WEBHOOK).items(), ("operator", "webhook"), strict=True):
        assert asked, account
        refused = {each for each, codes in asked.items() if 403 in codes and not _is_by_policy(each)}
        assert refused == set(), component
        used = {(each.group, each.resource, each.verb) for each in asked}
        assert granted(kubectl, component) - used <= RARE[component], component


def _is_by_policy(asked: Asked) -> bool:
    """Say whether it is the probe, which a policy refuses once the API server knows its parameter."""
    return (asked.resource, asked.verb, asked.namespace) == ("configmaps", "create", NAMESPACE)
