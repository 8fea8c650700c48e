"""A freeze while processes die, promises meet, workloads come and go, or the kill switch is thrown."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from e2e.api import Answer, Api
from e2e.cluster.chart import NAMESPACE
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsOperator
from e2e.cluster.local import LocalProvider
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.cluster.webhook_process import SECRET, WebhookProcess
from e2e.service import Service, apply
from e2e.shop import BYPASS, FAST, GATEWAY, NEVER, Shop

FROSTLINE = str(Path(sys.executable).with_name("frostline"))
KILL = ("delete", "validatingadmissionpolicybindings,mutatingwebhookconfigurations", "-l", "frostline.dev/armed")
WEBHOOK_SAYS = 'admission webhook "releases.frostline.dev" denied the request'
POLICY_SAYS = "ValidatingAdmissionPolicy 'frostline-freeze'"
FRONT = {"kind": "Deployment", "selector": {"matchLabels": {"tier": "front"}}}


@pytest.mark.smoke
@pytest.mark.usefixtures("held")
def test_a_release_is_refused_an_undo_passes_and_the_freeze_ends(shop: Service, people: Shop) -> None:
    eventually(lambda: people.status().get("level") == "Exhausted", 10, "the status follows the gate")
    assert "rollout undo" in people.release("app:4")
    assert people.image() == "app:3"

    people.run("rollout", "undo", "deploy/gateway")
    assert people.image() == "app:2"

    eventually(lambda: shop.earn() and not people.gates(), 90, lambda: str(people.status()), interval=1)
    assert people.release("app:4") == ""


def test_of_two_promises_the_last_one_lets_go(
    fresh_services: Iterator[Service], people: Shop, quick: str, operator: RunsOperator
) -> None:
    one, other = next(fresh_services), next(fresh_services)
    people.deploy("gateway", "app:1")
    for name, each in (("availability", one), ("latency", other)):
        each.spend()
        apply(people.kubectl, people.namespace, each.objective(name, protects=[GATEWAY], policyRef=quick))
    operator(one.url, people.namespace, flags=FAST)
    eventually(lambda: people.holders() == {"availability", "latency"}, 60, lambda: str(people.gates()))
    assert "and 1 more" in eventually(people.refusal, 10)

    eventually(lambda: one.earn() and people.holders() == {"latency"}, 90, lambda: str(people.gates()), interval=1)
    assert people.status("availability")["releases"] in ("Open", "Warn")
    eventually(lambda: "and 1 more" not in people.refusal(), 10)
    assert "objective latency" in people.refusal()

    eventually(lambda: other.earn() and not people.refusal(), 90, lambda: str(people.gates()), interval=1)
    assert people.release("app:2") == ""


def test_workloads_join_leave_and_are_created_during_a_freeze(
    shop: Service, people: Shop, quick: str, operator: RunsOperator
) -> None:
    for name in ("web", "api"):
        people.deploy(name, "app:1", tier="front")
    people.deploy("batch", "app:1")
    shop.spend()
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[FRONT], policyRef=quick))
    operator(shop.url, people.namespace, flags=FAST)
    eventually(lambda: people.frozen("web") and people.frozen("api"), 60, lambda: str(people.status()))
    assert people.release("app:2", name="batch") == ""

    people.run("label", "deploy/batch", "tier=front")
    eventually(lambda: people.frozen("batch"), 30, "who joins is held")
    people.run("label", "deploy/web", "tier-")
    people.deploy("fresh", "app:1", tier="front")
    eventually(lambda: people.frozen("fresh"), 30, "who is created is held")

    assert people.frozen("web"), "leaving the selector is no way out"
    assert set(people.gates()) == {f"deployment-{name}" for name in ("web", "api", "batch", "fresh")}

    eventually(lambda: shop.earn() and not people.gates(), 90, lambda: str(people.gates()), interval=1)
    assert all(people.release("app:3", name=name) == "" for name in ("web", "api", "batch", "fresh"))


@pytest.fixture
def both(
    cluster: Cluster, shop: Service, people: Shop, quick: str, operator: RunsOperator
) -> Iterator[tuple[OperatorProcess, WebhookProcess]]:
    """Freeze the gateway by policy and webhook; the operator keeps the webhook's certificate."""
    people.kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")
    people.revisions("app:1", "app:2", "app:3")
    shop.spend()
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    secret = f"{NAMESPACE}/{SECRET}"
    asked = WebhookProcess(cluster.site, "webhook-of-the-operator", secret=secret)
    flags = ("--webhook-url", f"https://{urlsplit(asked.review_url).netloc}", "--webhook-secret", secret)
    running = operator(shop.url, people.namespace, flags=(*FAST, *flags))
    # Once the webhook is there nobody hears the policy.
    eventually(lambda: POLICY_SAYS in people.refusal(), 60, lambda: str(people.status()))
    try:
        asked.start()
        eventually(lambda: WEBHOOK_SAYS in people.refusal(), 60, lambda: str(asked.readiness()))
        yield running, asked
    finally:
        asked.stop()


