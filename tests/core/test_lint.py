from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from frostline.api.accept import Accepted, accept
from frostline.core.category import Category
from frostline.core.finding import ABOUT, Finding, Rule, Severity, clipped
from frostline.core.indicator import Counted, Counters
from frostline.core.lint import Fields, Promise, crowded, lint
from frostline.core.lint_live import MANY_SERIES, few_events, many_series, no_boundary
from frostline.core.objective import Objective
from frostline.core.selector import parse_selector
from frostline.core.window import Rolling

GOOD = Promise(
    objective=Objective(
        Counters(
            parse_selector('requests_total{job="web",code=~"5.."}'),
            Counted.BAD,
            parse_selector('requests_total{job="web",code!~"4.."}'),
        ),
        Decimal("99.9"),
        Rolling(timedelta(days=30)),
    ),
    fields=Fields("spec.indicator.ratio.bad", "spec.indicator.ratio.valid"),
    category=Category.AVAILABILITY,
    owner="team-web",
    rationale="people leave",
    tier=1,
    protects=True,
    reviewed=True,
)
COUNTERS = {"bad": 'x_total{job="a",code=~"5.."}', "valid": 'x_total{job="a"}'}
HISTOGRAM = 'x_seconds{job="a"}'


def of(indicator: dict[str, Any], **more: Any) -> dict[Rule, Finding]:
    """Return what is said about a manifest with an indicator, by rule."""
    spec = {"indicator": indicator, "objective": {"target": 99.9}, "window": {"rolling": "30d"}, **more}
    accepted = accept(spec)
    assert isinstance(accepted, Accepted), accepted
    return {each.rule: each for each in accepted.findings}


def ratio(**parts: str) -> dict[str, Any]:
    return {"ratio": parts}


def latency(histogram: str = HISTOGRAM, threshold: str = "800ms", **more: str) -> dict[str, Any]:
    return {"latency": {"histogram": histogram, "threshold": threshold}, **more}


def quantile(bound: float, histogram: str = HISTOGRAM, **more: str) -> dict[str, Any]:
    return {"threshold": {"quantile": {"histogram": histogram, "quantile": 0.95}, "bound": bound, **more}}


def gauge(bound: float, metric: str) -> dict[str, Any]:
    return {"threshold": {"gauge": f'{metric}{{job="a"}}', "bound": bound}}


def freshness(within: str, **source: str) -> dict[str, Any]:
    return {"freshness": {"within": within, **source}}


def test_a_promise_without_slips_raises_nothing() -> None:
    assert lint(GOOD) == ()


@pytest.mark.parametrize(
    ("indicator", "field"),
    [
        pytest.param(ratio(bad='x{job="b"}', valid='x{job="a"}'), "spec.indicator.ratio.bad", id="bad of another job"),
        pytest.param(
            ratio(good='x{job="a",code="2"}', valid='x{job="a",route="/"}'),
            "spec.indicator.ratio.good",
            id="good of every route",
        ),
        pytest.param(ratio(good='x{job="a"}', valid='x{job="a"}'), "spec.indicator.ratio.good", id="good is valid"),
    ],
)
def test_population(indicator: dict[str, Any], field: str) -> None:
    assert of(indicator)[Rule.POPULATION].field == field


@pytest.mark.parametrize(
    "indicator",
    [
        pytest.param(ratio(**COUNTERS), id="a part"),
        pytest.param(latency(), id="a histogram is one population"),
        pytest.param(
            {"query": {"bad": "sum(increase(a[$window]))", "valid": "sum(increase(b[$window]))"}}, id="a query"
        ),
    ],
)
def test_no_population(indicator: dict[str, Any]) -> None:
    assert Rule.POPULATION not in of(indicator)


