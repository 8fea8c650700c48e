"""Many objectives, long names, objects that come and go, and an operator that is killed again and again."""

import json
import random
import time
from typing import Any

import pytest

from e2e.cluster.fixtures import JOB, RunsKubectl, RunsOperator, ScrapedExporter
from e2e.cluster.waiting import eventually

FAST = ("--cycle-interval", "2s", "--query-offset", "1s")
KILLS = 50
THOUSAND = 1_000


def promise(name: str, namespace: str, target: float = 99.9) -> dict[str, Any]:
    """Return an objective on the live exporter."""
    valid = f'requests_total{{job="{JOB}"}}'
    bad = f'requests_total{{job="{JOB}",code=~"5.."}}'
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "indicator": {"ratio": {"bad": bad, "valid": valid}},
            "objective": {"target": target},
            "window": {"rolling": "1d"},
        },
    }


def listed(*manifests: dict[str, Any]) -> str:
    """Return manifests as one document."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})


def statuses(kubectl: RunsKubectl, namespace: str) -> dict[str, dict[str, Any]]:
    """Return the status of every objective of a namespace by its name."""
    found = json.loads(kubectl("get", "slo", "-n", namespace, "-o", "json").stdout)["items"]
    return {each["metadata"]["name"]: each.get("status", {}) for each in found}


def measured(status: dict[str, Any]) -> bool:
    """Say whether a status has a figure of now."""
    return any(each["type"] == "Measured" and each["status"] == "True" for each in status.get("conditions", ()))


def traffic(live: ScrapedExporter) -> None:
    """Let requests come in: 4 of 10,000 are bad."""
    live.exporter.add("requests_total", 9_996, code="200")
    live.exporter.add("requests_total", 4, code="500")


def test_a_thousand_at_once_are_all_measured(
    namespace: str, kubectl: RunsKubectl, live_exporter: ScrapedExporter, operator: RunsOperator
) -> None:
    traffic(live_exporter)
    operator(live_exporter.url, namespace)

    kubectl("create", "-f", "-", input=listed(*(promise(f"slo-{n}", namespace) for n in range(THOUSAND))))

    def all_measured() -> bool:
        found = statuses(kubectl, namespace)
        return len(found) == THOUSAND and all(measured(each) for each in found.values())

    eventually(all_measured, 420, interval=2)


def test_the_longest_name_and_the_same_name_elsewhere(
    namespace: str, kubectl: RunsKubectl, live_exporter: ScrapedExporter, operator: RunsOperator
) -> None:
    traffic(live_exporter)
    other = f"{namespace}-other"
    kubectl("create", "namespace", other)
    longest = "x" * 253
    operator(live_exporter.url, namespace, other, flags=FAST)
    kubectl("apply", "-f", "-", input=listed(promise(longest, namespace), promise(longest, other, 99.99)))

    eventually(lambda: measured(statuses(kubectl, namespace)[longest]), 60)
    eventually(lambda: measured(statuses(kubectl, other)[longest]), 60)
    assert statuses(kubectl, namespace)[longest]["target"] == 99.9
    assert statuses(kubectl, other)[longest]["target"] == 99.99
    kubectl("delete", "namespace", other, "--wait=false")


def test_edited_deleted_and_made_again_in_quick_succession(
    namespace: str, kubectl: RunsKubectl, live_exporter: ScrapedExporter, operator: RunsOperator
) -> None:
    traffic(live_exporter)
    operator(live_exporter.url, namespace, flags=FAST)
    for round_number in range(6):
        kubectl("apply", "-f", "-", input=json.dumps(promise("web", namespace, 99.0 + round_number / 10)))
        if round_number % 2:
            kubectl("delete", "slo", "web", "-n", namespace)
    kubectl("apply", "-f", "-", input=json.dumps(promise("web", namespace, 99.9)))
    kubectl("patch", "slo", "web", "-n", namespace, "--type=merge", "-p", '{"spec":{"objective":{"target":99.5}}}')

    def settled() -> bool:
        status = statuses(kubectl, namespace)["web"]
        return measured(status) and status["target"] == 99.5 and status["observedGeneration"] == 2

    eventually(settled, 60, lambda: str(statuses(kubectl, namespace)))
    changes = statuses(kubectl, namespace)["web"].get("targetChanges", [])
    assert [(each["before"], each["after"]) for each in changes] in ([], [(99.9, 99.5)])


@pytest.mark.parametrize("seed", [20_261_121])
def test_killed_fifty_times_at_random_the_status_is_that_of_an_undisturbed_run(
    seed: int, namespace: str, kubectl: RunsKubectl, live_exporter: ScrapedExporter, operator: RunsOperator
) -> None:
    moments = random.Random(seed)
    live_exporter.exporter.add("requests_total", 1, code="200")
    undisturbed = f"{namespace}-calm"
    kubectl("create", "namespace", undisturbed)
    kubectl("apply", "-f", "-", input=listed(promise("web", namespace), promise("web", undisturbed)))
    operator(live_exporter.url, undisturbed, flags=FAST)
    process = operator(live_exporter.url, namespace, flags=FAST)
    eventually(lambda: measured(statuses(kubectl, undisturbed)["web"]), 60)
    traffic(live_exporter)

    for _ in range(KILLS):
        life = moments.uniform(0.0, 3.0)
        process.start(wait=False)
        over = time.monotonic() + life
        eventually(lambda: time.monotonic() >= over, life + 5, interval=0.02)  # noqa: B023 - called before the next round
        process.kill()
    process.start()

    def same() -> bool:
        disturbed, calm = statuses(kubectl, namespace)["web"], statuses(kubectl, undisturbed)["web"]
        told = ("sli", "budget", "level", "counts", "target", "releases")
        return measured(disturbed) and all(disturbed.get(name) == calm.get(name) for name in told)

    eventually(same, 90, lambda: f"{statuses(kubectl, namespace)} {statuses(kubectl, undisturbed)}")
    assert statuses(kubectl, namespace)["web"]["level"] == "Depleting"
    kubectl("delete", "namespace", undisturbed, "--wait=false")
