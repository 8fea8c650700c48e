"""The manifests of the example agree with the app, with its history and with what Frostline accepts."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.demo import promises
from e2e.demo.history import build
from e2e.demo.soulsync import WORKLOADS
from frostline.api.accept import Accepted, AcceptedPolicy, accept, accept_policy
from frostline.core.policy import BUILT_IN

FOLDER = Path(__file__).parents[2] / "examples" / "soulsync"


def manifests(kind: str) -> dict[str, dict[str, Any]]:
    found = [each for file in sorted(FOLDER.glob("*.yaml")) for each in yaml.safe_load_all(file.read_text())]
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


OBJECTIVES = manifests("ServiceLevelObjective")


def test_each_promise_is_a_manifest_with_the_same_target_and_journey() -> None:
    written = {
        name: (each["spec"]["objective"]["target"], each["spec"]["journey"]) for name, each in OBJECTIVES.items()
    }
    assert written == {promise.slo: (promise.target, promise.journey) for promise in promises.PROMISES}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_it_is_accepted_and_complete(name: str) -> None:
    spec = OBJECTIVES[name]["spec"]
    assert isinstance(accept(spec), Accepted)
    for field in ("owner", "journey", "tier", "rationale", "review", "protects"):
        assert spec[field]


def test_all_go_by_the_one_policy_which_is_the_default_but_for_its_holds() -> None:
    ((name, policy),) = manifests("ErrorBudgetPolicy").items()
    accepted = accept_policy(policy["spec"])
    assert isinstance(accepted, AcceptedPolicy)
    assert {each["spec"]["policyRef"] for each in OBJECTIVES.values()} == {name}
    changed = dataclasses.replace(accepted.policy, hysteresis=BUILT_IN.hysteresis, lift=BUILT_IN.lift)
    assert changed == BUILT_IN


def test_what_is_protected_is_there() -> None:
    deployments = manifests("Deployment")
    assert set(deployments) == set(WORKLOADS)
    protected = {each["name"] for slo in OBJECTIVES.values() for each in slo["spec"]["protects"]}
    assert protected == set(WORKLOADS)


def test_the_history_has_the_metrics_that_the_manifests_name() -> None:
    names = {series.name for series in build(1_790_000_000).series}
    for slo in OBJECTIVES.values():
        indicator = slo["spec"]["indicator"]
        if "latency" in indicator:
            selectors = [indicator["latency"]["histogram"].replace("{", "_bucket{", 1)]
        else:
            selectors = list(indicator["ratio"].values())
        assert {selector.split("{")[0] for selector in selectors} <= names
