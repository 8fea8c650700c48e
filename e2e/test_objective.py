"""What a user of one objective does and sees: apply, get, describe, explain, wait, and mistakes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from e2e.cluster.fixtures import JOB, RunsKubectl, RunsOperator, ScrapedExporter
from e2e.cluster.waiting import eventually
from e2e.shop import BYPASS, FAST

COLUMNS = ["NAME", "SLI", "TARGET", "BUDGET", "BURN", "LEVEL", "RELEASES", "AGE"]

Change = Callable[[dict[str, Any]], None]


def promise(namespace: str, **changed: object) -> dict[str, Any]:
    """Return the manifest of an objective on the live exporter."""
    spec: dict[str, Any] = {
        "owner": "team-web",
        "journey": "checkout",
        "tier": 1,
        "indicator": {
            "ratio": {
                "bad": f'requests_total{{job="{JOB}",code=~"5.."}}',
                "valid": f'requests_total{{job="{JOB}"}}',
            }
        },
        "objective": {"target": 99.9},
        "window": {"rolling": "30d"},
    }
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": spec | changed,
    }


class Objective:
    """One objective on the cluster."""

    def __init__(self, kubectl: RunsKubectl, namespace: str, name: str = "web") -> None:
        self._kubectl = kubectl
        self._namespace = namespace
        self._name = name

    def apply(self, manifest: dict[str, Any]) -> None:
        self._kubectl("apply", "-f", "-", input=json.dumps(manifest))

    def status(self) -> dict[str, Any]:
        shown = self._kubectl("get", "slo", self._name, "-n", self._namespace, "-o", "json")
        return dict(json.loads(shown.stdout).get("status", {}))

    def condition(self, kind: str) -> dict[str, Any]:
        found = [each for each in self.status().get("conditions", ()) if each["type"] == kind]
        return found[0] if found else {}

    def becomes(self, kind: str, reason: str, timeout: float = 45) -> dict[str, Any]:
        eventually(
            lambda: self.condition(kind).get("reason") == reason, timeout, lambda: f"{kind} {reason}: {self.status()}"
        )
        return self.condition(kind)

    def is_measured(self) -> None:
        eventually(lambda: self.condition("Measured").get("status") == "True", 45, lambda: str(self.status()))


@pytest.fixture
def objective(kubectl: RunsKubectl, namespace: str) -> Objective:
    """Give the objective that `promise` describes; it is not applied yet."""
    return Objective(kubectl, namespace)


def serve(live: ScrapedExporter, good: float, bad: float) -> None:
    """Let requests come in."""
    live.exporter.add("requests_total", good, code="200")
    if bad:
        live.exporter.add("requests_total", bad, code="500")


@pytest.mark.smoke
def test_an_objective_is_measured_shown_and_judged(
    namespace: str, kubectl: RunsKubectl, live_exporter: ScrapedExporter, operator: RunsOperator, objective: Objective
) -> None:
    serve(live_exporter, 1, 0)
    operator(live_exporter.url, namespace, flags=FAST)
    objective.apply(promise(namespace))
    kubectl("wait", "--for=condition=Measured", "slo/web", "-n", namespace, "--timeout=60s")

    serve(live_exporter, 9_999, 4)
    eventually(lambda: objective.status()["budget"]["remainingPercent"] < 65, 45, lambda: str(objective.status()))
    status = objective.status()
    assert status["budget"]["remainingPercent"] == pytest.approx(60, abs=0.2)
    assert status["counts"]["bad"] == 4
    assert status["level"] == "Depleting"
    assert status["budget"]["minutesTotal"] == 43.2

    shown = kubectl("get", "slo", "-n", namespace).stdout.splitlines()
    assert shown[0].split() == COLUMNS
    assert "60.0%" in shown[1]
    wide = kubectl("get", "slo", "-n", namespace, "-o", "wide").stdout
    assert "MINUTES LEFT" in wide
    assert "team-web" in wide
    described = kubectl("describe", "slo", "web", "-n", namespace).stdout
    assert "sum(increase(requests_total" in described
    eventually(lambda: "Healthy -> Depleting" in kubectl("get", "events", "-n", namespace, "-o", "yaml").stdout, 20)

    serve(live_exporter, 0, 500)
    eventually(lambda: objective.status()["level"] == "Exhausted", 45, lambda: str(objective.status()))
    assert objective.condition("WithinObjective")["status"] == "False"


def test_every_field_is_explained(kubectl: RunsKubectl) -> None:
    explained = kubectl("explain", "slo.spec.indicator", "--recursive").stdout
    assert "histogram" in explained
    assert "<no description>" not in kubectl("explain", "slo.spec.indicator.latency").stdout


def test_prometheus_away_changes_nothing_and_heals(
    namespace: str, live_exporter: ScrapedExporter, operator: RunsOperator, objective: Objective
) -> None:
    serve(live_exporter, 1, 0)
    operator(live_exporter.url, namespace, flags=FAST)
    objective.apply(promise(namespace))
    objective.is_measured()
    serve(live_exporter, 9_999, 4)
    eventually(lambda: objective.status()["level"] == "Depleting", 45)
    before = objective.status()

    live_exporter.prometheus.stop()
    failed = objective.becomes("Measured", "QueryFailed")

    assert "cannot be reached" in failed["message"]
    assert before["measuredAt"][:16] in failed["message"].replace("+00:00", "Z")
    held = objective.status()
    assert (held["level"], held["budget"]) == (before["level"], before["budget"])
    assert held["display"]["sli"].endswith("(QueryFailed)")

    live_exporter.prometheus.start()
    objective.is_measured()
    assert objective.status()["level"] == before["level"]


def test_a_killed_operator_comes_back_to_the_same_status(
    namespace: str, live_exporter: ScrapedExporter, operator: RunsOperator, objective: Objective
) -> None:
    serve(live_exporter, 1, 0)
    process = operator(live_exporter.url, namespace, flags=FAST)
    objective.apply(promise(namespace))
    objective.is_measured()
    serve(live_exporter, 9_999, 4)
    eventually(lambda: objective.status()["level"] == "Depleting", 45)
    before = objective.status()

    process.kill()
    process.start()
    eventually(lambda: objective.status()["measuredAt"] > before["measuredAt"], 90, lambda: str(objective.status()))

    objective.is_measured()
    after = objective.status()
    for field in ("level", "levelSince", "counts", "budget", "sli", "target"):
        assert after[field] == before[field], field


def test_a_status_that_somebody_patched_is_put_right(
    namespace: str, kubectl: RunsKubectl, live_exporter: ScrapedExporter, operator: RunsOperator, objective: Objective
) -> None:
    serve(live_exporter, 10, 0)
    operator(live_exporter.url, namespace, flags=FAST)
    objective.apply(promise(namespace))
    objective.is_measured()

    forged = json.dumps({"status": {"level": "Exhausted", "budget": {"remainingPercent": -5}}})
    patch = ("patch", "slo", "web", "-n", namespace, "--subresource=status", "--type=merge", "-p", forged)
    assert "only the Frostline operator writes" in kubectl(*patch, check=False).stderr
    kubectl(*patch, *BYPASS)

    eventually(lambda: objective.status()["level"] == "Healthy", 30, lambda: str(objective.status()))
    assert objective.status()["budget"]["remainingPercent"] == 100


def test_a_metric_that_does_not_exist_is_no_data_and_no_number(
    namespace: str, live_exporter: ScrapedExporter, operator: RunsOperator, objective: Objective
) -> None:
    operator(live_exporter.url, namespace, flags=FAST)
    objective.apply(promise(namespace))
    assert 'requests_total{job="live"}' in objective.becomes("Measured", "NoData")["message"]
    assert "sli" not in objective.status()
    assert objective.status()["display"]["sli"] == "NoData"


def test_a_syntax_error_in_a_selector_names_the_field(
    namespace: str, live_exporter: ScrapedExporter, operator: RunsOperator, objective: Objective
) -> None:
    operator(live_exporter.url, namespace, flags=FAST)
    injected = {"ratio": {"bad": 'x"} or vector(1) #', "valid": "requests_total"}}
    objective.apply(promise(namespace, indicator=injected))
    assert objective.becomes("Accepted", "Invalid")["message"].startswith("spec.indicator.ratio.bad: not valid PromQL")


MISLED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "a policy that is not there": ({"policyRef": "nobodys"}, "False", "PolicyNotUsable", "nobodys"),
    "a workload that is not there": (
        {"protects": [{"kind": "Deployment", "name": "gatewya"}]},
        "True",
        "Warnings",
        "spec.protects.0",
    ),
    "a selector that selects nothing": (
        {"protects": [{"kind": "StatefulSet", "selector": {"matchLabels": {"app": "db"}}}]},
        "True",
        "Warnings",
        "no-workload",
    ),
}


@pytest.mark.parametrize("name", MISLED)
def test_a_manifest_that_names_what_is_not_there_is_told_so(
    name: str, namespace: str, live_exporter: ScrapedExporter, operator: RunsOperator, objective: Objective
) -> None:
    changed, status, reason, says = MISLED[name]
    operator(live_exporter.url, namespace, flags=FAST)
    objective.apply(promise(namespace, **changed))
    accepted = objective.becomes("Accepted", reason)
    assert accepted["status"] == status
    assert says in accepted["message"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "target 100": ({"objective": {"target": 100}}, "leaves no error budget"),
    "target 101": ({"objective": {"target": 101}}, "must be below 100"),
    "target 0": ({"objective": {"target": 0}}, "must be above 0"),
    "target as a share": ({"objective": {"target": 0.999}}, "write 99.9, not 0.999"),
    "target in words": ({"objective": {"target": "abc"}}, "spec.objective.target"),
    "stretch below target": ({"objective": {"target": 99.9, "stretch": 99}}, "stretch must be above target"),
    "no indicator": ({"indicator": {}}, "give exactly one of"),
    "two indicators": (
        {"indicator": {"ratio": {"bad": "a", "valid": "b"}, "latency": {"histogram": "h", "threshold": "1s"}}},
        "give exactly one of",
    ),
    "good and bad": ({"indicator": {"ratio": {"good": "a", "bad": "a", "valid": "b"}}}, "exactly one of good and bad"),
    "a month as 1m": ({"window": {"rolling": "1m"}}, "m would be minutes"),
    "window 0s": ({"window": {"rolling": "0s"}}, "spec.window.rolling"),
    "window -1d": ({"window": {"rolling": "-1d"}}, "spec.window.rolling"),
    "window 3y": ({"window": {"rolling": "3y"}}, "from 1d to 1y"),
    "an unknown field": ({"ownr": "team-web"}, 'unknown field "spec.ownr"'),
    "tier 9": ({"tier": 9}, "spec.tier"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_manifest_is_refused_by_the_api_server(name: str, namespace: str, kubectl: RunsKubectl) -> None:
    changed, why = REFUSED[name]
    refused = kubectl("create", "-f", "-", input=yaml.safe_dump(promise(namespace, **changed)), check=False)
    assert refused.returncode != 0
    assert why in refused.stderr
