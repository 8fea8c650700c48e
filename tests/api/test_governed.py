from datetime import timedelta
from decimal import Decimal

import pytest

from frostline.api.accept import AcceptedPolicy, accept_policy
from frostline.api.base import JsonObject
from frostline.core.policy import BUILT_IN, BurnBounds, Hysteresis, Level, Lift, Mode, OverrideClass, Policy, Rule
from frostline.core.projection import Operational, Shape


def governed(spec: JsonObject) -> Policy:
    accepted = accept_policy(spec)
    assert isinstance(accepted, AcceptedPolicy), accepted
    return accepted.policy


def test_a_policy_that_says_nothing_is_the_built_in_one() -> None:
    assert governed({}) == BUILT_IN


def test_every_field_is_gone_by() -> None:
    found = governed(
        {
            "mode": "Warn",
            "levels": {"depleting": 60, "endangered": 12.5},
            "burn": {"depleting": 3, "endangered": 7.5},
            "releases": {"healthy": "Warn", "depleting": "Slush", "endangered": "Slush", "exhausted": "Slush"},
            "passes": {
                "withheld": ["Probes"],
                "ignoredAnnotations": ["a"],
                "ignoredContainers": ["b"],
                "ignoredVolumes": ["c"],
            },
            "overrides": {
                "healthy": ["LowRisk", "Security"],
                "depleting": ["Security"],
                "endangered": ["Security"],
                "exhausted": [],
                "longest": "3h",
            },
            "hysteresis": {"margin": 4, "hold": "10m"},
            "lift": {"hold": "2h"},
        }
    )

    releases = found.releases
    assert (found.depleting, found.endangered) == (Decimal(60), Decimal("12.5"))
    assert found.burn == BurnBounds(depleting=Decimal(3), endangered=Decimal("7.5"))
    assert found.hysteresis == Hysteresis(Decimal(4), timedelta(minutes=10))
    assert found.lift == Lift(hold=timedelta(hours=2))
    assert releases.mode is Mode.WARN
    assert [releases.rules[level] for level in Level] == [Rule.WARN, Rule.SLUSH, Rule.SLUSH, Rule.SLUSH]
    security = OverrideClass.SECURITY
    assert [releases.override_classes[level] for level in Level] == [
        {OverrideClass.LOW_RISK, security},
        {security},
        {security},
        frozenset(),
    ]
    assert releases.longest_override == timedelta(hours=3)
    assert releases.shape == Shape(
        withheld=frozenset({Operational.PROBES}),
        ignored_annotations=frozenset({"a"}),
        ignored_containers=frozenset({"b"}),
        ignored_volumes=frozenset({"c"}),
    )


@pytest.mark.parametrize("level", Level)
def test_each_rule_is_that_of_its_level(level: Level) -> None:
    order = [each.value.lower() for each in Level]
    rules = {each: "Freeze" if order.index(each) >= level.rank else "Open" for each in order}

    found = governed({"releases": rules}).releases.rules

    assert [each for each in Level if found[each] is Rule.FREEZE] == [each for each in Level if each.rank >= level.rank]
