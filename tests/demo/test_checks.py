from typing import Any

import pytest

from e2e.demo import checks
from e2e.demo.checks import Said
from e2e.demo.history import Exact
from e2e.demo.reading import Deployed, LevelEvent, Reading, deployments, level_events, readings, reasons, rules

SLO = "getmatches-availability"


def item(name: str = SLO, *, journey: str = "core-matching", **status: Any) -> dict[str, Any]:
    spec = {"journey": journey, "objective": {"target": 99.9}}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def measured(remaining: float, level: str, within: str = "True") -> dict[str, Any]:
    return {
        "sli": 99.978,
        "budget": {"remainingPercent": remaining, "minutesLeft": remaining * 0.432},
        "burnRates": [{"window": "5m", "rate": 9}, {"window": "1h", "rate": 2.5}],
        "level": level,
        "conditions": [
            {"type": "Measured", "status": "True", "reason": "Measured"},
            {"type": "WithinObjective", "status": within, "reason": "TargetMet"},
        ],
    }


def seen(remaining: float, level: str, *, name: str = SLO, journey: str = "core-matching", within: str = "True") -> Any:
    return readings({"items": [item(name, journey=journey, **measured(remaining, level, within))]})


def test_a_status_is_read() -> None:
    reading = seen(78.06, "Healthy")[SLO]
    assert reading == Reading(
        SLO,
        "core-matching",
        99.9,
        measured=True,
        why="Measured",
        sli=99.978,
        remaining=78.06,
        minutes_left=78.06 * 0.432,
        burn=2.5,
        level="Healthy",
        within="True",
    )


@pytest.mark.parametrize("status", [{}, {"budget": None, "conditions": []}])
def test_an_empty_status_is_read_as_not_measured(status: dict[str, Any]) -> None:
    reading = readings({"items": [item(**status)]})[SLO]
    assert (reading.measured, reading.why, reading.remaining, reading.level) == (False, "NotSeenYet", None, None)


def test_all_measured_says_which_is_not() -> None:
    rehydrating = {"type": "Measured", "status": "False", "reason": "Rehydrating"}
    now = readings({"items": [item(conditions=[rehydrating])]})
    pending, missing = checks.all_measured([SLO, "other"], now)
    assert not pending.holds
    assert pending.seen == "Measured=False (Rehydrating)"
    assert not missing.holds
    assert missing.seen == "no such object"
    assert checks.all_measured([SLO], seen(78, "Healthy"))[0].holds


@pytest.mark.parametrize(
    ("remaining", "level", "holds"),
    [(50.0, "Depleting", True), (51.4, "Depleting", True), (51.6, "Depleting", False), (50.0, "Healthy", False)],
)
def test_a_budget_must_be_near_the_exact_answer_and_its_level_follow(remaining: float, level: str, holds: bool) -> None:
    exact = {SLO: Exact(bad=500, valid=1_000_000, target=99.9)}
    (finding,) = checks.budgets_exact(exact, seen(remaining, level))
    assert finding.holds is holds
    assert finding.expected.startswith("50.00 %")


def test_a_missing_budget_is_found() -> None:
    (finding,) = checks.budgets_exact({SLO: Exact(500, 1_000_000, 99.9)}, {})
    assert not finding.holds
    assert finding.seen == "none"


@pytest.mark.parametrize(
    ("remaining", "level"),
    [
        (70.1, "Healthy"),
        (70, "Depleting"),
        (30, "Depleting"),
        (29.9, "Endangered"),
        (0.1, "Endangered"),
        (0, "Exhausted"),
    ],
)
def test_levels_of_a_budget(remaining: float, level: str) -> None:
    assert checks.level_of(remaining) == level


def test_exhausted_needs_level_figure_and_condition() -> None:
    path = [seen(60, "Endangered")[SLO], seen(-3, "Exhausted", within="False")[SLO]]
    assert all(finding.holds for finding in checks.exhausted(SLO, path))
    for last in (
        seen(-3, "Endangered", within="False"),
        seen(2, "Exhausted", within="False"),
        seen(-3, "Exhausted", within="True"),
    ):
        assert not checks.exhausted(SLO, [*path[:1], last[SLO]])[0].holds
    assert not checks.exhausted(SLO, [])[0].holds


def test_a_budget_that_rises_while_broken_is_found() -> None:
    path = [seen(left, "Endangered")[SLO] for left in (60, 40, 45)] + [seen(-3, "Exhausted", within="False")[SLO]]
    assert [finding.holds for finding in checks.exhausted(SLO, path)] == [True, False]


@pytest.mark.parametrize(
    ("remaining", "level", "holds"), [(86.1, "Healthy", True), (80.0, "Healthy", False), (86.1, "Endangered", False)]
)
def test_other_journeys_must_stand_where_they_stood(remaining: float, level: str, holds: bool) -> None:
    before = seen(86.0, "Healthy", name="chat", journey="real-time-conversation") | seen(78, "Healthy")
    after = seen(remaining, level, name="chat", journey="real-time-conversation") | seen(-3, "Exhausted")
    (finding,) = checks.unaffected(before, after)
    assert finding.holds is holds


def test_an_objective_that_is_gone_is_affected() -> None:
    (finding,) = checks.unaffected(seen(86, "Healthy", journey="ai-report"), {})
    assert not finding.holds


def test_the_event_must_be_on_the_objective_and_name_the_level() -> None:
    answer = {
        "items": [
            {
                "reason": "LevelChanged",
                "involvedObject": {"name": SLO},
                "message": "Endangered -> Exhausted: -3% left",
            },
            {"reason": "ScalingReplicaSet", "involvedObject": {"name": SLO}, "message": "Exhausted"},
        ]
    }
    events = level_events(answer)
    assert len(events) == 1
    assert checks.event_tells(SLO, events).holds
    assert not checks.event_tells("other", events).holds
    assert not checks.event_tells(SLO, [LevelEvent(SLO, "Healthy -> Endangered")]).holds


