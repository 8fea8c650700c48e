"""What people see of the webhook on a real API server, and what never reaches it."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from e2e.cluster.fixtures import Asks, RunsKubectl, RunsWebhook
from e2e.cluster.waiting import eventually
from e2e.frozen import GOOD, NEW, RUNS, Frozen

CREDENTIALS = ("--as", "dev", "--as-group", "system:masters")


def test_a_refusal_reaches_kubectl_the_log_and_the_events(
    frozen: Frozen, webhook: RunsWebhook, asks: Asks, kubectl: RunsKubectl
) -> None:
    process = webhook("--log-format", "json")
    asks(process)
    frozen.make()
    frozen.known_to(process)

    place = ("-n", frozen.namespace)
    said = kubectl("set", "image", "deployment/web", f"web={NEW}", *place, *CREDENTIALS, check=False)

    assert said.returncode == 1
    assert 'admission webhook "releases.frostline.dev" denied the request: ' in said.stderr
    decision = said.stderr.rpartition("(decision ")[2].partition(")")[0]
    assert len(decision) == 8, said.stderr

    def line() -> dict[str, Any]:
        lines = [json.loads(each) for each in process.log.read_text().splitlines()]
        found = [each for each in lines if each.get("decision") == decision]
        return dict(found[0]) if found else {}

    logged = eventually(line, 5, "the decision is in the log")
    assert (logged["verdict"], logged["why"], logged["user"]) == ("Refused", "Held", "dev")
    assert (logged["namespace"], logged["workload"]) == (frozen.namespace, "deployment/web")

    def note() -> str:
        shown = kubectl("events", "--for", "deployment/web", *place, "--types", "Warning", check=False).stdout
        return shown if decision in shown else ""

    assert "ReleaseRefused" in eventually(note, 10, "there is an Event about the decision")
    assert process.metric("audit_dropped_total") == 0


def test_what_is_no_release_of_a_frozen_workload_never_reaches_it(
    frozen: Frozen, webhook: RunsWebhook, asks: Asks, kubectl: RunsKubectl
) -> None:
    process = webhook()
    asks(process)
    frozen.make()
    frozen.known_to(process)
    place = ("-n", frozen.namespace)
    kubectl("create", "deployment", "open", "--image=open:1", "--replicas=0", *place)
    before = process.metric("requests_total")

    kubectl("set", "image", "deployment/open", "open=open:2", *place)
    kubectl("scale", "deployment/web", "--replicas=1", *place)
    kubectl("scale", "deployment/web", "--replicas=0", *place)
    kubectl("annotate", "deployment/web", "note=anything", *place)
    kubectl("label", "deployment/web", "team=dating", *place)
    kubectl("rollout", "pause", "deployment/web", *place)
    kubectl("rollout", "resume", "deployment/web", *place)
    kubectl("autoscale", "deployment/web", "--max=3", *place)
    kubectl("create", "job", "once", "--image=job:1", *place)
    kubectl("patch", "deployment/web", "--subresource=status", "--type=merge", "-p", '{"status":{}}', *place)
    seen = process.metric("requests_total") - before
    frozen.release()

    assert seen == 0
    assert process.metric("requests_total") - before == 1, "the counter counts"


def test_a_rollback_passes_and_what_was_left_does_not_come_back(
    frozen: Frozen, webhook: RunsWebhook, asks: Asks, kubectl: RunsKubectl
) -> None:
    process = webhook()
    asks(process)
    frozen.make()
    frozen.known_to(process)

    assert frozen.release(GOOD, dry_run=False).status == 200
    kubectl("rollout", "restart", "deployment/web", "-n", frozen.namespace)
    assert frozen.release(RUNS).status == 403


def test_warnings_are_printed(frozen: Frozen, webhook: RunsWebhook, asks: Asks, kubectl: RunsKubectl) -> None:
    process = webhook()
    asks(process)
    frozen.make(rule="Warn")
    place = ("-n", frozen.namespace)

    def warned() -> str:
        said = kubectl("set", "image", "deployment/web", f"web={NEW}", "--dry-run=server", *place)
        return said.stderr

    assert "web" in eventually(lambda: warned().partition("Warning: ")[2], 15, "kubectl prints a warning")


def test_a_dry_run_is_answered_alike_and_leaves_no_event(
    frozen: Frozen, webhook: RunsWebhook, asks: Asks, kubectl: RunsKubectl
) -> None:
    process = webhook()
    asks(process)
    frozen.make()
    frozen.known_to(process)

    dry, real = frozen.release(), frozen.release(dry_run=False)

    assert dry.message.partition(" (decision")[0] == real.message.partition(" (decision")[0]
    eventually(lambda: process.metric("events_total") == 1, 10, "the Event of the real one is written")
    found = kubectl("get", "events.events.k8s.io", "-n", frozen.namespace, "-o", "json")
    refusals = [each for each in json.loads(found.stdout)["items"] if each["reason"] == "ReleaseRefused"]
    assert len(refusals) == 1
    assert refusals[0]["regarding"]["name"] == frozen.name


def test_an_override_ends_by_the_clock_of_the_api_server(frozen: Frozen, webhook: RunsWebhook, asks: Asks) -> None:
    """The webhook must see the time of the very request: its entry is in managedFields before webhooks are asked."""
    process = webhook()
    asks(process)
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=6)
    override = {"name": "fix", "uid": "u", "class": "Security", "users": ["dev"]}
    frozen.make(overrides=[override | {"until": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}])
    frozen.known_to(process)
    used = frozen.release(user="dev")
    used_at = time.time()

    assert used_at < ends.timestamp(), "this machine is too slow for this test"
    assert used.status == 200, used.message
    assert frozen.release(user="somebody else").status == 403
    eventually(lambda: frozen.release(user="dev").status == 403, 15, "the override has ended")
    assert time.time() >= ends.timestamp()
    assert "releases.frostline.dev" in frozen.release(user="dev").message


def test_a_lifted_freeze_lets_the_release_go_at_once(frozen: Frozen, webhook: RunsWebhook, asks: Asks) -> None:
    process = webhook()
    asks(process)
    frozen.make()
    frozen.known_to(process)

    begun = time.monotonic()
    frozen.lift()
    eventually(lambda: frozen.release().status == 200, 5, "the release goes out", interval=0.01)

    assert time.monotonic() - begun < 2
