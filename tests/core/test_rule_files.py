import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.burn import LOWEST_FACTOR, Pace, nominal_s, paces, thresholds
from frostline.core.health_alerts import HEALTH_ALERTS
from frostline.core.indicator import Counted, Counters, Expressions
from frostline.core.objective import Objective
from frostline.core.rule_files import MOST_BYTES, Rendered, prometheus_rule, rule_files
from frostline.core.rules import MOST_RULES, Alerting, Promise
from frostline.core.selector import parse_selector
from frostline.core.sharding import Item, bits, shared_out
from frostline.core.window import Rolling, Window
from tests.core.test_promql import INDICATORS, SLICES

RATIO = Counters(parse_selector('x{code="5"}'), Counted.BAD, parse_selector("x"))
MONTH = Rolling(timedelta(days=30))
KEYS = st.sets(st.text("abcdefgh", min_size=1, max_size=6), max_size=60)


def promise(name: str = "a", target: str = "99.9", window: Window = MONTH, **more: Any) -> Promise:
    return Promise("shop", name, Objective(RATIO, Decimal(target), window), **more)


def shards(rendered: Rendered) -> dict[str, str]:
    return {file.name: json.dumps(prometheus_rule(file)) for file in rendered.files}


@pytest.mark.parametrize("sliced", [False, True])
@pytest.mark.parametrize("kind", INDICATORS)
def test_rules_of_every_kind_parse(kind: str, sliced: bool) -> None:
    objective = Objective(INDICATORS[kind], Decimal(99), MONTH, SLICES if sliced else None)

    rendered = rule_files([Promise("shop", "a", objective)])

    assert not rendered.refused
    own = rendered.files[1].groups[0].rules
    assert [rule.name for rule in own] == [
        "slo:frostline_valid:rate5m",
        "slo:frostline_bad:rate5m",
        "slo:frostline_allowed:ratio",
    ]
    for rule in own:
        promql_parser.parse(rule.expression)


def test_brief_factors_of_yellow_and_red() -> None:
    yellow, red = paces(Rolling(timedelta(days=28)))

    assert yellow.factor == Decimal("2.8")
    assert round(red.factor, 4) == Decimal("9.3333")


@given(st.integers(1, 366), st.decimals("0.01", "99.99", places=2))
def test_factors_spend_what_they_say(days: int, target: Decimal) -> None:
    window = Rolling(timedelta(days=days))
    allowed = 1 - target / 100
    for each in (*thresholds(window), *paces(window)):
        kept = each.pair.kept_s if isinstance(each.pair, Pace) else each.pair.long_s
        assert abs(each.factor * kept / nominal_s(window) - each.pair.share) < Decimal("1e-20")
        assert each.factor >= LOWEST_FACTOR
        # What can fire has an error ratio below one that reaches its factor.
        assert each.can_fire(allowed) == (each.factor * allowed < 1)


@given(
    st.decimals("0.5", "99.99", places=2), st.sampled_from([1, 3, 7, 14, 28, 30, 90, 365]), st.sampled_from(Alerting)
)
def test_what_is_left_out_is_told(target: Decimal, days: int, alerting: Alerting) -> None:
    window = Rolling(timedelta(days=days))
    rendered = rule_files([promise(target=str(target), window=window, alerting=alerting)])

    wanted = {Alerting.BURN: thresholds(window), Alerting.PACE: paces(window), Alerting.NONE: ()}[alerting]
    dead = [each for each in wanted if each.factor * (1 - target / 100) >= 1]
    assert bool(rendered.findings) == bool(dead)
    for _, finding in rendered.findings:
        assert finding.message.count("at burn rate") == len(dead)


def test_profiles_that_nobody_has_are_not_written() -> None:
    def alerts(alerting: Alerting) -> set[str]:
        shared = rule_files([promise(alerting=alerting)]).files[0]
        return {rule.name.removeprefix("Frostline") for group in shared.groups for rule in group.rules if rule.alert}

    health = {each.alert.removeprefix("Frostline") for each in HEALTH_ALERTS}
    accounts = {"BudgetHalfGone", "BudgetExhaustionNear", "NoData"}
    assert alerts(Alerting.BURN) == {"BudgetBurnsFast", "BudgetBurnsSlowly", *accounts, *health}
    assert alerts(Alerting.PACE) == {"Yellow", "Red", *accounts, *health}
    assert alerts(Alerting.NONE) == health


