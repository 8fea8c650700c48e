from datetime import timedelta
from typing import Any

import pytest

from frostline import names
from frostline.api.accept import Acceptance, Accepted, accept
from frostline.api.base import JsonObject
from frostline.controller import advice as advice_module
from frostline.controller.account import Account, Key, opened
from frostline.controller.advice import Advice
from frostline.controller.released import Released
from frostline.controller.status import Facts, gist, render
from frostline.core.assess import Assessment, Figure, figure_from_sums
from frostline.core.finding import Rule
from frostline.core.lint_live import MANY_SERIES
from frostline.core.outcome import Failed, Failure, Measured, NoData, Outcome, Partial, Stale
from frostline.core.policy import Rule as Releases
from frostline.core.selector import Selector
from frostline.core.view import Counts
from frostline.names import Reason

AT = 1_800_000_000
KEY = Key("dating", "matches")
DAY = 86_400
LATENCY = {"latency": {"histogram": 'h_seconds{job="a"}', "threshold": "800ms"}}
RATIO = {"ratio": {"bad": 'x{job="a",code="5"}', "valid": 'x{job="a"}'}}


class Prometheus:
    """Knows the bounds of one histogram."""

    def __init__(self, *bounds: str) -> None:
        self.answer: tuple[str, ...] | Partial | Failed = bounds
        self.asked: list[str] = []

    def boundaries(self, buckets: Selector) -> tuple[str, ...] | Partial | Failed:
        self.asked.append(str(buckets))
        return self.answer


def accepted(indicator: JsonObject = RATIO, **more: Any) -> Accepted:
    spec = {"indicator": indicator, "objective": {"target": 99.9}, "window": {"rolling": "30d"}, **more}
    judged = accept(spec)
    assert isinstance(judged, Accepted)
    return judged


def figure(of: Acceptance, valid: float, *, covered_s: float = 30 * DAY, length_s: int = 30 * DAY) -> Figure:
    assert isinstance(of, Accepted)
    whole = figure_from_sums(of.objective, AT, 0.0, valid)
    counts = Counts(AT - length_s, AT, 0.0, valid, covered_s, 0.0, numerator_seen=True)
    return Figure(at=AT, counts=counts, sli=1.0, budget=whole.budget, burn=((3600, 0.0),))


PASS = Released(Releases.OPEN, True, Reason.OPEN, "releases pass")


class Operator:
    """One object, its account, and what is said about it."""

    def __init__(self, of: Accepted, *bounds: str, uid: str = "uid") -> None:
        self.advice = Advice()
        self.prometheus = Prometheus(*bounds)
        self.accepted = of
        self.account: Account = opened(uid, of.objective)
        self.status: JsonObject = {}

    def sees(self, outcome: Outcome, valid: float | None = None, **figures: Any) -> set[Rule]:
        """Run one cycle, write the status, return the rules that raised something."""
        known = None if valid is None else figure(self.accepted, valid, **figures)
        self.account.assessment = Assessment(outcome, known, None)
        live = {KEY: self.prometheus.boundaries}
        self.advice.look(live, {KEY: self.account}, {KEY: (self.accepted, self.status)})
        said = self.advice.about(KEY, self.accepted)
        self.status = render(self.facts())
        return {each.rule for each in said}

    def facts(self) -> Facts:
        said = self.advice.about(KEY, self.accepted)
        return Facts(1, self.accepted, self.account.assessment, self.status, AT, PASS, said)

    def restart(self) -> None:
        self.advice = Advice()
        self.account = opened(self.account.uid, self.accepted.objective)

    def condition(self, kind: names.Condition) -> JsonObject:
        found: JsonObject = next(each for each in self.status["conditions"] if each["type"] == kind)
        return found


def test_nothing_to_say() -> None:
    operator = Operator(accepted())

    assert operator.sees(Measured(), 1_000_000) == set()
    condition = operator.condition(names.Condition.ACCEPTED)
    assert (condition["status"], condition["reason"], condition["message"]) == ("True", "Accepted", "is measured")


def test_warnings_of_the_manifest_are_in_the_accepted_condition() -> None:
    operator = Operator(accepted(tier=1, objective={"target": 90}))

    operator.sees(Measured(), 1_000_000)

    condition = operator.condition(names.Condition.ACCEPTED)
    assert (condition["status"], condition["reason"]) == ("True", "Warnings")
    for rule in (Rule.TIER_1_OWNER, Rule.TIER_1_RATIONALE, Rule.BURN_NEVER_FIRES):
        assert f"({rule})" in condition["message"]
    assert f"({Rule.NEVER_REVIEWED})" not in condition["message"]