@pytest.mark.parametrize(
    ("indicator", "field"),
    [
        pytest.param(ratio(bad='x{job="a",c="5"}', valid="x"), "ratio.valid", id="valid"),
        pytest.param(ratio(bad='x{c="5"}', valid='x{job="a"}'), "ratio.bad", id="bad"),
        pytest.param(latency('x_seconds{job=~".*"}'), "latency.histogram", id="any job"),
        pytest.param(latency('x_seconds{job!="b"}'), "latency.histogram", id="all jobs but one"),
        pytest.param(quantile(1, 'x_seconds{job=~".+"}'), "threshold.quantile.histogram", id="quantile"),
        pytest.param({"threshold": {"gauge": "x", "bound": 1}}, "threshold.gauge", id="gauge"),
        pytest.param(freshness("10m", timestamp="x"), "freshness.timestamp", id="timestamp"),
        pytest.param(freshness("10m", age="x"), "freshness.age", id="age"),
        pytest.param(freshness("10m", histogram="x_seconds"), "freshness.histogram", id="task durations"),
        pytest.param(
            {
                "latency": {
                    "histogram": "x_seconds",
                    "type": "Native",
                    "threshold": "1s",
                }
            },
            "latency.histogram",
            id="native",
        ),
        pytest.param(
            {"query": {"bad": 'sum(increase(a{job="a"}[$window]))', "valid": "sum(increase(b[$window] offset 1m))"}},
            "query.valid",
            id="query",
        ),
    ],
)
def test_no_job(indicator: dict[str, Any], field: str) -> None:
    assert of(indicator)[Rule.NO_JOB].field == f"spec.indicator.{field}"


@pytest.mark.parametrize(
    "indicator",
    [
        pytest.param(ratio(**COUNTERS), id="equal"),
        pytest.param(latency('x_seconds{job=~"a|b"}'), id="some"),
        pytest.param(ratio(bad="job:x:rate", valid="job:y:rate"), id="recorded"),
        pytest.param(
            {
                "query": {
                    "bad": 'sum(increase(a{job="a"}[$window]))',
                    "valid": 'sum(rate(b{job=~"a.*"}[$window])) or vector(0)',
                }
            },
            id="query",
        ),
    ],
)
def test_with_a_job(indicator: dict[str, Any]) -> None:
    assert Rule.NO_JOB not in of(indicator)


@pytest.mark.parametrize(
    ("target", "window", "fires"),
    [
        pytest.param(90, {"rolling": "30d"}, False, id="ninety percent"),
        pytest.param(93.05, {"rolling": "28d"}, True, id="28 days ask for less"),
        pytest.param(99, {"calendar": "Month"}, True, id="a month"),
        pytest.param(98, {"rolling": "1y"}, False, id="a year"),
    ],
)
def test_burn_never_fires(target: float, window: dict[str, str], fires: bool) -> None:
    said = of(ratio(**COUNTERS), objective={"target": target}, window=window)

    assert (Rule.BURN_NEVER_FIRES not in said) is fires


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        pytest.param("Burn", "1h/5m at burn rate 14.4 asks for 288 % errors", id="burn"),
        pytest.param("Pace", "2h/30m at burn rate 10 asks for 200 % errors", id="pace"),
        pytest.param("None", "", id="none"),
    ],
)
def test_burn_never_fires_is_about_the_alerts_that_there_are(profile: str, said: str) -> None:
    found = of(ratio(**COUNTERS), objective={"target": 80}, alerting={"profile": profile}).get(Rule.BURN_NEVER_FIRES)

    assert (None if found is None else said in found.message) is (True if said else None)


def test_a_dead_burn_threshold_names_the_alert_and_the_remedy() -> None:
    message = of(ratio(**COUNTERS), objective={"target": 90})[Rule.BURN_NEVER_FIRES].message

    assert message.startswith("spec.objective.target: at 90 %")
    assert "1h/5m at burn rate 14.4 asks for 144 % errors" in message
    assert "promise 93.06 % or more" in message


@pytest.mark.parametrize(
    ("indicator", "slip"),
    [
        pytest.param(latency(threshold="800ms"), False, id="milliseconds"),
        pytest.param(latency(threshold="60s"), False, id="a minute"),
        pytest.param(latency(threshold="90s"), True, id="above a minute"),
        pytest.param(latency(threshold="2h"), True, id="hours"),
        pytest.param(latency(threshold="5m", category="Coverage"), False, id="minutes of another category"),
        pytest.param(latency(threshold="1h", category="Coverage"), True, id="an hour of another category"),
        pytest.param(latency(threshold="2h", category="Freshness"), False, id="hours of freshness"),
        pytest.param(freshness("10m", age='x_seconds{job="a"}'), False, id="age of minutes"),
        pytest.param(freshness("600ms", age='x_seconds{job="a"}'), True, id="age of milliseconds"),
    ],
)
def test_threshold_unit(indicator: dict[str, Any], slip: bool) -> None:
    assert (Rule.THRESHOLD_UNIT in of(indicator)) is slip