def test_what_is_no_promql_spoils_nothing_else() -> None:
    broken = Promise("shop", "b", Objective(Expressions("sum(", "sum(x[$window])"), Decimal(99), MONTH))

    rendered = rule_files([promise("a"), broken, promise("c")])

    assert [each.promise.name for each in rendered.refused] == ["b"]
    assert rendered.refused[0].why == "unclosed left parenthesis"
    assert len(rendered.files[1].groups[0].rules) == 6


def test_what_is_too_large_spoils_nothing_else() -> None:
    long = parse_selector(f'x{{a="{"b" * 60_000}"}}')
    large = Promise("shop", "b", Objective(Counters(long, Counted.BAD, long), Decimal(99), MONTH))

    rendered = rule_files([promise("a"), large])

    assert [each.promise.name for each in rendered.refused] == ["b"]
    assert f"more than {MOST_BYTES}" in rendered.refused[0].why


def test_files_stay_below_what_is_taken() -> None:
    long = Counters(parse_selector(f'x{{a="{"b" * 2_000}"}}'), Counted.BAD, parse_selector(f'x{{b="{"c" * 2_000}"}}'))
    promises = [Promise("shop", f"a{number}", Objective(long, Decimal(99), MONTH)) for number in range(120)]

    rendered = rule_files(promises)

    assert len(rendered.files) > 3
    for file in rendered.files:
        assert len(json.dumps(prometheus_rule(file))) < 512 * 1024
        assert all(len(group.rules) <= MOST_RULES for group in file.groups)


def test_a_fleet_of_all_windows() -> None:
    fleet = [promise(f"a{days}", window=Rolling(timedelta(days=days))) for days in range(1, 200)]

    groups = rule_files(fleet).files[0].groups

    assert all(len(group.rules) <= MOST_RULES for group in groups)
    assert len({group.name for group in groups}) == len(groups)


def test_group_names_are_unique() -> None:
    rendered = rule_files(promise(f"a{number}") for number in range(400))

    groups = [group.name for file in rendered.files for group in file.groups]
    assert len(set(groups)) == len(groups)


def test_one_promise_more_touches_one_file() -> None:
    promises = [promise(f"a{number}") for number in range(600)]

    before, after = shards(rule_files(promises[:-1])), shards(rule_files(promises))

    assert sum(before.get(name) != text for name, text in after.items()) == 1


def test_a_new_owner_keeps_the_history() -> None:
    one, other = (rule_files([promise(owner=owner, tier=1)]).files[1].groups[0].rules for owner in ("me", "you"))

    assert one[:2] == other[:2]
    assert one[2] != other[2]


def test_two_of_one_name() -> None:
    with pytest.raises(ValueError, match="one namespace and name"):
        rule_files([promise(), promise()])


@given(KEYS, st.integers(1, 7))
def test_sharing_out_depends_on_what_there_is_alone(keys: set[str], most: int) -> None:
    items = [Item(bits(key), 1, key) for key in sorted(keys)]

    buckets = list(shared_out(items, most=most, weight=1_000))

    assert buckets == list(shared_out(items[::-1], most=most, weight=1_000))
    assert sorted(item.value for bucket in buckets for item in bucket.items) == sorted(keys)
    for bucket in buckets:
        assert len(bucket.items) <= most
        assert all(item.bits.startswith(bucket.prefix) for item in bucket.items)


@given(KEYS, st.text("xyz", min_size=1, max_size=4))
def test_one_more_leaves_other_places_as_they_were(keys: set[str], added: str) -> None:
    def places(of: set[str]) -> set[tuple[str, frozenset[str]]]:
        items = [Item(bits(key), 1, key) for key in of]
        return {(each.prefix, frozenset(i.value for i in each.items)) for each in shared_out(items, most=4, weight=99)}

    old, new = places(keys), places(keys | {added})

    assert len(old - new) <= 1
