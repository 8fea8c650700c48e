import itertools

import pytest

from frostline.core.policy import Level, Mode, Releases, Rule, lower_mode, strictest
from frostline.core.release import Standing, asked

OPEN, WARN, SLUSH, FREEZE = Rule


def standing(level: Level, mode: Mode = Mode.ENFORCE, *, covered: bool = True) -> Standing:
    return Standing(level, since=0, mode=mode, covered=covered, remaining=0.01, measured_at=None, lifts_about=None)


@pytest.mark.parametrize(
    ("mode", "rules"),
    [
        pytest.param(Mode.OBSERVE, [OPEN, OPEN, OPEN, OPEN], id="Observe"),
        pytest.param(Mode.WARN, [OPEN, WARN, WARN, WARN], id="Warn"),
        pytest.param(Mode.ENFORCE, [OPEN, WARN, SLUSH, FREEZE], id="Enforce"),
    ],
)
def test_the_table_as_far_as_the_mode_goes(mode: Mode, rules: list[Rule]) -> None:
    assert [asked(Releases(), standing(level, mode), OPEN) for level in Level] == rules


@pytest.mark.parametrize(
    ("level", "before", "rule"),
    [
        pytest.param(Level.EXHAUSTED, OPEN, WARN, id="nothing begins to hold"),
        pytest.param(Level.ENDANGERED, OPEN, WARN, id="nor does a slush"),
        pytest.param(Level.EXHAUSTED, WARN, WARN, id="a warning stays one"),
        pytest.param(Level.EXHAUSTED, SLUSH, SLUSH, id="a slush stays one"),
        pytest.param(Level.EXHAUSTED, FREEZE, FREEZE, id="a freeze stays one"),
        pytest.param(Level.ENDANGERED, FREEZE, SLUSH, id="a better level still counts"),
        pytest.param(Level.DEPLETING, FREEZE, WARN, id="also down to a warning"),
        pytest.param(Level.HEALTHY, FREEZE, OPEN, id="also down to nothing"),
    ],
)
def test_where_too_little_is_known(level: Level, before: Rule, rule: Rule) -> None:
    assert asked(Releases(), standing(level, covered=False), before) is rule


def test_what_was_asked_for_before_counts_only_where_too_little_is_known() -> None:
    for level, before in itertools.product(Level, Rule):
        assert asked(Releases(), standing(level), before) is Releases().rules[level]


@pytest.mark.parametrize(
    ("rules", "found"),
    [((), OPEN), ((WARN,), WARN), ((SLUSH, WARN), SLUSH), ((WARN, FREEZE, OPEN), FREEZE)],
)
def test_the_strictest_rule(rules: tuple[Rule, ...], found: Rule) -> None:
    assert strictest(*rules) is found


def test_the_lower_mode() -> None:
    order = [Mode.OBSERVE, Mode.WARN, Mode.ENFORCE]
    for one, other in itertools.product(order, order):
        assert lower_mode(one, other) is order[min(order.index(one), order.index(other))]


def test_only_two_rules_hold() -> None:
    assert [rule for rule in Rule if rule.holds] == [SLUSH, FREEZE]