@pytest.mark.parametrize(
    ("indicator", "slip"),
    [
        pytest.param(quantile(0.8), False, id="seconds"),
        pytest.param(quantile(800), True, id="milliseconds"),
        pytest.param(quantile(800, good="Above"), False, id="above is no latency"),
        pytest.param(quantile(800, 'x_bytes{job="a"}'), False, id="bytes"),
        pytest.param(gauge(0.8, "cpu_ratio"), False, id="a share"),
        pytest.param(gauge(80, "cpu_ratio"), True, id="percent of a share"),
        pytest.param(gauge(80, "cpu_percent"), False, id="percent"),
        pytest.param(gauge(0.8, "cpu_percent"), True, id="a share of percent"),
        pytest.param(gauge(80, "queue_length"), False, id="a number"),
    ],
)
def test_bound_unit(indicator: dict[str, Any], slip: bool) -> None:
    assert (Rule.BOUND_UNIT in of(indicator)) is slip


def test_a_bound_in_another_unit_says_what_to_write() -> None:
    assert "write 0.8 for 800 ms" in of(quantile(800))[Rule.BOUND_UNIT].message
    assert "write 0.8" in of(gauge(80, "cpu_ratio"))[Rule.BOUND_UNIT].message
    assert "write 80" in of(gauge(0.8, "cpu_percent"))[Rule.BOUND_UNIT].message


@pytest.mark.parametrize(
    ("indicator", "slip"),
    [
        pytest.param(latency('x_milliseconds{job="a"}'), True, id="classic"),
        pytest.param(latency('x_request_ms{job="a"}'), True, id="short"),
        pytest.param(latency('x_seconds{job="a"}'), False, id="seconds"),
        pytest.param(latency('x_items{job="a"}'), False, id="ends alike"),
        pytest.param(freshness("1m", timestamp='x_timestamp_ms{job="a"}'), True, id="timestamp"),
        pytest.param(freshness("1m", age='x_age_milliseconds{job="a"}'), True, id="age"),
        pytest.param(gauge(5, "x_milliseconds"), False, id="a bound in the gauge's own unit"),
    ],
)
def test_metric_unit(indicator: dict[str, Any], slip: bool) -> None:
    assert (Rule.METRIC_UNIT in of(indicator)) is slip


@pytest.mark.parametrize(
    ("changes", "small"),
    [
        pytest.param({"objective": {"target": 99.999}, "window": {"rolling": "1d"}}, True, id="0.864 s"),
        pytest.param({"objective": {"target": 99.99}, "window": {"rolling": "1d"}}, False, id="8.64 s"),
        pytest.param({"objective": {"target": 99.999}, "window": {"rolling": "30d"}}, False, id="a month"),
        pytest.param(
            {
                "objective": {"target": 99.9},
                "window": {"rolling": "3d"},
                "budgeting": {"method": "Timeslices", "sliceTarget": 95},
            },
            True,
            id="less than one slice",
        ),
        pytest.param(
            {
                "objective": {"target": 99.9},
                "window": {"rolling": "4d"},
                "budgeting": {"method": "Timeslices", "sliceTarget": 95},
            },
            False,
            id="one slice",
        ),
    ],
)
def test_budget_too_small(changes: dict[str, Any], small: bool) -> None:
    assert (Rule.BUDGET_TOO_SMALL in of(ratio(**COUNTERS), **changes)) is small


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        pytest.param({"owner": None}, {Rule.TIER_1_OWNER}, id="no owner"),
        pytest.param({"rationale": None}, {Rule.TIER_1_RATIONALE}, id="no rationale"),
        pytest.param({"owner": None, "rationale": "", "tier": 2}, {Rule.PROTECTS_OWNER}, id="tier 2 protects"),
        pytest.param({"owner": None, "tier": 2, "protects": False}, set(), id="tier 2"),
        pytest.param({"category": Category.DURABILITY}, {Rule.SLOW_TO_MOVE}, id="durability"),
        pytest.param({"reviewed": False}, {Rule.NEVER_REVIEWED}, id="never reviewed"),
    ],
)
def test_people(changes: dict[str, Any], rules: set[Rule]) -> None:
    assert {each.rule for each in lint(replace(GOOD, **changes))} == rules