def test_scraped_workloads_are_compared_whatever_their_order() -> None:
    assert checks.workloads_scraped(["a", "b"], ["b", "a"]).holds
    assert not checks.workloads_scraped(["a", "b"], ["a"]).holds


def test_after_the_repair_the_level_must_stay() -> None:
    assert checks.stays_exhausted(SLO, seen(-3, "Exhausted")).holds
    assert not checks.stays_exhausted(SLO, seen(-3, "Endangered")).holds
    assert not checks.stays_exhausted(SLO, {}).holds


MARKED = {"gateway": Deployed("app:1", ("frostline.dev/gated",))}
CLEAN = {"gateway": Deployed("app:1", ())}
REFUSAL = Said(1, f'admission webhook "releases.frostline.dev" denied the request: SLO {SLO} is Exhausted')


def test_gates_are_read() -> None:
    spec = {"workload": {"kind": "Deployment", "name": "gateway"}, "rule": "Freeze"}
    assert rules({"items": [{"spec": spec}]}) == {"gateway": "Freeze"}


def test_deployments_are_read_with_the_marks_of_frostline_only() -> None:
    metadata = {
        "name": "gateway",
        "labels": {"app": "gateway", "frostline.dev/gated": "Freeze"},
        "annotations": {"frostline.dev/level": "Exhausted", "deployment.kubernetes.io/revision": "2"},
    }
    spec = {"template": {"spec": {"containers": [{"image": "app:1"}, {"image": "proxy:2"}]}}}
    bare = {"metadata": {"name": "bare"}, "spec": spec}
    assert deployments({"items": [{"metadata": metadata, "spec": spec}, bare]}) == {
        "gateway": Deployed("app:1", ("frostline.dev/gated", "frostline.dev/level")),
        "bare": Deployed("app:1", ()),
    }


@pytest.mark.parametrize(
    ("rule", "deployed", "held", "lifted"),
    [
        ("Freeze", MARKED, True, False),
        ("Slush", MARKED, False, False),
        ("Freeze", CLEAN, False, False),
        (None, MARKED, False, False),
        (None, CLEAN, False, True),
        (None, {}, False, False),
    ],
)
def test_frozen_and_lifted_need_gate_and_marks_to_agree(
    rule: str | None, deployed: dict[str, Deployed], held: bool, lifted: bool
) -> None:
    by_workload = {"gateway": rule} if rule else {}
    assert checks.held(["gateway"], by_workload, deployed)[0].holds is held
    assert checks.is_lifted(["gateway"], by_workload, deployed) is lifted


@pytest.mark.parametrize(
    ("said", "image", "holds"),
    [
        (REFUSAL, "app:1", [True, True, True]),
        (Said(0, REFUSAL.text), "app:1", [False, True, True]),
        (Said(1, "ValidatingAdmissionPolicy denied request"), "app:1", [True, False, True]),
        (Said(1, 'admission webhook "releases.frostline.dev" denied the request: other'), "app:1", [True, False, True]),
        (REFUSAL, "app:2", [True, True, False]),
    ],
    ids=["refused", "passed", "by the policy alone", "for another reason", "another image runs"],
)
def test_a_refusal_is_the_webhooks_names_the_promise_and_changes_nothing(
    said: Said, image: str, holds: list[bool]
) -> None:
    assert [finding.holds for finding in checks.refused("gateway", SLO, said, image, CLEAN)] == holds


@pytest.mark.parametrize(
    ("code", "image", "holds"), [(0, "app:1", [True, True]), (1, "app:1", [False, True]), (0, "app:2", [True, False])]
)
def test_what_passes_ends_well_and_runs(code: int, image: str, holds: list[bool]) -> None:
    assert [finding.holds for finding in checks.passed("gateway", Said(code, ""), image, CLEAN)] == holds


def test_an_image_of_nothing_is_none() -> None:
    assert checks.passed("gateway", Said(0, ""), "app:1", {})[1].seen == "no such Deployment"


@pytest.mark.parametrize(("text", "holds"), [("Warning: little is left\nupdated", True), ("updated", False)])
def test_a_warning_is_what_kubectl_calls_one(text: str, holds: bool) -> None:
    assert checks.warned(Said(0, text)).holds is holds


@pytest.mark.parametrize(
    ("said", "holds"),
    [(Said(0, "x is live until noon"), True), (Said(1, "x is live until noon"), False), (Said(0, "in order"), False)],
)
def test_an_override_counts_when_it_says_so(said: Said, holds: bool) -> None:
    assert checks.is_live(said).holds is holds


@pytest.mark.parametrize(
    ("remaining", "level", "holds"),
    [(80, "Healthy", True), (50, "Depleting", True), (50, "Exhausted", False), (-1, "Exhausted", False)],
)
def test_a_budget_is_there_again_when_its_level_agrees(remaining: float, level: str, holds: bool) -> None:
    assert checks.recovered(SLO, seen(remaining, level)).holds is holds


def test_a_budget_that_is_not_there_has_not_recovered() -> None:
    assert not checks.recovered(SLO, {}).holds


def test_each_reason_must_be_on_record() -> None:
    found = reasons({"items": [{"reason": "ReleaseRefused"}, {"reason": "Scheduled"}, {}]})
    assert checks.recorded(["ReleaseRefused"], found).holds
    missing = checks.recorded(["ReleaseRefused", "OverrideUsed"], found)
    assert (missing.holds, missing.seen) == (False, "ReleaseRefused")
