from itertools import permutations
from typing import Any

import pytest

from frostline.api.gate import GateSpec
from frostline.controller.gating import Ask, claims, common_shape, rule_asked, worth_writing
from frostline.core.policy import Level, Mode, OverrideClass, Releases, Rule
from frostline.core.projection import Operational, Shape
from frostline.core.release import Standing
from tests.controller.gate_specs import WORKLOAD, ask, carried, claim, declared, made, spec, standing, sure
from tests.support.objectives import AT, HOUR


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        pytest.param(ask(), True, id="names it"),
        pytest.param(ask(through={}), True, id="names it no more, by the same entry"),
        pytest.param(ask(through={}, entries=frozenset({"other"})), False, id="has no such entry any more"),
        pytest.param(ask(through={}, entries=frozenset()), False, id="protects nothing"),
        pytest.param(ask(at=None), True, id="nothing can be said"),
        pytest.param(ask(at=None, through={}), True, id="nothing can be said of what left"),
        pytest.param(ask(at=None, through={}, entries=None), True, id="cannot be read"),
        pytest.param(ask(uid="successor", at=None), False, id="another promise of the same name"),
        pytest.param(ask(uid="successor"), True, id="another of the same name that asks itself"),
        pytest.param(ask("other", at=None), False, id="another promise"),
        pytest.param(ask(at=standing(Level.HEALTHY)), False, id="healthy"),
        pytest.param(ask(at=standing(mode=Mode.OBSERVE)), False, id="observed"),
    ],
)
def test_which_claims_stay(asked: Ask, *, kept: bool) -> None:
    assert bool(claims(WORKLOAD, [claim()], [asked])) is kept


@pytest.mark.parametrize("rule", ["Warn", "Slush", "Freeze"])
def test_only_what_is_held_back_stays_with_what_left(rule: str) -> None:
    level = {"Warn": Level.DEPLETING, "Slush": Level.ENDANGERED, "Freeze": Level.EXHAUSTED}[rule]

    found = claims(WORKLOAD, [claim(rule=rule, level=level)], [ask(at=standing(level), through={})])

    assert bool(found) is (rule != "Warn")


def test_a_claim_without_news_says_why_and_promises_no_lift() -> None:
    old = claim(lifts_about="2027-01-15T12:00:00Z")

    (found,) = claims(WORKLOAD, [old], [ask(at=None, trouble="QueryFailed")])

    assert found == old.model_copy(update={"trouble": "QueryFailed", "lifts_about": None})


def test_the_strictest_comes_first_then_the_worst_then_the_oldest() -> None:
    asks = [
        ask("d", standing(Level.DEPLETING)),
        ask("c", standing(Level.ENDANGERED, mode=Mode.WARN)),
        ask("b", standing(since=AT - 60)),
        ask("a2"),
        ask("a1"),
    ]

    for order in permutations(asks):
        assert [each.objective for each in claims(WORKLOAD, [], order)] == ["b", "a1", "a2", "c", "d"]


def test_more_promises_than_a_gate_can_name_leave_the_strictest() -> None:
    asks = [ask(f"mild-{number}", standing(Level.DEPLETING)) for number in range(70)]

    found = made(None, *asks, ask("strict"))

    assert (sure(found).rule, len(sure(found).by), sure(found).by[0].objective) == (Rule.FREEZE, 64, "strict")


@pytest.mark.parametrize(
    ("at", "before", "rule"),
    [
        pytest.param(None, Rule.FREEZE, Rule.FREEZE, id="nothing can be said"),
        pytest.param(standing(Level.HEALTHY), Rule.FREEZE, Rule.OPEN, id="it says so itself"),
        pytest.param(standing(covered=False), Rule.OPEN, Rule.WARN, id="too little data"),
    ],
)
def test_the_rule_that_is_asked_for(at: Standing | None, before: Rule, rule: Rule) -> None:
    assert rule_asked(ask(at=at), before) is rule


def test_without_claims_there_is_no_gate() -> None:
    assert made(spec()) is None
    assert made(None, ask(at=standing(Level.HEALTHY))) is None


@pytest.mark.parametrize(
    ("old", "since"),
    [
        pytest.param(None, AT, id="it begins"),
        pytest.param(spec(since="2027-01-15T06:00:00Z"), AT - 2 * HOUR, id="it stays"),
        pytest.param(spec(rule="Slush", since="2027-01-15T06:00:00Z"), AT, id="it gets stricter"),
        pytest.param(spec(rule="Warn", since="2027-01-15T06:00:00Z"), AT, id="it begins to hold"),
    ],
)
def test_since_when_the_rule_is_in_force(old: GateSpec | None, since: int) -> None:
    assert sure(made(old, ask())).since.timestamp() == since


