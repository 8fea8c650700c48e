"""frostline override as people run it: with a right, without one, and what the operator answers."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import kubeconfig
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.api.gate import TemplateProjection
from frostline.api.override import OverrideSpec

FROSTLINE = str(Path(sys.executable).with_name("frostline"))
BYPASS = ("--as=test", "--as-group=system:masters", "--as-group=frostline:bypass")
WHY = ("--class", "security", "--reason", "login can be bypassed")

Command = Callable[..., "subprocess.Popen[str]"]

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        },
    },
}


@pytest.fixture
def gated(kubectl: RunsKubectl, namespace: str) -> str:
    """Give a namespace in which deployment/web is frozen."""
    gate = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseGate",
        "metadata": {"name": "deployment-web", "namespace": namespace},
        "spec": {
            "workload": {"kind": "Deployment", "name": "web"},
            "rule": "Freeze",
            "since": "2026-01-01T00:00:00Z",
            "by": [
                {
                    "objective": "matching",
                    "uid": "u",
                    "policy": "default",
                    "through": "deployment/web",
                    "level": "Exhausted",
                    "since": "2026-01-01T00:00:00Z",
                    "rule": "Freeze",
                    "budget": "-3.0%",
                }
            ],
            "message": "held back",
            "overrideClasses": ["Reliability", "Security", "Emergency"],
            "shape": {"withheld": ["Resources"]},
        },
    }
    kubectl("create", "-f", "-", *BYPASS, input=json.dumps(gate))
    return namespace


@pytest.fixture
def person(cluster: Cluster, gated: str) -> Callable[..., str]:
    """Give somebody with the rules given, in that namespace; returns the path of the kubeconfig."""

    def make(name: str, *rules: dict[str, Any]) -> str:
        cluster.kubectl("create", "serviceaccount", name, "-n", gated)
        api = "rbac.authorization.k8s.io"
        role = {
            "apiVersion": f"{api}/v1",
            "kind": "Role",
            "metadata": {"name": name, "namespace": gated},
            "rules": list(rules),
        }
        binding = {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": gated},
            "roleRef": {"apiGroup": api, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": gated}],
        }
        cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all([role, binding]))
        token = cluster.kubectl("create", "token", name, "-n", gated).stdout.strip()
        path = cluster.folder / f"{gated}-{name}.kubeconfig"
        rendered = kubeconfig.render(name, kubeconfig.current_cluster(cluster.kubeconfig), {"token": token})
        rendered["contexts"][0]["context"]["namespace"] = gated
        kubeconfig.write(path, rendered)
        return str(path)

    return make


OVERRIDES = {"apiGroups": ["frostline.dev"], "resources": ["releaseoverrides"], "verbs": ["create", "get"]}
GATES = {"apiGroups": ["frostline.dev"], "resources": ["releasegates"], "verbs": ["get"]}
DEPLOYMENTS = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create"]}


@pytest.fixture
def begin() -> Iterator[Command]:
    """Start `frostline override ARGUMENTS`; what runs on is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(config: str, *arguments: str) -> "subprocess.Popen[str]":
        argv = [FROSTLINE, "override", *arguments, "--kubeconfig", config]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def the_override(kubectl: RunsKubectl, namespace: str) -> dict[str, Any]:
    """Wait for the one override of a namespace."""

    def found() -> list[dict[str, Any]]:
        listed = json.loads(kubectl("get", "releaseoverrides", "-n", namespace, "-o", "json").stdout)
        return list(listed["items"])

    (one,) = eventually(found, 20)
    return one