def test_crowded_journey() -> None:
    assert crowded("matching", 3) is None
    said = crowded("matching", 4)
    assert said is not None
    assert said.rule is Rule.CROWDED_JOURNEY
    assert 'spec.journey: journey "matching" has 4 indicators' in said.message


@pytest.mark.parametrize(
    ("valid", "standing", "few"),
    [
        pytest.param(999, False, True, id="too few"),
        pytest.param(1_000, False, False, id="just enough"),
        pytest.param(1_249, True, True, id="not clearly enough to take it back"),
        pytest.param(1_250, True, False, id="clearly enough"),
        pytest.param(0, False, True, id="none"),
    ],
)
def test_few_events(valid: float, standing: bool, few: bool) -> None:
    said = few_events(GOOD.objective, valid, standing=standing)

    assert (said is not None) is few
    if said is not None:
        assert "allows one bad event in 1,000" in said.message
        assert str(int(valid)) not in said.message or not valid


@pytest.mark.parametrize(
    ("series", "standing", "many"),
    [
        pytest.param(MANY_SERIES, False, False, id="many but not too many"),
        pytest.param(MANY_SERIES + 1, False, True, id="too many"),
        pytest.param(MANY_SERIES, True, True, id="not clearly fewer"),
        pytest.param(800, True, False, id="clearly fewer"),
    ],
)
def test_high_cardinality(series: int, standing: bool, many: bool) -> None:
    assert (many_series("spec.indicator.ratio.valid", series, standing=standing) is not None) is many


@pytest.mark.parametrize(
    ("asked", "live", "neighbours"),
    [
        pytest.param("0.8", ["0.5", "0.75", "1", "2.5", "+Inf"], "750ms and 1s", id="between"),
        pytest.param("0.8", ["1.0", "+Inf"], "are 1s:", id="below the first"),
        pytest.param("30", ["1.0", "10", "+Inf"], "are 10s:", id="above the last"),
        pytest.param("0.002", ["0.0015", "0.0025"], "le=0.0015 and le=0.0025", id="what no threshold can name"),
        pytest.param("1", ["0.5", "1.0"], None, id="spelled differently"),
        pytest.param("0.8", ["0.8"], None, id="there"),
        pytest.param("0.8", ["+Inf"], None, id="no bounds"),
        pytest.param("0.8", [], None, id="no histogram"),
        pytest.param("0.8", ["NaN", "x", "1e999999999", "-Inf"], None, id="no numbers"),
    ],
)
def test_no_boundary(asked: str, live: list[str], neighbours: str | None) -> None:
    said = no_boundary("spec.indicator.latency.threshold", asked, live)

    assert (said is None) is (neighbours is None)
    if said is not None and neighbours is not None:
        assert neighbours in said.message


def test_every_rule_is_described() -> None:
    assert set(ABOUT) == set(Rule)
    assert {each.severity for each in ABOUT.values()} == set(Severity)


def test_every_message_begins_with_its_field_and_is_one_short_line() -> None:
    long = "x" * 4000
    spec = {
        "indicator": ratio(bad=f'{long}{{a="{long[:90]}"}}', valid=f'{long}{{b="{long[:90]}"}}'),
        "objective": {"target": 10},
        "window": {"rolling": "1d"},
        "tier": 1,
        "journey": "x" * 253,
    }
    accepted = accept(spec)
    assert isinstance(accepted, Accepted)
    said = [*accepted.findings, crowded(long, 9)]

    for each in said:
        assert each is not None
        assert each.message.startswith(f"{each.field}: ")
        assert len(each.message) < 600
        assert "\n" not in each.message


def test_clipping() -> None:
    assert clipped("x" * 80) == "x" * 80
    assert clipped("x" * 81) == "x" * 80 + "…"
