"""Mistakes of a first day: each is told in words, and none undoes what worked."""

from collections.abc import Iterator

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from e2e.cluster.certificates import authority
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.node.helm import FAST, NAMESPACE, Release
from e2e.node.spent import Spent

SECONDS = 90.0
RULES = "app.kubernetes.io/managed-by=frostline,app.kubernetes.io/component=rules"


@pytest.fixture
def wrong_authority(kubectl: Kubectl, release: Release) -> Iterator[str]:
    """Give the name of a ConfigMap with an authority that signed nothing."""
    name = "nobodys-ca"
    text = authority("nobody").certificate.public_bytes(Encoding.PEM).decode()
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"ca.crt": text}}
    kubectl("apply", "-n", release.namespace, "-f", "-", input=yaml.safe_dump(made))
    yield name
    kubectl("delete", "configmap", name, "-n", release.namespace)


def test_a_prometheus_that_is_not_there_is_told_and_mended_by_an_upgrade(
    release: Release, prometheus: str, spent: Spent
) -> None:
    nowhere = "http://10.96.255.254:9090"
    release.install(nowhere, FAST)
    spent.promise()

    measured = eventually(lambda: _measured(spent), SECONDS, spent.describe)

    assert measured["status"] == "False"
    assert measured["reason"] == "QueryFailed"
    assert "10.96.255.254:9090" in measured["message"]
    release.install(prometheus, FAST)
    eventually(lambda: _measured(spent).get("status") == "True", SECONDS, spent.describe)


def test_an_authority_that_did_not_sign_is_told(release: Release, spent: Spent, wrong_authority: str) -> None:
    # The API server stands for a Prometheus behind TLS.
    release.install("https://10.96.0.1", FAST, {"prometheus": {"caConfigMap": {"name": wrong_authority}}})
    spent.promise()

    measured = eventually(lambda: _measured(spent), SECONDS, spent.describe)

    assert measured["status"] == "False"
    assert "certificate" in measured["message"].lower()


def test_a_second_install_is_refused_and_the_first_goes_on(
    kubectl: Kubectl, release: Release, prometheus: str, spent: Spent
) -> None:
    release.install(prometheus, FAST)
    spent.freeze()
    second = Release(release.cluster, "second", "second-system")
    kubectl("create", "namespace", second.namespace)
    try:
        done = second.install(prometheus, FAST, check=False)

        assert done.returncode != 0
        assert "invalid ownership metadata" in done.stderr
        assert NAMESPACE in done.stderr
        assert kubectl("get", "deployments", "-n", second.namespace, "-o", "name").stdout == ""
        assert "admission webhook" in spent.refusal()
    finally:
        second.helm("uninstall", second.name, "--ignore-not-found", "--no-hooks", check=False)
        kubectl("delete", "namespace", second.namespace, "--wait=false")


def _measured(spent: Spent) -> dict[str, str]:
    found = [each for each in spent.status().get("conditions", ()) if each["type"] == "Measured"]
    return dict(found[0]) if found else {}


def test_without_the_kind_prometheus_rule_rules_come_as_config_maps(
    kubectl: Kubectl, release: Release, prometheus: str, spent: Spent
) -> None:
    release.install(prometheus, FAST, {"rules": {"form": "auto"}})
    spent.promise()

    def written() -> bool:
        found = kubectl("get", "configmaps", "-n", NAMESPACE, "-l", RULES, "-o", "name").stdout.split()
        return {"configmap/frostline-shared", "configmap/frostline-slos"} <= set(found)

    eventually(written, SECONDS, "the operator writes rules")
