"""A freeze begins, stands and ends: a day or two of an operator in virtual time."""

import pytest

from frostline import names
from frostline.core.gate import Workload
from tests.controller.freezing import GATEWAY, MINUTE, Shop, Traffic, amiss, frozen_shop, open_shop, promise
from tests.support.objectives import AT, DAY, HOUR

WORKLOAD = Workload("dating", "Deployment", "gateway")


def test_a_budget_that_is_gone_holds_releases_back_within_two_cycles() -> None:
    made = open_shop()
    made.traffic.fail(made, 100)
    made.prometheus.time += 101
    # What failed is in Prometheus now; a cycle asks for 15 s ago at most, on a grid of 30 s.
    made.run(30)
    made.run(30)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert (gate["rule"], gate["workload"]) == ("Freeze", GATEWAY)
    assert gate["by"][0]["objective"] == "matching"
    assert gate["overrideClasses"] == ["Reliability", "Security", "Emergency"]
    assert gate["display"]["level"] == "Exhausted"
    assert [each["source"] for each in gate["good"]] == ["revision 1"]
    assert gate["good"][0]["template"]["containers"] == [{"name": "app", "image": "app:1"}]
    assert gate["running"]["containers"] == [{"name": "app", "image": "app:2"}]
    assert amiss(made) == []


def test_everybody_is_told_of_a_freeze() -> None:
    made = frozen_shop()

    marks = made.cluster.marks("gateway")
    assert marks[names.Label.RELEASES] == "Freeze"
    assert (marks[names.Annotation.OBJECTIVE], marks[names.Annotation.LEVEL]) == ("matching", "Exhausted")
    assert made.cluster.gate("gateway")["since"] == marks[names.Annotation.SINCE]  # type: ignore[index]
    assert "releasegate deployment-gateway" in marks[names.Annotation.MESSAGE]
    assert made.cluster.namespaces["dating"]["metadata"]["labels"] == {names.Label.ENFORCED: "true"}
    assert made.api.status("matching")["releases"] == "Freeze"
    condition = made.condition("matching", names.Condition.RELEASES_OPEN)
    assert (condition["status"], condition["reason"]) == ("False", "Held")
    assert "deployment/gateway" in condition["message"]
    held = [told for told in made.cluster.events if told.reason is names.Reason.RELEASES_HELD]
    assert [(told.workload, told.warning) for told in held] == [(WORKLOAD, True)]
    for said in ("Exhausted since", "of its error budget left", "rollout undo", "frostline override", "may lift about"):
        assert said in held[0].note, said


def test_a_freeze_lifts_by_the_lift_rule_alone_and_leaves_nothing() -> None:
    """Solvent after an hour; held until burn over an hour has been below 1 for an hour; then what the table gives."""
    made = frozen_shop(young=True)
    rules = []
    for _ in range(2 * 12):
        made.run(5 * MINUTE)
        rules.append(made.rule())
        budget = made.api.status("matching")["budget"]["remainingPercent"]
        if budget > 0 and made.rule() == "Freeze":
            rules.append("solvent and held")
    assert "solvent and held" in rules
    assert made.rule() == "Slush"
    assert made.api.status("matching")["level"] == "Endangered"
    assert amiss(made) == []
    made.cluster.poked.clear()

    made.skip(30)

    assert made.rule() is None
    assert made.cluster.marks("gateway") == {}
    assert made.cluster.gates == {}
    assert made.cluster.namespaces["dating"]["metadata"]["labels"] == {}
    assert made.cluster.poked == [WORKLOAD]
    assert made.api.status("matching")["releases"] == "Open"
    assert made.condition("matching", names.Condition.RELEASES_OPEN)["status"] == "True"
    opened = [told for told in made.cluster.events if told.reason is names.Reason.RELEASES_OPENED]
    assert [told.warning for told in opened] == [False]
    assert amiss(made) == []


def test_bad_events_during_the_hold_begin_it_anew() -> None:
    made = frozen_shop(young=True)
    made.heal(1.75)
    assert made.rule() == "Freeze"

    made.spend(6)
    made.heal(1.5)
    assert made.rule() == "Freeze"

    made.heal(1)
    assert made.rule() == "Slush"


def test_a_freeze_says_when_it_may_lift_and_keeps_the_word() -> None:
    made = frozen_shop(young=True)
    made.heal(0.5)
    promised = made.cluster.gate("gateway")["liftsAbout"]  # type: ignore[index]

    while made.rule() == "Freeze":
        made.run(MINUTE)

    lifted = made.cluster.gate("gateway")["since"]  # type: ignore[index]
    assert promised <= lifted


def test_time_without_traffic_does_not_lift() -> None:
    made = frozen_shop(young=True)
    made.heal(0.5)
    made.traffic.ended = int(made.prometheus.time)

    made.skip(20)

    assert made.rule() == "Freeze"
    assert amiss(made) == []