def test_a_note_alone_is_no_warning() -> None:
    operator = Operator(accepted({**RATIO, "category": "Durability"}, policyRef="strict"))

    operator.sees(Measured(), 1_000_000)

    condition = operator.condition(names.Condition.ACCEPTED)
    assert condition["reason"] == "Accepted"
    assert "info: spec.indicator.category: durability is a design goal" in condition["message"]


def test_few_events_only_while_measured_and_without_flapping() -> None:
    operator = Operator(accepted())

    assert operator.sees(Stale(AT - 900), 10) == set()
    assert operator.sees(Measured(), 999) == {Rule.FEW_EVENTS}
    before = operator.condition(names.Condition.ACCEPTED)
    assert operator.sees(Measured(), 1_100) == {Rule.FEW_EVENTS}
    assert operator.condition(names.Condition.ACCEPTED) == before
    assert operator.sees(Stale(AT - 900), 5_000) == {Rule.FEW_EVENTS}
    assert operator.sees(Measured(), 1_300) == set()
    assert operator.sees(Measured(), 1_100) == set()


def test_what_stands_survives_a_restart() -> None:
    operator = Operator(accepted())
    operator.account.series = MANY_SERIES + 1
    assert operator.sees(Measured(), 10) == {Rule.FEW_EVENTS, Rule.HIGH_CARDINALITY}
    before = operator.status

    operator.restart()

    assert operator.sees(Stale(AT - 900)) == {Rule.FEW_EVENTS, Rule.HIGH_CARDINALITY}
    assert operator.condition(names.Condition.ACCEPTED) == next(
        each for each in before["conditions"] if each["type"] == "Accepted"
    )


@pytest.mark.parametrize(
    ("changes", "figures", "few"),
    [
        pytest.param({}, {"covered_s": 15 * DAY}, False, id="half of the window is known: twice as many"),
        pytest.param({}, {"covered_s": 2 * DAY}, False, id="too little of the window is known"),
        pytest.param({}, {"covered_s": 29 * DAY}, True, id="most of the window is known"),
        pytest.param({"budgeting": {"method": "Timeslices", "sliceTarget": 95}}, {}, False, id="slices are no events"),
        pytest.param(
            {"window": {"calendar": "Month"}}, {"covered_s": 12 * 3_600, "length_s": DAY}, False, id="half a day"
        ),
    ],
)
def test_few_events_are_those_of_a_whole_window(changes: JsonObject, figures: JsonObject, few: bool) -> None:
    operator = Operator(accepted(**changes))

    assert (Rule.FEW_EVENTS in operator.sees(Measured(), 600, **figures)) is few


def test_high_cardinality_needs_no_figure() -> None:
    operator = Operator(accepted())
    operator.account.series = MANY_SERIES + 1

    assert operator.sees(Stale(AT - 900)) == {Rule.HIGH_CARDINALITY}
    operator.account.series = 900
    assert operator.sees(Measured(), 1e6) == {Rule.HIGH_CARDINALITY}
    operator.account.series = 800
    assert operator.sees(Measured(), 1e6) == set()


def test_a_bucket_that_is_not_there_names_its_neighbours_and_is_asked_for_once() -> None:
    operator = Operator(accepted(LATENCY), "0.5", "1.0", "+Inf")
    missing = NoData("valid events exist, but no series matches the good events")

    assert operator.sees(missing) == {Rule.NO_BOUNDARY}
    assert operator.sees(missing) == {Rule.NO_BOUNDARY}

    assert operator.prometheus.asked == ['h_seconds_bucket{job="a"}']
    for kind in (names.Condition.ACCEPTED, names.Condition.MEASURED):
        assert "800ms is no bucket boundary" in operator.condition(kind)["message"]
        assert "500ms and 1s" in operator.condition(kind)["message"]
    assert operator.sees(Measured(), 1e6) == set()


def test_a_bound_of_several_spellings() -> None:
    operator = Operator(accepted({"latency": {**LATENCY["latency"], "threshold": "2s"}}), "1.0", "2.5", "+Inf")

    operator.sees(NoData("no good events"))

    assert (
        "2s is no bucket boundary of the histogram; its neighbours are 1s and 2500ms"
        in (operator.condition(names.Condition.MEASURED)["message"])
    )


