"""A budget that is spent stops releases, and one that is earned again lets them go, on a real cluster."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from e2e.cluster.fixtures import RunsOperator
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.service import Service, apply, deployment
from e2e.shop import BYPASS, FAST, GATEWAY, Shop


def test_from_a_healthy_day_to_a_freeze_and_out_of_it(
    shop: Service, people: Shop, quick: str, operator: RunsOperator
) -> None:
    people.revisions("app:1", "app:2")
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    operator(shop.url, people.namespace, flags=FAST)
    eventually(lambda: people.status("availability").get("level") == "Healthy", 60)
    assert people.release("app:3") == ""

    shop.spend()
    eventually(people.frozen, 60, lambda: str(people.status("availability")))
    refused = people.release("app:4")
    # The status follows the gate.
    eventually(lambda: people.status("availability").get("releases") == "Freeze", 10)

    assert people.status("availability")["level"] == "Exhausted"
    assert "availability" in refused
    assert "rollout undo" in refused
    assert people.image() == "app:3"
    assert people.marks()
    assert people.events("ReleasesHeld")
    assert people.get("ebp", quick)["status"] == {"objectives": 1, "holding": 1}

    people.run("rollout", "undo", "deploy/gateway")
    assert people.image() == "app:2"
    assert people.release("app:3"), "what ran when the freeze began is a release again"
    people.run("scale", "deploy/gateway", "--replicas=2")
    people.run("rollout", "restart", "deploy/gateway")
    eventually(lambda: people.events("RolledBack"), 30)

    eventually(lambda: shop.earn() and not people.gates(), 90, lambda: str(people.status("availability")), interval=1)
    assert people.release("app:4") == ""
    eventually(lambda: not people.marks() and not people.enforced(), 30, lambda: str(people.marks()))
    assert people.events("ReleasesOpened")
    assert people.status("availability")["releases"] in ("Open", "Warn")


def test_a_freeze_outlives_the_operator(people: Shop, held: OperatorProcess) -> None:
    before = people.gates()["deployment-gateway"]
    held.kill()

    assert people.release("app:4"), "the policy holds without any process of ours"
    people.run("rollout", "undo", "deploy/gateway", "--to-revision=1")
    assert people.image() == "app:1"

    held.start()
    eventually(lambda: people.events("RolledBack"), 60)
    after = people.gates()["deployment-gateway"]
    assert (after["since"], after["by"][0]["since"]) == (before["since"], before["by"][0]["since"])
    assert people.release("app:4")


@pytest.mark.usefixtures("held")
def test_an_override_lets_one_release_pass_and_is_on_record(people: Shop) -> None:
    user = people.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}").stdout
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    override = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseOverride",
        "metadata": {"name": "fix-login"},
        "spec": {
            "class": "Security",
            "reason": "CVE in the login",
            "workloads": [GATEWAY],
            "expiresAt": until,
            "requestedBy": user,
            "images": ["app:fixed"],
            "singleUse": True,
        },
    }
    apply(people.kubectl, people.namespace, override)
    people.run("wait", "--for=condition=Live", "releaseoverride/fix-login", "--timeout=30s")

    assert people.release("app:other"), "another image than the override names"
    assert people.release("app:fixed") == ""
    eventually(lambda: people.events("OverrideUsed"), 30)
    eventually(lambda: people.get("releaseoverride", "fix-login")["status"]["display"]["state"] == "UsedUp", 30)
    good = eventually(lambda: [each["source"] for each in people.gates()["deployment-gateway"]["good"]], 10)
    assert good
    people.run("rollout", "undo", "deploy/gateway", "--to-revision=2")
    eventually(lambda: people.image() == "app:2", 10)
    assert people.release("app:fixed") == "", "what an override brought, and ran, may come back"


@pytest.mark.usefixtures("held")
def test_what_went_by_the_bypass_is_found_and_told(people: Shop) -> None:
    assert people.release("app:9", *BYPASS) == ""

    (note,) = eventually(lambda: people.events("UnrecordedRelease"), 30)
    assert "image of container app" in note
    assert people.release("app:10")


@pytest.mark.usefixtures("held")
def test_marks_and_gates_that_somebody_took_away_come_back(people: Shop) -> None:
    marks = people.marks()
    people.run("label", "deploy/gateway", "frostline.dev/releases-")
    eventually(lambda: people.marks() == marks, 30)

    people.run("delete", "releasegate", "deployment-gateway", *BYPASS)
    eventually(lambda: "deployment-gateway" in people.gates(), 30)
    # The API server's admission hears of a new gate a moment later.
    eventually(people.refusal, 5)
    assert people.release("app:4")

    refused = people.run("delete", "releasegate", "deployment-gateway", check=False)
    assert "only the Frostline operator writes" in refused.stderr


@pytest.mark.usefixtures("held")
def test_measurement_lost_changes_nothing_and_says_how_old_the_figure_is(shop: Service, people: Shop) -> None:
    before = people.gates()["deployment-gateway"]
    shop.prometheus.stop()
    eventually(lambda: "not since: QueryFailed" in people.gates()["deployment-gateway"]["message"], 60)

    assert "not since: QueryFailed" in people.release("app:4")
    assert people.status("availability")["releases"] == "Freeze"
    assert people.gates()["deployment-gateway"]["since"] == before["since"]

    shop.prometheus.start()
    eventually(lambda: "not since" not in people.gates()["deployment-gateway"]["message"], 60)


@pytest.mark.usefixtures("held")
def test_a_deleted_workload_comes_back_as_it_was_and_not_otherwise(people: Shop) -> None:
    def refused(*more: str) -> bool:
        return "frostline-keep" in people.run("delete", "deploy/gateway", *more, check=False).stderr

    # The API server hears of the one policy's binding a moment after that of the other.
    eventually(lambda: refused("--dry-run=server"), 10, "deleting is refused")
    assert refused()

    people.run("delete", "deploy/gateway", "--wait=true", *BYPASS)
    new = people.kubectl(
        "create", "-n", people.namespace, "-f", "-", input=json.dumps(deployment("gateway", "app:4")), check=False
    )
    assert "frostline-freeze" in new.stderr
    apply(people.kubectl, people.namespace, deployment("gateway", "app:3", labels={"app": "gateway"}))
    eventually(lambda: people.marks() != [], 30)
    assert people.release("app:4")


@pytest.mark.usefixtures("held")
def test_a_deleted_promise_lets_go_and_leaves_nothing_behind(people: Shop) -> None:
    refused = people.run("delete", "slo", "availability", check=False)
    assert "it cannot be deleted" in refused.stderr

    people.run("delete", "slo", "availability", *BYPASS)
    eventually(lambda: not people.gates() and not people.marks() and not people.enforced(), 30)
    assert people.release("app:4") == ""


def test_a_namespace_lowers_the_mode_before_a_freeze_and_not_during_one(
    shop: Service, people: Shop, quick: str, operator: RunsOperator
) -> None:
    people.revisions("app:1")
    people.kubectl("label", "namespace", people.namespace, "frostline.dev/mode=Warn")
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    operator(shop.url, people.namespace, flags=FAST)
    shop.spend()
    eventually(lambda: people.status("availability").get("level") == "Exhausted", 60)

    eventually(lambda: people.gates().get("deployment-gateway", {}).get("rule") == "Warn", 30)
    assert people.release("app:2") == ""
    assert "mode Warn" in str(people.status("availability")["conditions"])

    people.kubectl("label", "namespace", people.namespace, "frostline.dev/mode-")
    eventually(people.frozen, 30)
    refused = people.kubectl("label", "namespace", people.namespace, "frostline.dev/mode=Observe", check=False)
    assert "cannot be lowered" in refused.stderr


@pytest.mark.usefixtures("held")
def test_a_frozen_namespace_can_be_deleted(people: Shop) -> None:
    people.kubectl("delete", "namespace", people.namespace, "--wait=true", "--timeout=90s")
    people.kubectl("create", "namespace", people.namespace)
