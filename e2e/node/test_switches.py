"""The chart with its switches off, and with a certificate that somebody else keeps."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import yaml

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.state import REPOSITORY
from e2e.cluster.waiting import eventually
from e2e.node.helm import FAST, NAMESPACE, WEBHOOK, Release
from e2e.node.rotation import SECRET
from e2e.node.spent import Spent
from e2e.other_kinds import definition
from frostline.controller.certificates import ServerNames, Step, carried_out

SECONDS: Final = 90.0
VALUES: Final = REPOSITORY / "tests" / "chart" / "values" / "off.yaml"
OFF: Final[dict[str, Any]] = {
    name: value for name, value in yaml.safe_load(VALUES.read_text()).items() if name != "prometheus"
}
MEASURES: Final = {
    "crds": {"install": True},
    "operator": {"replicas": 1},
    "serviceAccount": {"create": True, "name": ""},
    "rbac": {"create": True},
}
"""What an operator needs at least."""
INSIDE: Final = "deployments,services,serviceaccounts,secrets,configmaps,networkpolicies,pdb,roles,rolebindings,jobs"
CLUSTER_WIDE: Final = (
    "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings,"
    "mutatingwebhookconfigurations"
)
CERTIFICATES: Final = "certificates.cert-manager.io"


def there(kubectl: Kubectl) -> set[str]:
    """Return what there is of the release beside helm's own record."""
    inside = kubectl("get", INSIDE, "-n", NAMESPACE, "-o", "name").stdout.split()
    outside = kubectl("get", CLUSTER_WIDE, "-o", "name").stdout.split()
    return {each for each in (*inside, *outside) if "frostline" in each and "sh.helm.release" not in each}


@pytest.fixture
def removed(release: Release) -> Release:
    """Give the release while it is not installed."""
    if release.installed():
        release.uninstall()
    return release


def test_with_every_switch_off_nothing_runs_and_nothing_may_do_anything(
    kubectl: Kubectl, removed: Release, prometheus: str
) -> None:
    # The certificate of an earlier release, and rules that it once wrote.
    before = there(kubectl)
    assert before <= {"secret/frostline-webhook-tls", "configmap/frostline-shared", "configmap/frostline-slos"}

    notes = removed.install(prometheus, OFF).stdout

    assert there(kubectl) - before == {
        "deployment.apps/frostline-operator",
        "service/frostline-operator",
        "serviceaccount/frostline-webhook",
    }
    # Those of an earlier release have some seconds to end.
    eventually(lambda: not kubectl("get", "pods", "-n", NAMESPACE, "-o", "name").stdout, 30, "no pod is there")
    assert "No operator runs in the cluster" in notes
    removed.uninstall()
    assert there(kubectl) == before


def test_with_every_switch_off_but_an_operator_it_measures_and_refuses_nothing(
    removed: Release, prometheus: str, spent: Spent
) -> None:
    removed.install(prometheus, OFF, MEASURES, FAST)
    spent.promise()

    eventually(lambda: spent.status().get("level") == "Exhausted", SECONDS, spent.describe)
    eventually(lambda: len(spent.gates()) == 1, SECONDS, spent.describe)
    opened = spent.condition("ReleasesOpen")

    assert (opened["status"], opened["reason"]) == ("True", "SwitchedOff")
    assert opened["message"].startswith("would be held back (Freeze), but ")
    assert "with admission.releases on" in opened["message"]
    assert spent.refusal() == ""
    # Without its teardown an uninstall would leave the gate.
    removed.install(prometheus, FAST)


@pytest.fixture
def issuer(kubectl: Kubectl, removed: Release) -> Iterator[None]:
    """Have the kind Certificate, of which the chart makes one, and no certificate of an earlier release."""
    kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")
    kubectl("apply", "-f", "-", input=json.dumps(definition(CERTIFICATES, "Certificate")))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{CERTIFICATES}")
    yield
    # Without the kind helm could not even read what is installed. Nobody else would ever delete the Secret.
    if removed.installed():
        removed.uninstall()
    kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")
    kubectl("delete", "crd", CERTIFICATES)


@pytest.mark.usefixtures("issuer")
def test_with_a_certificate_by_somebody_else_the_webhook_refuses_and_the_operator_writes_none(
    kubectl: Kubectl, removed: Release, prometheus: str, spent: Spent
) -> None:
    kept = {"webhook": {"certManager": {"issuerRef": {"name": "platform-ca"}}}}
    removed.install(prometheus, FAST, kept, ready=False)
    wanted = json.loads(kubectl("get", CERTIFICATES, WEBHOOK, "-n", NAMESPACE, "-o", "json").stdout)["spec"]
    assert wanted["secretName"] == SECRET
    # What cert-manager does.
    issued = carried_out(Step.CREATE, {}, ServerNames(tuple(wanted["dnsNames"])), datetime.now(UTC))
    files = {name: issued[name].decode() for name in ("ca.crt", "tls.crt", "tls.key")}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": SECRET}}
    kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(secret | {"stringData": files}))

    removed.install(prometheus, FAST, kept)
    spent.freeze()

    now = json.loads(kubectl("get", "secret", SECRET, "-n", NAMESPACE, "-o", "json", "--show-managed-fields").stdout)
    assert {each["manager"] for each in now["metadata"]["managedFields"]} == {"kubectl-client-side-apply"}