def test_with_every_process_dead_the_freeze_holds_and_safety_passes(
    people: Shop, both: tuple[OperatorProcess, WebhookProcess]
) -> None:
    running, asked = both
    running.kill()
    asked.kill()

    assert POLICY_SAYS in people.release("app:4")
    people.run("rollout", "undo", "deploy/gateway")
    assert people.image() == "app:2"
    assert POLICY_SAYS in people.release("app:3"), "the version that spent the budget does not come back"
    people.run("rollout", "undo", "deploy/gateway", "--to-revision=1")
    people.run("scale", "deploy/gateway", "--replicas=2")
    people.run("rollout", "restart", "deploy/gateway")
    people.run("set", "resources", "deploy/gateway", "--limits=memory=1Gi")
    assert people.image() == "app:1"

    running.start()
    asked.start()
    eventually(lambda: WEBHOOK_SAYS in people.refusal(), 30, lambda: str(asked.readiness()))
    eventually(lambda: people.events("RolledBack"), 60)
    assert not people.events("UnrecordedRelease")

    assert people.release("app:9", *BYPASS) == ""
    eventually(lambda: people.events("BypassUsed"), 30, "the webhook has it on record")
    eventually(lambda: people.events("UnrecordedRelease"), 30, "the operator has it on record")


def test_the_api_server_restarts_during_a_freeze(
    cluster: Cluster, shop: Service, people: Shop, both: tuple[OperatorProcess, WebhookProcess]
) -> None:
    _, asked = both
    plane = LocalProvider(cluster.site).plane
    cluster.site.processes.kill(plane.api_server.name)
    cluster.site.supervisor.ensure(plane.api_server)

    api = Api(cluster)
    answers = [tried(api, people) for _ in range(5)]
    api.close()
    assert [each.status for each in answers] == [403] * 5, answers
    people.run("rollout", "undo", "deploy/gateway")
    assert people.image() == "app:2"
    eventually(lambda: WEBHOOK_SAYS in people.refusal(), 30, lambda: str(asked.readiness()))
    eventually(lambda: people.events("RolledBack"), 60, "the operator sees what happens")

    eventually(lambda: shop.earn() and not people.gates(), 90, lambda: str(people.status()), interval=1)
    assert people.release("app:4") == ""


def test_the_kill_switch_opens_until_it_is_resumed(
    cluster: Cluster, people: Shop, both: tuple[OperatorProcess, WebhookProcess]
) -> None:
    running, _ = both
    people.kubectl(*KILL)
    eventually(lambda: not people.refusal(), 5, people.refusal)

    def reason() -> str:
        return str(people.condition("ReleasesOpen").get("reason"))

    eventually(lambda: reason() == "SwitchedOff", 60, reason)
    assert people.release("app:4") == ""
    running.restart()
    cycles = running.metric("cycles_total")
    eventually(lambda: running.metric("cycles_total") > cycles + 3, 60)
    assert reason() == "SwitchedOff"
    assert people.refusal() == "", "it stays off when the operator starts anew"
    assert people.events("UnrecordedRelease"), "what is released meanwhile is on record"

    resume = [FROSTLINE, "resume", "--kubeconfig", str(cluster.kubeconfig)]
    said = subprocess.run(resume, capture_output=True, text=True, check=True).stdout
    assert "armed again" in said
    eventually(people.refusal, 10)
    eventually(lambda: reason() == "Held", 60, reason)


def tried(api: Api, people: Shop) -> Answer:
    """Try a release of the gateway as a dry run, faster than kubectl."""
    path = f"/apis/apps/v1/namespaces/{people.namespace}/deployments/gateway?dryRun=All"
    release = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": NEVER}]}}}}
    return api("PATCH", path, release, kind="application/strategic-merge-patch+json")


def test_from_exhausted_in_prometheus_to_the_refusal_in_two_cycles(
    shop: Service, people: Shop, quick: str, operator: RunsOperator, api: Api
) -> None:
    people.deploy("gateway", "app:1")
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    running = operator(shop.url, people.namespace, flags=("--cycle-interval", "5s", "--query-offset", "1s"))
    eventually(lambda: people.condition("Measured").get("status") == "True", 60, lambda: str(people.status()))
    assert people.refusal() == ""

    shop.spend()
    eventually(shop.is_spent, 10, interval=0.02)
    known = running.metric("cycles_total")
    eventually(lambda: tried(api, people).status == 403, 30, lambda: str(people.status()), interval=0.02)

    assert running.metric("cycles_total") - known <= 2


def test_marks_that_an_undo_brings_back_after_the_lift_are_taken_away(
    shop: Service, people: Shop, held: OperatorProcess
) -> None:
    people.run("rollout", "undo", "deploy/gateway")
    people.run("rollout", "status", "deploy/gateway", "--timeout=60s")
    eventually(lambda: shop.earn() and not people.gates(), 90, lambda: str(people.status()), interval=1)
    eventually(lambda: not people.marks(), 30)
    assert people.release("app:5") == ""
    people.run("rollout", "status", "deploy/gateway", "--timeout=60s")
    held.stop()

    people.run("rollout", "undo", "deploy/gateway")
    assert people.marks(), "the revision that ran in the freeze has our marks of then"
    held.start()

    eventually(lambda: not people.marks(), 30)
    assert people.release("app:6") == ""
