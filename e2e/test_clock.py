"""Operator and webhook on machines whose clocks are an hour off, each in its direction: nothing goes by them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from e2e.cluster.chart import NAMESPACE
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsOperator
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.shifted_clock import HOUR, shifted
from e2e.cluster.waiting import eventually
from e2e.cluster.webhook_process import SECRET, WebhookProcess
from e2e.service import Service, apply
from e2e.shop import FAST, GATEWAY, Shop

OFF = [pytest.param(1, id="an hour fast"), pytest.param(-1, id="an hour slow")]
SOON = 120.0
"""Seconds between what the right clock says and a time that was taken by a right clock."""
LIFE = timedelta(seconds=20)
WEBHOOK_SAYS = 'admission webhook "releases.frostline.dev" denied the request'
CALM = {"kind": "Deployment", "name": "calm"}


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def known(people: Shop) -> dict[str, Any]:
    """Return what is decided about the gateway, and the figure behind it."""
    status, gate = people.status(), people.gates()["deployment-gateway"]
    (claim,) = gate["by"]
    return {
        "level": status["level"],
        "level since": status["levelSince"],
        "budget": pytest.approx(float(status["budget"]["remainingPercent"]), abs=2),
        "rule": gate["rule"],
        "gate since": gate["since"],
        "claim since": claim["since"],
        "marks": people.marks(),
    }


def worked(running: OperatorProcess) -> None:
    """Wait for some cycles more."""
    before = running.metric("cycles_total")
    eventually(lambda: running.metric("cycles_total") > before + 3, 60)


@pytest.mark.parametrize("hours", OFF)
def test_a_freeze_begins_stands_and_lifts_as_by_a_right_clock(
    hours: int, fresh_services: Iterator[Service], people: Shop, quick: str, operator: RunsOperator
) -> None:
    shop, calm = next(fresh_services), next(fresh_services)
    people.revisions("app:1", "app:2", "app:3")
    people.deploy("calm", "app:1")
    for each, name, workload in ((shop, "availability", GATEWAY), (calm, "calm", CALM)):
        apply(people.kubectl, people.namespace, each.objective(name, protects=[workload], policyRef=quick))

    wrong = operator(shop.url, people.namespace, flags=FAST, environment=shifted(hours))
    for name in ("availability", "calm"):
        eventually(lambda one=name: people.status(one).get("level") == "Healthy", 60, name)  # type: ignore[misc]
    assert people.release("app:4") == ""
    shop.spend()
    eventually(people.frozen, 60, lambda: str(people.status()))
    eventually(lambda: people.status().get("releases") == "Freeze", 10)
    by_wrong = known(people)
    (held,) = [
        seconds(each["eventTime"])
        for each in people.get("events.events.k8s.io", "--field-selector", "reason=ReleasesHeld")["items"]
    ]

    assert held == pytest.approx(time.time() + hours * HOUR, abs=SOON), "the operator's clock is off indeed"
    for since in ("level since", "gate since", "claim since"):
        assert seconds(by_wrong[since]) == pytest.approx(time.time(), abs=SOON), since
    assert people.release("app:2", name="calm") == ""

    wrong.stop()
    right = operator(shop.url, people.namespace, flags=FAST)
    worked(right)
    assert known(people) == by_wrong
    right.stop()
    wrong.start()
    worked(wrong)
    assert known(people) == by_wrong
    assert not people.events("ReleasesOpened")
    assert people.refusal()
    assert people.status("calm")["level"] == "Healthy"

    eventually(lambda: shop.earn() and not people.gates(), 90, lambda: str(people.status()), interval=1)
    assert people.release("app:5") == ""


@pytest.fixture
def spent(shop: Service, people: Shop, quick: str) -> Shop:
    """Give a gateway whose promise has no budget left, and nobody who looks at it yet."""
    people.revisions("app:1", "app:2")
    shop.spend()
    apply(people.kubectl, people.namespace, shop.objective("availability", protects=[GATEWAY], policyRef=quick))
    return people


@pytest.fixture
def both(
    request: pytest.FixtureRequest, cluster: Cluster, shop: Service, spent: Shop, operator: RunsOperator
) -> Iterator[OperatorProcess]:
    """Freeze the gateway by policy and webhook; the operator's clock is off, and the webhook's the other way."""
    hours: int = request.param
    spent.kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")
    secret = f"{NAMESPACE}/{SECRET}"
    asked = WebhookProcess(cluster.site, "webhook-with-a-clock-off", secret=secret, environment=shifted(-hours))
    flags = ("--webhook-url", f"https://{urlsplit(asked.review_url).netloc}", "--webhook-secret", secret)
    running = operator(shop.url, spent.namespace, flags=(*FAST, *flags), environment=shifted(hours))
    eventually(spent.frozen, 60, lambda: str(spent.status()))
    try:
        asked.start()
        eventually(lambda: WEBHOOK_SAYS in spent.refusal(), 60, lambda: str(asked.readiness()))
        yield running
    finally:
        asked.stop()


@pytest.mark.parametrize("both", OFF, indirect=True)
def test_certificates_serve_and_overrides_end_by_the_api_servers_clock(
    shop: Service, people: Shop, both: OperatorProcess
) -> None:
    """That the webhook is heard at all says that the API server takes the certificate that the operator made."""
    assert_lives_for_its_time("while-measured", people)

    shop.prometheus.stop()
    try:
        both.restart()
        eventually(lambda: "not since: QueryFailed" in people.gates()["deployment-gateway"]["message"], 60)
        assert_lives_for_its_time("while-not-measured", people)
    finally:
        shop.prometheus.start()
    assert WEBHOOK_SAYS in people.refusal()


def assert_lives_for_its_time(name: str, people: Shop) -> None:
    """Declare an exception; it shall count at once, until it ends, and no longer."""
    user = people.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}").stdout
    until = datetime.now(UTC).replace(microsecond=0) + LIFE
    override = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseOverride",
        "metadata": {"name": name},
        "spec": {
            "class": "Security",
            "reason": "a hole",
            "workloads": [GATEWAY],
            "expiresAt": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "requestedBy": user,
        },
    }
    apply(people.kubectl, people.namespace, override)
    people.run("wait", "--for=condition=Live", f"releaseoverride/{name}", "--timeout=15s")
    passed = 0
    while (begun := datetime.now(UTC)) < until - timedelta(seconds=2):
        refused = people.refusal()
        assert refused == "" or datetime.now(UTC) > until, f"at {begun} of {until}: {refused}"
        passed += 1
    assert passed, "it was tried while it lived"

    eventually(people.refusal, 10, "it has ended")
    assert datetime.now(UTC) >= until
    eventually(lambda: people.get("releaseoverride", name)["status"]["display"]["state"] == "Expired", 30)