@pytest.mark.parametrize(
    ("base", "level", "rule", "reason", "told"),
    [
        pytest.param(0.0001, "Healthy", None, "Open", [], id="healthy"),
        pytest.param(0.0005, "Depleting", "Warn", "Warned", ["ReleasesWarned"], id="depleting"),
        pytest.param(0.0008, "Endangered", "Slush", "Held", ["ReleasesHeld"], id="endangered"),
        pytest.param(0.0015, "Exhausted", "Freeze", "Held", ["ReleasesHeld"], id="exhausted"),
    ],
)
def test_what_the_built_in_policy_does_at_each_level(
    base: float, level: str, rule: str | None, reason: str, told: list[str]
) -> None:
    made = Shop(Traffic(base=base))
    made.apply("matching", promise())

    made.settle()

    status = made.api.status("matching")
    assert (status["level"], status["releases"], made.rule()) == (level, rule or "Open", rule)
    assert made.condition("matching", names.Condition.RELEASES_OPEN)["reason"] == reason
    assert made.reasons() == told
    assert amiss(made) == []
    gate = made.cluster.gate("gateway") or {"overrideClasses": []}
    by_rule = {"Slush": 4, "Freeze": 3}
    assert len(gate["overrideClasses"]) == by_rule.get(str(rule), 0)


@pytest.mark.parametrize("rule", ["Slush", "Freeze"])
def test_an_objective_that_protects_nothing_freezes_nothing(rule: str) -> None:
    made = Shop(Traffic(base=0.0008 if rule == "Slush" else 0.0015))
    made.apply("matching", promise(protects=()))

    made.settle()

    assert made.cluster.gates == {}
    assert made.condition("matching", names.Condition.RELEASES_OPEN)["reason"] == "NothingProtected"
    assert amiss(made) == []


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_the_other_kinds_of_workloads(kind: str) -> None:
    made = Shop(Traffic())
    made.cluster.deploy("store", "app:1", kind=kind)
    made.cluster.deploy("store", "app:2", kind=kind)
    made.apply("matching", promise(protects=[{"kind": kind, "name": "store"}]))
    made.settle()

    made.spend()

    assert made.rule("store", kind) == "Freeze"
    assert made.cluster.gate("store", kind)["good"][0]["source"] == "revision 1"  # type: ignore[index]
    assert made.rule() is None
    assert amiss(made) == []


def test_too_little_data_starts_no_freeze_and_keeps_one_that_stands() -> None:
    """An hour of traffic is 4 % of a day."""
    young = Traffic(begun=AT - HOUR)
    made = Shop(young)
    made.apply("matching", promise())
    made.settle()
    made.spend()
    assert (made.api.status("matching")["level"], made.rule()) == ("Exhausted", "Warn")
    condition = made.condition("matching", names.Condition.RELEASES_OPEN)
    assert (condition["status"], condition["reason"]) == ("True", "Observed")
    assert "too little of the window has data" in condition["message"]

    made.heal(2)
    assert made.rule() == "Freeze", "a tenth of the window is known now"

    made.apply("matching", promise(window="7d"))
    made.settle()
    assert made.rule() == "Freeze", "of a week little is known; what stands stays"
    assert amiss(made) == []


def test_on_the_first_day_of_a_calendar_month_no_freeze_begins() -> None:
    begun = 1_801_440_000 + 12 * HOUR  # 1 February 2027, noon
    made = Shop(Traffic(begun=begun - 30 * DAY))
    made.prometheus.time = float(begun)
    spec = promise()
    spec["window"] = {"calendar": "Month"}
    made.apply("matching", spec)
    made.settle()

    made.traffic.fail(made, 3_600)
    made.skip(1.02)
    assert (made.api.status("matching")["level"], made.rule()) == ("Exhausted", "Warn")
    made.skip(10)
    assert made.rule() == "Warn"
    made.skip(3)
    assert made.rule() == "Freeze"


def test_the_reset_of_a_calendar_month_lifts_after_a_calm_hold() -> None:
    reset = 1_801_440_000  # 1 February 2027
    made = Shop(Traffic(begun=reset - 40 * DAY))
    made.prometheus.time = float(reset - 3 * HOUR)
    spec = promise()
    spec["window"] = {"calendar": "Month"}
    made.apply("matching", spec)
    made.settle()
    made.traffic.fail(made, 3_000)
    made.skip(1)
    assert made.rule() == "Freeze"
    made.traffic.outages.append((int(made.prometheus.time), reset + 10 * MINUTE, 0.01))

    made.skip((reset - made.prometheus.time) / HOUR + 0.25)
    assert made.rule() == "Freeze", "the month is new, the outage goes on"
    made.heal(1.75)
    assert made.rule() == "Freeze", "and a calm hour is not over yet"
    made.heal(1)
    assert made.rule() != "Freeze"
