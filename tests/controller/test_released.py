from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from frostline.api.gate import GateClaim
from frostline.controller.account import Key
from frostline.controller.asking import unread
from frostline.controller.gating import Ask
from frostline.controller.released import released
from frostline.core.gate import Workload
from frostline.core.policy import Level, Mode, Releases, Rule
from frostline.core.release import Standing
from tests.support.objectives import AT

STANDING = Standing(
    Level.EXHAUSTED, since=AT, mode=Mode.ENFORCE, covered=True, remaining=-0.04, measured_at=AT, lifts_about=None
)


def ask(standing: Standing | None = STANDING, **more: Any) -> Ask:
    least = Ask(
        key=Key("dating", "matching"),
        uid="a",
        policy="default",
        releases=Releases(),
        standing=standing,
        trouble="QueryFailed",
        through={Workload("dating", "Deployment", "gateway"): "Deployment/gateway"},
        entries=frozenset({"Deployment/gateway"}),
    )
    return replace(least, **more)


def at(level: Level = Level.EXHAUSTED, **more: Any) -> Ask:
    return ask(replace(STANDING, level=level, **more))


OFF = "the kill switch is on"


def claims(rule: Rule) -> dict[Workload, GateClaim]:
    """Return what one gate has of the promise when it asked for `rule`."""
    if rule is Rule.OPEN:
        return {}
    claim = GateClaim(
        objective="matching",
        uid="a",
        policy="default",
        through="Deployment/gateway",
        level=Level.EXHAUSTED,
        since=datetime.fromtimestamp(AT, UTC),
        rule=rule,
        budget="-4%",
    )
    return {Workload("dating", "Deployment", "gateway"): claim}


@pytest.mark.parametrize(
    ("given", "before", "exempt", "off", "expected", "said"),
    [
        pytest.param(at(Level.HEALTHY), Rule.OPEN, False, None, ("Open", True, "Open"), "pass, Healthy", id="healthy"),
        pytest.param(
            at(Level.DEPLETING), Rule.OPEN, False, None, ("Warn", True, "Warned"), "with a warning", id="depleting"
        ),
        pytest.param(
            at(Level.ENDANGERED),
            Rule.SLUSH,
            False,
            None,
            ("Slush", False, "Held"),
            "Slush: releases of",
            id="endangered",
        ),
        pytest.param(
            at(), Rule.FREEZE, False, None, ("Freeze", False, "Held"), "releases of deployment/gateway", id="exhausted"
        ),
        pytest.param(at(), Rule.OPEN, False, None, ("Freeze", True, "Pending"), "are not yet", id="no gate yet"),
        pytest.param(at(), Rule.WARN, False, None, ("Freeze", True, "Pending"), "are not yet", id="a gate that warns"),
        pytest.param(
            at(mode=Mode.OBSERVE),
            Rule.OPEN,
            False,
            None,
            ("Open", True, "Observed"),
            "would be Freeze; mode Observe",
            id="observed",
        ),
        pytest.param(
            at(mode=Mode.WARN), Rule.OPEN, False, None, ("Warn", True, "Observed"), "mode Warn", id="only warned"
        ),
        pytest.param(
            at(covered=False), Rule.OPEN, False, None, ("Warn", True, "Observed"), "too little of", id="too little data"
        ),
        pytest.param(
            at(covered=False),
            Rule.FREEZE,
            False,
            None,
            ("Freeze", False, "Held"),
            "held back",
            id="stands all the same",
        ),
        pytest.param(
            ask(entries=frozenset()),
            Rule.OPEN,
            False,
            None,
            ("Open", True, "NothingProtected"),
            "protects is empty",
            id="protects nothing",
        ),
        pytest.param(
            at(), Rule.OPEN, True, None, ("Open", True, "NothingProtected"), "dating is exempt", id="exempt namespace"
        ),
        pytest.param(at(), Rule.FREEZE, False, OFF, ("Freeze", True, "SwitchedOff"), OFF, id="switched off"),
        pytest.param(at(Level.HEALTHY), Rule.OPEN, False, OFF, ("Open", True, "Open"), "pass", id="off and healthy"),
        pytest.param(
            ask(None), Rule.OPEN, False, None, ("Open", True, "NotDecided"), "nothing begins", id="nothing known"
        ),
        pytest.param(
            ask(None), Rule.WARN, False, None, ("Warn", True, "NotDecided"), "QueryFailed", id="nothing known, warned"
        ),
        pytest.param(
            ask(None), Rule.SLUSH, False, None, ("Slush", False, "Held"), "Slush stays until", id="nothing known, held"
        ),
        pytest.param(
            ask(None), Rule.SLUSH, False, OFF, ("Slush", True, "SwitchedOff"), OFF, id="nothing known, switched off"
        ),
        pytest.param(
            unread(Key("dating", "matching"), "a"),
            Rule.FREEZE,
            False,
            None,
            ("Freeze", False, "Held"),
            "its manifest is not accepted",
            id="not accepted, held",
        ),
        pytest.param(
            ask(through={}),
            Rule.OPEN,
            False,
            None,
            ("Freeze", True, "NothingProtected"),
            "no workload answers",
            id="no workload",
        ),
        pytest.param(
            ask(through={}),
            Rule.FREEZE,
            False,
            None,
            ("Freeze", False, "Held"),
            "deployment/gateway",
            id="a workload that was deleted",
        ),
    ],
)
def test_what_is_said_about_releases(  # noqa: PLR0917 - a row of a table
    given: Ask,
    before: Rule,
    exempt: bool,
    off: str | None,
    expected: tuple[str, bool, str],
    said: str,
) -> None:
    found = released(given, claims(before), exempt=exempt, switched_off=off)

    assert (found.rule.value, found.open, found.reason.value) == expected
    assert said in found.sentence


def test_sentences_have_no_figures_that_change_with_each_cycle() -> None:
    one = released(at(), claims(Rule.FREEZE), exempt=False, switched_off=None)
    other = released(at(remaining=-0.09, measured_at=AT + 60), claims(Rule.FREEZE), exempt=False, switched_off=None)

    assert one == other


def test_many_workloads_are_told_by_the_first_of_them() -> None:
    many = {Workload("dating", "Deployment", f"part-{number}"): "x" for number in range(5)}

    found = released(ask(through=many), {}, exempt=False, switched_off=None)

    assert "deployment/part-0, deployment/part-1, deployment/part-2 and 2 more" in found.sentence
