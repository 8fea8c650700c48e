from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from frostline import names
from frostline.core import admission
from frostline.core.armed import Answer, Armed, Drop, Facts, Hook, Killed, Make, Mark, Note, NotYet, Off, Part, mark
from frostline.core.arming import plan

NOW = 1_800_000_000
THEN = NOW - 500
SERVICE = {"service": {"namespace": "frostline-system", "name": "frostline-webhook", "path": "/review", "port": 443}}
HOOK = Hook(SERVICE, b"PEM")
POLICIES = frozenset((names.Admission.FREEZE, names.Admission.KEEP, names.Admission.PROBE))
KEPT = Mark(killed=False, at=THEN)
BINDINGS = frozenset((Part.FREEZE, Part.KEEP))


def live(part: Part, *, alone: bool = False) -> dict[str, Any]:
    if part is Part.WEBHOOK:
        wanted = admission.webhook_configuration({**SERVICE, "caBundle": b64encode(b"PEM").decode()}, alone=alone)
    else:
        wanted = admission.binding(names.Admission(f"frostline-{part}"))
    return {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": "7", "uid": "u"}}


def facts(**changed: Any) -> Facts:
    """Everything is there, armed and remembered."""
    known: dict[str, Any] = {
        "validates": True,
        "served": True,
        "policies": POLICIES,
        "present": {part: live(part) for part in Part},
        "marks": dict.fromkeys(Part, KEPT),
        "probe": None,
    }
    return Facts(**(known | changed))


def fresh(**changed: Any) -> Facts:
    """Return what stands after an installation."""
    return facts(**({"present": {}, "marks": {}} | changed))


def without(part: Part) -> dict[Part, dict[str, Any]]:
    return {each: live(each) for each in Part if each is not part}


def made(steps: tuple[object, ...]) -> list[str]:
    return [f"{step.manifest['kind']}/{step.manifest['metadata']['name']}" for step in steps if isinstance(step, Make)]


def test_what_is_armed_is_left_alone() -> None:
    planned = plan(facts(), HOOK, NOW)

    assert planned.state == Armed(frozenset(Part))
    assert planned.steps == ()


def test_the_probe_is_asked_before_anything_is_bound() -> None:
    planned = plan(fresh(), None, NOW)

    assert made(planned.steps) == ["ValidatingAdmissionPolicyBinding/frostline-probe"]
    assert isinstance(planned.state, NotYet)
    assert planned.state.asking
    assert "half a minute" in planned.state.reason


@pytest.mark.parametrize("answer", [Answer.UNSEEN, Answer.UNKNOWN])
def test_nothing_is_bound_until_the_kind_is_known(answer: Answer) -> None:
    planned = plan(fresh(probe=answer), None, NOW)

    assert planned.steps == ()
    assert isinstance(planned.state, NotYet)


def test_known_means_bound_remembered_and_the_probe_taken_away() -> None:
    planned = plan(fresh(probe=Answer.KNOWN), HOOK, NOW)

    assert planned.state == Armed(frozenset(Part))
    assert made(planned.steps) == [
        "ValidatingAdmissionPolicyBinding/frostline-freeze",
        "ValidatingAdmissionPolicyBinding/frostline-keep",
        "MutatingWebhookConfiguration/frostline",
    ]
    noted = {step.part: step.mark for step in planned.steps if isinstance(step, Note)}
    assert noted == dict.fromkeys(Part, Mark(killed=False, at=NOW))
    assert planned.steps[-1] == Drop(admission.probe_binding())


@pytest.mark.parametrize("part", Part)
def test_what_somebody_deleted_stays_deleted(part: Part) -> None:
    planned = plan(facts(present=without(part)), HOOK, NOW)

    assert planned.steps == (Note(part, Mark(killed=True, at=NOW)),)
    assert planned.state == Killed({part: NOW}, frozenset(Part) - {part})
    assert f"{part.target} deleted" in planned.state.sentence
    assert "frostline resume" in planned.state.sentence


def test_a_deletion_is_dated_from_when_it_was_noticed() -> None:
    marks = {**dict.fromkeys(Part, KEPT), Part.KEEP: Mark(killed=True, at=THEN)}

    planned = plan(facts(present=without(Part.KEEP), marks=marks), HOOK, NOW)

    assert planned.steps == ()
    assert isinstance(planned.state, Killed)
    assert planned.state.since == THEN


def test_all_deleted_says_that_nothing_refuses() -> None:
    planned = plan(facts(present={}), HOOK, NOW)

    assert isinstance(planned.state, Killed)
    assert planned.state.gone == dict.fromkeys(Part, NOW)
    assert "nothing else is armed; releases pass" in planned.state.sentence


def test_what_was_put_back_by_hand_is_armed_again() -> None:
    marks = {**dict.fromkeys(Part, KEPT), Part.KEEP: Mark(killed=True, at=THEN)}

    planned = plan(facts(marks=marks), HOOK, NOW)

    assert planned.steps == (Note(Part.KEEP, Mark(killed=False, at=NOW)),)
    assert planned.state == Armed(frozenset(Part))


def test_what_was_made_and_not_remembered_is_remembered() -> None:
    planned = plan(facts(marks={}), HOOK, NOW)

    assert [step.part for step in planned.steps if isinstance(step, Note)] == list(Part)
    assert made(planned.steps) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"served": False}, "does not serve ReleaseGate", id="kind not installed"),
        pytest.param({"policies": POLICIES - {names.Admission.FREEZE}}, "frostline-freeze is not there", id="freeze"),
        pytest.param({"policies": POLICIES - {names.Admission.PROBE}}, "frostline-probe is not there", id="probe"),
        pytest.param({"policies": frozenset()}, "frostline-freeze is not there", id="no policies"),
    ],
)
def test_nothing_is_made_while_something_is_missing(changed: Mapping[str, Any], reason: str) -> None:
    planned = plan(fresh(**changed), None, NOW)

    assert planned.steps == ()
    assert isinstance(planned.state, NotYet)
    assert reason in planned.state.reason


