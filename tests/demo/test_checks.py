from typing import Any

import pytest

from e2e.demo import checks
from e2e.demo.history import Exact
from e2e.demo.reading import LevelEvent, Reading, level_events, readings

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
