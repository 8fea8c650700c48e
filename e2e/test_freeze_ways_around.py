"""Ways around a freeze, tried by those who have every right: each is refused, and passes with the bypass, on record."""

import json
from collections.abc import Iterator

import pytest

from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.service import deployment
from e2e.shop import Shop

HELD = "releases of deployment/gateway are held back"
POLICY = "POLICY"
NAMESPACE = "NAMESPACE"

RELEASE = {"name": "app", "image": "app:4"}
UNMARKED = {
    "metadata": {"labels": {"frostline.dev/releases": None}},
    "spec": {"template": {"spec": {"containers": [RELEASE]}}},
}
RENAMED = [{"op": "replace", "path": "/spec/template/spec/containers/0/name", "value": "main"}]
RENAMED_AND_RELEASED = [
    {"op": "replace", "path": "/spec/template/spec/containers/0", "value": {"name": "main", "image": "app:4"}}
]
GATEWAY = ("patch", "deploy/gateway", "--type")
GATE = ("patch", "releasegate/deployment-gateway", "--type=merge", "-p")
PROMISE = ("patch", "slo/availability", "--type=merge", "-p")

WAYS: dict[str, tuple[tuple[str, ...], str]] = {
    "the mark removed with the release": ((*GATEWAY, "strategic", "-p", json.dumps(UNMARKED)), HELD),
    "the container renamed": ((*GATEWAY, "json", "-p", json.dumps(RENAMED)), HELD),
    "the container renamed and released": ((*GATEWAY, "json", "-p", json.dumps(RENAMED_AND_RELEASED)), HELD),
    "the workload deleted": (("delete", "deploy/gateway"), "frostline-keep"),
    "the gate loosened": ((*GATE, '{"spec":{"rule":"Warn"}}'), "only the Frostline operator writes"),
    "the gate made to know the release": ((*GATE, '{"spec":{"good":[]}}'), "only the Frostline operator writes"),
    "the gate deleted": (("delete", "releasegate/deployment-gateway"), "only the Frostline operator writes"),
    "the status rewritten": (
        (*PROMISE, '{"status":{"releases":"Open"}}', "--subresource=status"),
        "only the Frostline operator writes",
    ),
    "the target lowered": ((*PROMISE, '{"spec":{"objective":{"target":50}}}'), "target cannot be lowered"),
    "the promise re-pointed": ((*PROMISE, '{"spec":{"policyRef":"default"}}'), "policyRef cannot be changed"),
    "another indicator": (
        (*PROMISE, '{"spec":{"indicator":{"ratio":{"bad":"none_total"}}}}'),
        "indicator cannot be changed",
    ),
    "the workload let go": ((*PROMISE, '{"spec":{"protects":[]}}'), "protects keeps all its entries"),
    "the promise deleted": (("delete", "slo/availability"), "it cannot be deleted"),
    "the policy made to warn": (("patch", "ebp", POLICY, "--type=merge", "-p", '{"spec":{"mode":"Warn"}}'), "mode"),
    "the policy lifting sooner": (
        ("patch", "ebp", POLICY, "--type=merge", "-p", '{"spec":{"lift":{"hold":"1s"}}}'),
        "lift.hold cannot be made shorter",
    ),
    "the policy deleted": (("delete", "ebp", POLICY), "it cannot be deleted"),
    "the namespace only observed": (
        ("label", "namespace", NAMESPACE, "frostline.dev/mode=Observe"),
        "cannot be lowered",
    ),
    "the namespace's label removed": (
        ("label", "namespace", NAMESPACE, "frostline.dev/enforced-"),
        "frostline.dev/enforced is the operator's",
    ),
}


@pytest.fixture
def actors(kubectl: RunsKubectl, people: Shop) -> Iterator[dict[str, tuple[str, ...]]]:
    """Give the flags by which kubectl is an administrator, and a GitOps tool that may do everything."""
    account = f"system:serviceaccount:{people.namespace}:gitops"
    kubectl("create", "clusterrolebinding", people.namespace, "--clusterrole=cluster-admin", f"--user={account}")
    yield {"admin": ("--as=root", "--as-group=system:masters"), "gitops": (f"--as={account}",)}
    kubectl("delete", "clusterrolebinding", people.namespace)


@pytest.mark.usefixtures("held")
def test_each_is_refused_and_passes_with_the_bypass(
    people: Shop, quick: str, actors: dict[str, tuple[str, ...]]
) -> None:
    wrong = {}
    for actor, flags in actors.items():
        for way, (typed, says) in WAYS.items():
            command = [{POLICY: quick, NAMESPACE: people.namespace}.get(word, word) for word in typed]
            command += [*flags, "--dry-run=server"]
            refused = people.run(*command, check=False)
            passed = people.run(*command, "--as-group=frostline:bypass", check=False)
            if refused.returncode == 0 or says not in refused.stderr or passed.returncode != 0:
                wrong[actor, way] = f"refused: {refused.stderr} with the bypass: {passed.stderr}"

    assert not wrong, wrong


def test_what_a_tool_applies_is_refused_and_by_the_bypass_is_on_record(
    people: Shop, held: OperatorProcess, actors: dict[str, tuple[str, ...]]
) -> None:
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-", *actors["gitops"])
    release = deployment("gateway", "app:4", labels={"app": "gateway"})
    assert HELD in people.run(*apply, check=False, manifest=release).stderr
    replace = ("replace", "-f", "-", *actors["gitops"])
    assert HELD in people.run(*replace, check=False, manifest=release).stderr
    assert people.image() == "app:3"

    # While nothing of ours runs, what goes by the bypass is found afterwards.
    held.kill()
    people.run(*apply, "--as-group=frostline:bypass", manifest=release)
    assert people.image() == "app:4"
    held.start()

    (note,) = eventually(lambda: people.events("UnrecordedRelease"), 60)
    assert "image of container app" in note
    assert people.release("app:5")