def answer(kubectl: RunsKubectl, override: dict[str, Any], live: bool, reason: str, message: str) -> None:
    """Write into the status what the operator would."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {
        "type": "Live",
        "status": str(live),
        "reason": reason,
        "message": message,
        "lastTransitionTime": now,
        "observedGeneration": 1,
    }
    status = {"until": override["spec"]["expiresAt"], "conditions": [condition]}
    where = (override["metadata"]["name"], "-n", override["metadata"]["namespace"])
    patch = ("--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    kubectl("patch", "releaseoverride", *where, *patch, *BYPASS)


def test_an_override_is_made_in_ones_own_name_and_awaited(
    gated: str, kubectl: RunsKubectl, person: Callable[..., str], begin: Command
) -> None:
    process = begin(person("ann", OVERRIDES, GATES), "deploy/web", *WHY, "--for", "30m", "--image", "web:2")
    override = the_override(kubectl, gated)
    assert process.poll() is None
    answer(kubectl, override, True, "Live", "both gates let it pass")

    code, out, err = ended(process)

    assert code == 0, err
    spec = OverrideSpec.model_validate(override["spec"])
    assert spec.requested_by == f"system:serviceaccount:{gated}:ann"
    assert timedelta(minutes=28) < spec.expires_at - datetime.now(UTC) <= timedelta(minutes=30)
    name = override["metadata"]["name"]
    assert name.startswith("web-security-")
    assert f"releaseoverride/{name} is live until" in out
    assert f"kubectl set image deployment/web -n {gated} CONTAINER=web:2" in out
    assert "waiting until it counts" in err


def test_why_an_override_does_not_count_is_told(
    gated: str, kubectl: RunsKubectl, person: Callable[..., str], begin: Command
) -> None:
    process = begin(person("ann", OVERRIDES), "deployment/web", *WHY)
    override = the_override(kubectl, gated)
    answer(kubectl, override, False, "Pending", "the gate is being written")
    assert process.poll() is None
    answer(kubectl, override, False, "ClassNotAllowed", "class Security does not count here")

    code, _, err = ended(process)

    assert code == 1
    assert "does not count: class Security does not count here" in err
    assert f"kubectl delete releaseoverride {override['metadata']['name']} -n {gated}" in err


def test_a_class_that_cannot_pass_is_told_before_anything_is_made(
    gated: str, kubectl: RunsKubectl, person: Callable[..., str], begin: Command
) -> None:
    code, _, err = ended(begin(person("ann", OVERRIDES, GATES), "deploy/web", "--class=LowRisk", "--reason=typo"))

    assert code == 1
    assert "slo/matching is Exhausted: use --class Reliability or Security or Emergency" in err
    assert not kubectl("get", "releaseoverrides", "-n", gated, "-o", "name").stdout


def test_without_the_right_the_role_is_named(gated: str, person: Callable[..., str], begin: Command) -> None:
    code, _, err = ended(begin(person("bob"), "deploy/web", *WHY))

    assert code == 1
    role = "--clusterrole=frostline-override"
    assert f"kubectl create rolebinding frostline-override -n {gated} {role} --serviceaccount={gated}:bob" in err


def test_dry_run_and_yaml_make_nothing(
    gated: str, kubectl: RunsKubectl, person: Callable[..., str], begin: Command
) -> None:
    ann = person("ann", OVERRIDES, GATES)

    code, out, err = ended(begin(ann, "deploy/web", *WHY, "--name=fix", "--dry-run"))
    assert (code, out) == (0, "releaseoverride/fix is in order; it was not created\n"), err

    code, out, err = ended(begin(ann, "deploy/web", *WHY, "--name=fix", "-o", "yaml", "--user", "ci"))
    assert code == 0, err
    assert yaml.safe_load(out)["spec"]["users"] == ["ci"]

    assert not kubectl("get", "releaseoverrides", "-n", gated, "-o", "name").stdout
    kubectl("create", "--dry-run=server", "-f", "-", *BYPASS, input=out)


def test_a_workload_that_nothing_holds_needs_no_override(person: Callable[..., str], begin: Command) -> None:
    code, out, _ = ended(begin(person("ann", OVERRIDES, GATES), "deploy/other", *WHY))

    assert code == 0
    assert "nothing holds back deployment/other" in out


def test_like_stores_the_template_as_the_api_server_would(
    tmp_path: Path, gated: str, kubectl: RunsKubectl, person: Callable[..., str], begin: Command
) -> None:
    manifest = tmp_path / "web.yaml"
    manifest.write_text(yaml.safe_dump(DEPLOYMENT))
    ann = person("ann", OVERRIDES, GATES, DEPLOYMENTS)

    code, out, err = ended(begin(ann, "deploy/web", *WHY, "--like", str(manifest), "-o", "yaml"))

    assert code == 0, err
    template = yaml.safe_load(out)["spec"]["template"]
    TemplateProjection.model_validate(template)
    (container,) = template["containers"]
    assert container["image"] == "web:1"
    assert container["terminationMessagePolicy"] == "File"
    # Withheld by the gate, so part of what makes a release.
    assert container["resources"] == {}
    assert not kubectl("get", "deployments", "-n", gated, "-o", "name").stdout


def test_like_without_the_right_says_so(tmp_path: Path, person: Callable[..., str], begin: Command) -> None:
    manifest = tmp_path / "web.yaml"
    manifest.write_text(yaml.safe_dump(DEPLOYMENT))

    code, _, err = ended(begin(person("ann", OVERRIDES, GATES), "deploy/web", *WHY, "--like", str(manifest)))

    assert code == 1
    assert "--like takes the right to create deployments" in err