def test_a_question_that_fails_is_asked_again() -> None:
    operator = Operator(accepted(LATENCY))
    operator.prometheus.answer = Failed(Failure.TIMEOUT, "slow")

    assert operator.sees(NoData("no good events")) == set()
    operator.prometheus.answer = ("0.5", "+Inf")
    assert operator.sees(NoData("no good events")) == {Rule.NO_BOUNDARY}


@pytest.mark.parametrize(
    ("indicator", "outcome", "bounds"),
    [
        pytest.param(RATIO, NoData("none"), ["1"], id="no histogram"),
        pytest.param(LATENCY, NoData("none"), [], id="no such histogram"),
        pytest.param(LATENCY, NoData("none"), ["0.8"], id="the bucket is there"),
    ],
)
def test_no_word_about_boundaries(indicator: JsonObject, outcome: Outcome, bounds: list[str]) -> None:
    assert Operator(accepted(indicator), *bounds).sees(outcome) == set()


def test_boundaries_are_asked_for_only_when_data_is_missing() -> None:
    operator = Operator(accepted(LATENCY), "0.5")

    operator.sees(Measured(), 1e6)
    operator.sees(Stale(AT - 900))

    assert operator.prometheus.asked == []


def test_boundaries_are_asked_for_anew_where_a_status_told_of_them() -> None:
    operator = Operator(accepted(LATENCY), "0.5", "1")
    operator.sees(NoData("no good events"))
    operator.restart()

    assert operator.sees(Stale(AT - 900)) == {Rule.NO_BOUNDARY}


def test_another_indicator_begins_anew() -> None:
    operator = Operator(accepted(LATENCY), "0.5", "1")
    operator.sees(NoData("no good events"))

    operator.accepted = accepted({"latency": {**LATENCY["latency"], "threshold": "500ms"}})
    operator.account = opened("uid", operator.accepted.objective)
    operator.status = {}

    assert operator.sees(NoData("no good events")) == set()
    assert len(operator.prometheus.asked) == 2


def test_journeys_are_counted_by_namespace() -> None:
    advice, of = Advice(), accepted(journey="matching")
    keys = [Key("dating", f"o{index}") for index in range(4)] + [Key("other", "o")]
    accounts = {key: opened(str(key), of.objective) for key in keys}

    advice.look({}, accounts, {key: (of, {}) for key in keys})

    assert [{each.rule for each in advice.about(key, of)} for key in keys] == [{Rule.CROWDED_JOURNEY}] * 4 + [set()]
    gone = keys[:3]
    advice.look({}, accounts, {key: (of, {}) for key in gone})
    assert advice.about(keys[0], of) == ()


def test_what_is_refused_gets_no_advice() -> None:
    advice, refused = Advice(), accept({})

    advice.look({}, {}, {KEY: (refused, {"conditions": "nonsense"})})

    assert advice.about(KEY, refused) == ()


def test_a_new_finding_is_worth_rendering() -> None:
    operator = Operator(accepted())
    operator.sees(Measured(), 1e6)
    before = gist(operator.facts())
    operator.sees(Measured(), 10)

    assert gist(operator.facts()) != before


def test_a_month_is_judged_by_its_elapsed_part() -> None:
    operator = Operator(accepted(window={"calendar": "Month"}))

    # 40 events a day for 10 days: some 1,200 a month.
    assert operator.sees(Measured(), 400, covered_s=10 * DAY, length_s=10 * DAY) == set()
    assert timedelta(seconds=30 * DAY).days == 30


def test_of_a_large_fleet_a_part_is_looked_at_again_in_each_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice_module, "_AT_ONCE", 2)
    of, advice = accepted(), Advice()
    keys = [Key("dating", str(number)) for number in range(6)]
    accounts = {key: opened("uid", of.objective) for key in keys}

    def warned_after_a_cycle(series: int) -> int:
        for account in accounts.values():
            account.series = series
            account.assessment = Assessment(Measured(), figure(of, 1e9), None)
        advice.look({}, accounts, dict.fromkeys(keys, (of, {})))
        return sum(bool(advice.about(key, of)) for key in keys)

    assert warned_after_a_cycle(MANY_SERIES + 1) == 6, "what is new is looked at at once"
    assert [warned_after_a_cycle(1) for _ in range(3)] == [4, 2, 0]