def test_a_missing_policy_keep_does_not_hold_up_the_freeze() -> None:
    planned = plan(fresh(policies=POLICIES - {names.Admission.KEEP}, probe=Answer.KNOWN), None, NOW)

    assert made(planned.steps) == ["ValidatingAdmissionPolicyBinding/frostline-freeze"]
    assert isinstance(planned.state, NotYet)
    assert planned.state.parts == {Part.FREEZE}


def test_the_webhook_waits_for_its_certificate_and_holds_up_nothing() -> None:
    planned = plan(fresh(probe=Answer.KNOWN), Hook(SERVICE, None), NOW)

    assert planned.state == NotYet("the webhook has no certificate yet", BINDINGS)
    assert planned.steps[-1] == Drop(admission.probe_binding())


def test_a_webhook_without_a_certificate_after_a_restart_keeps_its_configuration() -> None:
    assert plan(facts(), Hook(SERVICE, None), NOW).steps == ()


def test_a_new_certificate_is_patched() -> None:
    (step,) = plan(facts(), Hook(SERVICE, b"NEW"), NOW).steps

    (webhook,) = step.patch["webhooks"]  # type: ignore[union-attr]
    assert webhook["clientConfig"]["caBundle"] == b64encode(b"NEW").decode()


@pytest.mark.parametrize(
    ("spec", "patch"),
    [
        pytest.param({"validationActions": ["Warn"]}, {"validationActions": ["Deny", "Audit"]}, id="weakened"),
        pytest.param({"matchResources": {"namespaceSelector": {}}}, {"matchResources": None}, id="narrowed"),
        pytest.param({"policyName": "other"}, {"policyName": "frostline-freeze"}, id="re-pointed"),
        pytest.param(
            {"paramRef": {"name": "x", "parameterNotFoundAction": "Allow"}},
            {"paramRef": {"name": None, "selector": {}}},
            id="another parameter",
        ),
    ],
)
def test_a_binding_that_differs_is_put_right(spec: Mapping[str, Any], patch: Mapping[str, Any]) -> None:
    changed = live(Part.FREEZE)
    changed["spec"] = {**changed["spec"], **spec}

    (step,) = plan(facts(present={**without(Part.FREEZE), Part.FREEZE: changed}), HOOK, NOW).steps

    merged = step.patch["spec"]  # type: ignore[union-attr]
    assert {key: value for key, value in merged.items() if key in patch}.items() >= {
        key: value for key, value in patch.items() if not isinstance(value, dict)
    }.items()
    for key, value in patch.items():
        if isinstance(value, dict):
            assert merged[key].items() >= value.items()