@pytest.mark.parametrize("old", ["Slush", "Freeze"])
def test_while_it_holds_shape_and_templates_stay(old: str) -> None:
    remembered = spec(
        rule=old,
        shape={"withheld": ["Probes"]},
        running={"pod": {"a": 1}},
        running_from="revision 7",
        good=[{"source": "revision 7", "template": {"pod": {"a": 1}}}],
    )

    found = sure(made(remembered, ask(), shape=Shape(withheld=frozenset({Operational.LABELS}))))

    for field in ("shape", "running", "running_from", "good"):
        assert getattr(found, field) == getattr(remembered, field)


def test_when_it_begins_to_hold_nothing_is_remembered_of_a_warning() -> None:
    found = sure(made(spec(rule="Warn"), ask(), shape=Shape(withheld=frozenset({Operational.LABELS}))))

    assert (found.shape.withheld, found.running, found.good) == ([Operational.LABELS], None, [])


def test_a_warning_carries_no_templates_overrides_or_classes() -> None:
    old = spec(running={"pod": {}}, good=[{"source": "x", "template": {}}], overrides=[carried()])

    found = sure(made(old, ask(at=standing(Level.DEPLETING)), overrides=[declared()]))

    assert (found.rule, found.running, found.good, found.overrides, found.override_classes) == (
        Rule.WARN,
        None,
        [],
        [],
        [],
    )


@pytest.mark.parametrize(
    ("times", "lifts"),
    [
        pytest.param([AT + 60], AT + 60, id="one"),
        pytest.param([AT + 60, AT + 7_200], AT + 7_200, id="the last of all"),
        pytest.param([AT + 60, None], None, id="one that cannot say"),
    ],
)
def test_when_it_may_lift(times: list[int | None], lifts: int | None) -> None:
    found = sure(made(None, *(ask(str(number), standing(lifts_about=at)) for number, at in enumerate(times))))

    assert (found.lifts_about and found.lifts_about.timestamp()) == lifts


def test_a_promise_that_only_warns_says_nothing_about_lift_and_classes() -> None:
    narrow = Releases(override_classes=dict.fromkeys(Level, frozenset[OverrideClass]()))

    found = sure(
        made(
            None,
            ask("strict", standing(lifts_about=AT + 60)),
            ask("mild", standing(Level.DEPLETING, lifts_about=None), releases=narrow),
        )
    )

    assert found.lifts_about is not None
    assert found.override_classes == [OverrideClass.RELIABILITY, OverrideClass.SECURITY, OverrideClass.EMERGENCY]


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        pytest.param([], Shape(), id="none"),
        pytest.param(
            [Shape(frozenset({Operational.PROBES})), Shape(frozenset({Operational.LABELS}))],
            Shape(frozenset({Operational.PROBES, Operational.LABELS})),
            id="withheld by any",
        ),
        pytest.param(
            [Shape(ignored_volumes=frozenset("ab")), Shape(ignored_volumes=frozenset("bc"))],
            Shape(ignored_volumes=frozenset("b")),
            id="ignored by all",
        ),
    ],
)
def test_the_shape_of_several_policies(shapes: list[Shape], found: Shape) -> None:
    assert common_shape(shapes) == found


def claimed(**more: Any) -> GateSpec:
    return spec(by=[claim(**more)])


@pytest.mark.parametrize(
    ("stored", "wanted", "worth"),
    [
        pytest.param(claimed(), claimed(), False, id="the same"),
        pytest.param(claimed(), claimed(measured_at="2027-01-15T08:04:30Z", budget="-5%"), False, id="mere figures"),
        pytest.param(claimed(), claimed(measured_at="2027-01-15T08:05:00Z"), True, id="figures, now and then"),
        pytest.param(claimed(measured_at="2027-01-15T09:00:00Z"), claimed(), True, id="figures of a clock set back"),
        pytest.param(claimed(measured_at=None), claimed(), True, id="the first figure"),
        pytest.param(claimed(), claimed(trouble="Stale"), True, id="trouble"),
        pytest.param(claimed(), claimed(level="Endangered"), True, id="level"),
        pytest.param(claimed(), claimed(rule="Slush"), True, id="rule of a promise"),
        pytest.param(claimed(), claimed(through="Deployment app=x"), True, id="entry"),
        pytest.param(spec(), spec(message="go"), False, id="the sentence alone, which follows the rest"),
        pytest.param(spec(), spec(overrides=[carried()]), True, id="an override"),
        pytest.param(spec(), spec(override_classes=[]), True, id="classes"),
        pytest.param(spec(), spec(running={"pod": {}}), True, id="what runs"),
    ],
)
def test_what_is_worth_a_write(stored: GateSpec, wanted: GateSpec, *, worth: bool) -> None:
    assert worth_writing(stored, wanted) is worth


def test_the_columns_of_a_gate() -> None:
    found = sure(made(None, ask(at=standing(lifts_about=AT + HOUR)), ask("b", standing(Level.DEPLETING))))

    assert found.display is not None
    assert found.display.model_dump() == {
        "workload": "deployment/gateway",
        "by": "matching (+1)",
        "level": "Exhausted",
        "since": "2027-01-15 08:00 UTC",
        "lifts_about": "2027-01-15 09:00 UTC",
    }
    assert len(found.message) < 2048
