"""Mistakes of a first day: each is told in words, and none undoes what worked."""

from collections.abc import Iterator

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from e2e.cluster.certificates import authority
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.state import REPOSITORY
from e2e.cluster.waiting import eventually
from e2e.node.helm import FAST, NAMESPACE, Release, restarts
from e2e.node.spent import Spent

SECONDS = 90.0
CRDS = REPOSITORY / "crds"
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

    measured = eventually(lambda: spent.condition("Measured"), SECONDS, spent.describe)

    assert measured["status"] == "False"
    assert measured["reason"] == "QueryFailed"
    assert "10.96.255.254:9090" in measured["message"]
    release.install(prometheus, FAST)
    eventually(lambda: spent.condition("Measured").get("status") == "True", SECONDS, spent.describe)


def test_an_authority_that_did_not_sign_is_told(release: Release, spent: Spent, wrong_authority: str) -> None:
    # The API server stands for a Prometheus behind TLS.
    release.install("https://10.96.0.1", FAST, {"prometheus": {"caConfigMap": {"name": wrong_authority}}})
    spent.promise()

    measured = eventually(lambda: spent.condition("Measured"), SECONDS, spent.describe)

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


def test_without_the_kind_prometheus_rule_rules_come_as_config_maps(
    kubectl: Kubectl, release: Release, prometheus: str, spent: Spent
) -> None:
    release.install(prometheus, FAST, {"rules": {"form": "auto"}})
    spent.promise()

    def written() -> bool:
        found = kubectl("get", "configmaps", "-n", NAMESPACE, "-l", RULES, "-o", "name").stdout.split()
        return {"configmap/frostline-shared", "configmap/frostline-slos"} <= set(found)

    eventually(written, SECONDS, "the operator writes rules")


def test_without_any_url_nothing_is_measured_until_there_is_a_source(
    kubectl: Kubectl, release: Release, prometheus: str, spent: Spent
) -> None:
    notes = release.install("", FAST).stdout
    spent.promise()

    measured = eventually(lambda: spent.condition("Measured"), SECONDS, spent.describe)

    assert "Nothing is measured until there is a PrometheusSource" in notes
    assert (measured["status"], measured["reason"]) == ("False", "SourceNotFound")
    assert "have a PrometheusSource called default" in measured["message"]
    assert spent.refusal() == ""
    source = {"apiVersion": "frostline.dev/v1alpha1", "kind": "PrometheusSource", "metadata": {"name": "default"}}
    kubectl("apply", "-f", "-", input=yaml.safe_dump(source | {"spec": {"url": prometheus}}))
    try:
        eventually(lambda: spent.condition("Measured").get("status") == "True", SECONDS, spent.describe)
    finally:
        kubectl("delete", "psrc", "default")


def told(release: Release, component: str) -> bool:
    """Say whether any pod of a component has told how CRDs are installed."""
    return "kubectl apply --server-side -f crds/" in release.logs(component)


def test_installed_before_the_crds_it_says_so_and_goes_on_when_they_come(
    kubectl: Kubectl, release: Release, prometheus: str, spent: Spent
) -> None:
    if release.installed():
        release.uninstall()
    kubectl("delete", "-f", str(CRDS), "--ignore-not-found")
    release.install(prometheus, FAST, {"crds": {"install": False}}, ready=False)

    assert 'no matches for kind "ServiceLevelObjective"' in spent.try_promise()
    eventually(lambda: told(release, "operator"), SECONDS, spent.describe)
    eventually(lambda: told(release, "webhook"), SECONDS, spent.describe)

    kubectl("apply", "--server-side", "-f", str(CRDS))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    release.install(prometheus, FAST, {"crds": {"install": False}})
    spent.freeze()
    pods = [pod for component in ("operator", "webhook") for pod in release.pods(component)]
    assert sum(restarts(pod) for pod in pods) == 0
    # The next install brings its own: helm takes over nothing that somebody else made.
    release.uninstall()
    kubectl("delete", "-f", str(CRDS))