def test_a_lost_label_comes_back_and_others_stay() -> None:
    changed = live(Part.KEEP)
    changed["metadata"]["labels"] = {"team": "platform"}

    (step,) = plan(facts(present={**without(Part.KEEP), Part.KEEP: changed}), HOOK, NOW).steps

    assert step.patch == {"metadata": {"labels": {"frostline.dev/armed": "true"}}}  # type: ignore[union-attr]


def test_the_configuration_of_a_webhook_that_is_no_longer_asked_for_goes() -> None:
    planned = plan(facts(), None, NOW)

    assert planned.steps == (Drop(live(Part.WEBHOOK)), Note(Part.WEBHOOK, None))
    assert planned.state == Armed(BINDINGS)


def test_the_configuration_of_somebody_else_stays() -> None:
    theirs = live(Part.WEBHOOK)
    theirs["metadata"]["labels"] = {}

    present = {**without(Part.WEBHOOK), Part.WEBHOOK: theirs}
    assert plan(facts(present=present, marks=dict.fromkeys(BINDINGS, KEPT)), None, NOW).steps == ()


def test_an_api_server_without_policies_and_no_webhook_refuses_nothing() -> None:
    planned = plan(fresh(validates=False, policies=frozenset()), None, NOW)

    assert isinstance(planned.state, Off)
    assert "1.30" in planned.state.sentence
    assert "--webhook-service" in planned.state.sentence


def test_an_api_server_without_policies_has_a_webhook_that_holds() -> None:
    planned = plan(fresh(validates=False, policies=frozenset()), HOOK, NOW)

    assert planned.state == Armed(frozenset({Part.WEBHOOK}))
    (step,) = [step for step in planned.steps if isinstance(step, Make)]
    webhooks = step.manifest["webhooks"]
    assert [each["failurePolicy"] for each in webhooks] == ["Ignore", "Fail"]
    assert all(
        each["namespaceSelector"]["matchExpressions"][0]["values"] == ["kube-system", "frostline-system"]
        for each in webhooks
    )


@pytest.mark.parametrize(
    ("parts", "effect"),
    [
        pytest.param(set(), "releases pass", id="none"),
        pytest.param({Part.KEEP}, "releases pass", id="keep"),
        pytest.param({Part.FREEZE}, "still refused", id="freeze"),
        pytest.param({Part.WEBHOOK, Part.KEEP}, "still refused", id="webhook and keep"),
    ],
)
def test_the_effect_of_a_kill_switch_thrown_in_part_is_said(parts: set[Part], effect: str) -> None:
    present = {part: live(part) for part in parts}

    assert effect in plan(facts(present=present), HOOK, NOW).state.sentence


@pytest.mark.parametrize("killed", [True, False])
def test_a_mark_is_read_as_it_was_written(killed: bool) -> None:
    assert mark(Mark(killed, NOW).text) == Mark(killed, NOW)


def test_a_mark_of_somebody_else_counts_as_armed() -> None:
    assert mark("yes") == Mark(killed=False, at=0)
