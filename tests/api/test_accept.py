from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.api.accept import Accepted, Invalid, accept
from frostline.core.indicator import (
    Age,
    Counted,
    Counters,
    Expressions,
    Gauge,
    Indicator,
    NativeHistogram,
    Quantile,
    Side,
    TimeShare,
)
from frostline.core.promql import Slices
from frostline.core.selector import Selector, parse_selector
from frostline.core.window import Calendar, Period, Rolling
from tests.support.golden import REPOSITORY

RATIO: dict[str, Any] = {"ratio": {"bad": 'x{code=~"5.."}', "valid": "x"}}
LATENCY: dict[str, Any] = {"latency": {"histogram": 'h{job="a"}', "threshold": "800ms"}}


def spec(**changes: Any) -> dict[str, Any]:
    return {
        "indicator": RATIO,
        "objective": {"target": 99.9},
        "window": {"rolling": "30d"},
        **changes,
    }


def ratio(**parts: Any) -> dict[str, Any]:
    return spec(indicator={"ratio": parts})


def latency(**parts: Any) -> dict[str, Any]:
    return spec(indicator={"latency": {**LATENCY["latency"], **parts}})


def test_accepts_the_smallest_manifest() -> None:
    accepted = accept(spec())

    assert isinstance(accepted, Accepted)
    assert accepted.terms.tier == 3
    assert accepted.objective.target == Decimal("99.9")
    assert accepted.objective.window == Rolling(timedelta(days=30))
    assert accepted.objective.slices is None
    assert accepted.objective.indicator == Counters(parse_selector('x{code=~"5.."}'), Counted.BAD, Selector("x"))


def test_accepts_good_events() -> None:
    accepted = accept(ratio(good="x_good", valid="x"))

    assert isinstance(accepted, Accepted)
    assert accepted.objective.indicator == Counters(Selector("x_good"), Counted.GOOD, Selector("x"))


def test_accepts_a_latency() -> None:
    accepted = accept(latency())

    assert isinstance(accepted, Accepted)
    assert isinstance(accepted.objective.indicator, Counters)
    assert str(accepted.objective.indicator.numerator) == 'h_bucket{job="a",le="0.8"}'


def test_accepts_everything_that_can_be_said() -> None:
    accepted = accept(
        spec(
            indicator={"category": "Availability", **RATIO},
            objective={"target": 99.9, "stretch": 99.95},
            owner="team-matching",
            journey="core-matching",
            tier=1,
            rationale="people leave when matches do not load",
            review={"every": "90d", "last": "2026-10-01"},
            protects=[{"kind": "Deployment", "name": "gateway"}],
            policyRef="strict",
        )
    )

    assert isinstance(accepted, Accepted)
    assert accepted.terms.policy_ref == "strict"
    assert [each.name for each in accepted.terms.protects] == ["gateway"]


@pytest.mark.parametrize(
    ("rolling", "window"),
    [
        pytest.param("1d", timedelta(days=1), id="shortest"),
        pytest.param("24h", timedelta(days=1), id="shortest in hours"),
        pytest.param("4w", timedelta(days=28), id="weeks"),
        pytest.param("1y", timedelta(days=365), id="a year"),
        pytest.param("366d", timedelta(days=366), id="longest"),
    ],
)
def test_accepts_windows(rolling: str, window: timedelta) -> None:
    accepted = accept(spec(window={"rolling": rolling}))

    assert isinstance(accepted, Accepted)
    assert accepted.objective.window == Rolling(window)


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        pytest.param(None, "spec:", id="no spec"),
        pytest.param([], "spec:", id="a list"),
        pytest.param("x", "spec:", id="a text"),
        pytest.param({}, "spec.indicator:", id="nothing"),
        pytest.param(spec(bogus=1), "spec.bogus:", id="unknown field"),
        pytest.param(spec(indicator={**RATIO, "bogus": 1}), "spec.indicator.bogus:", id="unknown field inside"),
        pytest.param(spec(tier=0), "spec.tier:", id="tier below 1"),
        pytest.param(spec(tier=4), "spec.tier:", id="tier above 3"),
        pytest.param(spec(owner=""), "spec.owner:", id="empty owner"),
        pytest.param(spec(indicator={}), "spec.indicator:", id="no indicator"),
        pytest.param(spec(indicator={**RATIO, **LATENCY}), "spec.indicator:", id="two indicators"),
        pytest.param(spec(indicator={**RATIO, "category": "Beauty"}), "spec.indicator.category:", id="category"),
        pytest.param(ratio(bad="x"), "spec.indicator.ratio.valid:", id="no valid"),
        pytest.param(ratio(valid="x"), "spec.indicator.ratio:", id="neither good nor bad"),
        pytest.param(ratio(good="x", bad="y", valid="z"), "spec.indicator.ratio:", id="good and bad"),
        pytest.param(ratio(bad="x{", valid="z"), "spec.indicator.ratio.bad:", id="syntax error in bad"),
        pytest.param(ratio(good="sum(x)", valid="z"), "spec.indicator.ratio.good:", id="function in good"),
        pytest.param(ratio(bad="x", valid="z[5m]"), "spec.indicator.ratio.valid:", id="range in valid"),
        pytest.param(ratio(bad="", valid="z"), "spec.indicator.ratio.bad:", id="empty selector"),
        pytest.param(ratio(bad="x" * 4097, valid="z"), "spec.indicator.ratio.bad:", id="endless selector"),
        pytest.param(latency(histogram="h{"), "spec.indicator.latency.histogram:", id="syntax error in histogram"),
        pytest.param(latency(histogram='h{le="1"}'), "spec.indicator.latency.histogram:", id="le in histogram"),
        pytest.param(latency(threshold="fast"), "spec.indicator.latency.threshold:", id="threshold no duration"),
        pytest.param(latency(threshold="0ms"), "spec.indicator.latency.threshold:", id="threshold zero"),
        pytest.param(spec(objective={}), "spec.objective.target:", id="no target"),
        pytest.param(spec(objective={"target": "abc"}), "spec.objective.target:", id="target no number"),
        pytest.param(spec(objective={"target": True}), "spec.objective.target:", id="target a truth value"),
        pytest.param(spec(objective={"target": 100}), "spec.objective.target:", id="target 100"),
        pytest.param(spec(objective={"target": 101}), "spec.objective.target:", id="target 101"),
        pytest.param(spec(objective={"target": 0}), "spec.objective.target:", id="target 0"),
        pytest.param(spec(objective={"target": -1}), "spec.objective.target:", id="target negative"),
        pytest.param(spec(objective={"target": float("nan")}), "spec.objective.target:", id="target NaN"),
        pytest.param(spec(window={}), "spec.window:", id="no window"),
        pytest.param(spec(window={"rolling": "30"}), "spec.window.rolling:", id="window no duration"),
        pytest.param(spec(window={"rolling": "23h"}), "spec.window.rolling:", id="window too short"),
        pytest.param(spec(window={"rolling": "367d"}), "spec.window.rolling:", id="window too long"),
        pytest.param(spec(review={"every": "often"}), "spec.review.every:", id="review no duration"),
        pytest.param(
            spec(window={"calendar": "Month"}, review={"every": "often"}),
            "spec.review.every:",
            id="review no duration, in a calendar window",
        ),
        pytest.param(
            spec(alerting={"profile": "burn"}), "spec.alerting.profile:", id="profile of alerts in lower case"
        ),
        pytest.param(spec(alerting={"profile": False}), "spec.alerting.profile:", id="profile that YAML read as false"),
        pytest.param(spec(alerting={"minimumBad": 0}), "spec.alerting.minimumBad:", id="no minimum of bad events"),
        pytest.param(spec(review={"last": "soon"}), "spec.review.last:", id="review no date"),
        pytest.param(spec(protects=[{"kind": "Pod", "name": "a"}]), "spec.protects.0.kind:", id="protects a pod"),
    ],
)
def test_a_refusal_names_the_field(manifest: Any, field: str) -> None:
    refused = accept(manifest)

    assert isinstance(refused, Invalid)
    assert any(problem.startswith(field) for problem in refused.problems), refused.problems
    assert all(problem.startswith("spec") for problem in refused.problems)


def test_every_wrong_field_is_named_at_once() -> None:
    refused = accept(spec(tier=9, bogus=1, objective={"target": "abc"}))

    assert isinstance(refused, Invalid)
    assert len(refused.problems) == 3


GAUGE = Gauge(Selector("g"))
QUERY = {"bad": "sum(increase(x[$window]))", "valid": "sum(increase(y[$window]))"}


@pytest.mark.parametrize(
    ("given_indicator", "expected"),
    [
        pytest.param(
            {"latency": {"histogram": "h", "threshold": "800ms", "type": "Native"}},
            NativeHistogram(Selector("h"), 800),
            id="native histogram",
        ),
        pytest.param(
            {"threshold": {"gauge": "g", "bound": 1}}, TimeShare(GAUGE, Decimal(1), Side.BELOW), id="gauge below"
        ),
        pytest.param(
            {"threshold": {"gauge": "g", "bound": 0.5, "good": "Above"}},
            TimeShare(GAUGE, Decimal("0.5"), Side.ABOVE),
            id="gauge above",
        ),
        pytest.param(
            {"threshold": {"quantile": {"histogram": "h", "quantile": 0.95}, "bound": 2}},
            TimeShare(Quantile(Selector("h"), Decimal("0.95"), 1_800), Decimal(2), Side.BELOW),
            id="p95 of half an hour",
        ),
        pytest.param(
            {"freshness": {"age": "g", "within": "10m"}}, TimeShare(GAUGE, Decimal(600), Side.BELOW), id="age"
        ),
        pytest.param(
            {"freshness": {"timestamp": "t", "within": "1h"}},
            TimeShare(Age(Selector("t")), Decimal(3_600), Side.BELOW),
            id="moment of the last change",
        ),
        pytest.param(
            {"freshness": {"histogram": "h", "within": "90s"}},
            Counters(parse_selector('h_bucket{le=~"90|90\\\\.0"}'), Counted.GOOD, Selector("h_count"), one_bucket=True),
            id="durations of tasks",
        ),
        pytest.param({"query": QUERY}, Expressions(QUERY["bad"], QUERY["valid"]), id="expressions"),
    ],
)
def test_accepts_every_kind_of_indicator(given_indicator: Any, expected: Indicator) -> None:
    accepted = accept(spec(indicator=given_indicator))

    assert isinstance(accepted, Accepted)
    assert accepted.objective.indicator == expected


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        pytest.param({"calendar": "Month"}, Calendar(Period.MONTH, ZoneInfo("UTC")), id="month of UTC"),
        pytest.param(
            {"calendar": "Quarter", "timeZone": "Europe/Berlin"},
            Calendar(Period.QUARTER, ZoneInfo("Europe/Berlin")),
            id="quarter of Berlin",
        ),
    ],
)
def test_accepts_calendar_windows(window: Any, expected: Calendar) -> None:
    accepted = accept(spec(window=window))

    assert isinstance(accepted, Accepted)
    assert accepted.objective.window == expected


@pytest.mark.parametrize(
    ("budgeting", "slices"),
    [
        pytest.param({"method": "Occurrences"}, None, id="events"),
        pytest.param({"method": "Timeslices", "sliceTarget": 95}, Slices(300, Decimal("0.95")), id="five minutes"),
        pytest.param(
            {"method": "Timeslices", "sliceTarget": 99.5, "sliceLength": "1m"},
            Slices(60, Decimal("0.995")),
            id="a minute",
        ),
    ],
)
def test_accepts_budgeting(budgeting: Any, slices: Slices | None) -> None:
    accepted = accept(spec(budgeting=budgeting))

    assert isinstance(accepted, Accepted)
    assert accepted.objective.slices == slices


def threshold(**parts: Any) -> dict[str, Any]:
    return spec(indicator={"threshold": {"bound": 1, **parts}})


def freshness(**parts: Any) -> dict[str, Any]:
    return spec(indicator={"freshness": {"within": "10m", **parts}})


def query(**parts: Any) -> dict[str, Any]:
    return spec(indicator={"query": {**QUERY, **parts}})


def p95(**parts: Any) -> dict[str, Any]:
    return threshold(quantile={"histogram": "h", "quantile": 0.95, **parts})


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        pytest.param(threshold(), "spec.indicator.threshold:", id="neither gauge nor quantile"),
        pytest.param(threshold(gauge="x{"), "spec.indicator.threshold.gauge:", id="syntax error in gauge"),
        pytest.param(threshold(gauge="x", good="Left"), "spec.indicator.threshold.good:", id="side"),
        pytest.param(p95(quantile=95), "spec.indicator.threshold.quantile.quantile:", id="quantile in percent"),
        pytest.param(p95(over="long"), "spec.indicator.threshold.quantile.over:", id="over no duration"),
        pytest.param(p95(histogram='h{le="1"}'), "spec.indicator.threshold.quantile.histogram:", id="le"),
        pytest.param(freshness(), "spec.indicator.freshness:", id="nothing to be fresh"),
        pytest.param(freshness(age="a", timestamp="t"), "spec.indicator.freshness:", id="age and timestamp"),
        pytest.param(freshness(age="a", within="soon"), "spec.indicator.freshness.within:", id="within no duration"),
        pytest.param(freshness(timestamp="t["), "spec.indicator.freshness.timestamp:", id="syntax error in timestamp"),
        pytest.param(query(bad="x"), "spec.indicator.query.bad:", id="bad without $window"),
        pytest.param(query(valid="sum(y[$window]"), "spec.indicator.query.valid:", id="valid is not PromQL"),
        pytest.param(query(bad="x[$window]) or (y"), "spec.indicator.query.bad:", id="brackets that break out"),
        pytest.param(latency(type="Fancy"), "spec.indicator.latency.type:", id="kind of histogram"),
        pytest.param(spec(window={"calendar": "Day"}), "spec.window.calendar:", id="no such period"),
        pytest.param(spec(window={"calendar": "Month", "rolling": "30d"}), "spec.window:", id="two windows"),
        pytest.param(spec(window={"calendar": "Month", "timeZone": "Mars"}), "spec.window.timeZone:", id="time zone"),
        pytest.param(spec(budgeting={"method": "Timeslices"}), "spec.budgeting.sliceTarget:", id="no slice target"),
    ],
)
def test_a_refusal_of_the_newer_kinds_names_the_field(manifest: Any, field: str) -> None:
    refused = accept(manifest)

    assert isinstance(refused, Invalid)
    assert [problem.startswith(field) for problem in refused.problems] == [True], refused.problems


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["indicator", "objective", "window", "owner", "tier", "review", "protects", "policyRef", "rationale"]


@given(st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=4))
def test_anything_in_a_manifest_is_judged_and_never_raised(changes: dict[str, Any]) -> None:
    accept(spec(**changes))


def test_the_examples_are_accepted() -> None:
    import yaml  # noqa: PLC0415

    folder = REPOSITORY / "examples"
    manifests = [
        document
        for path in sorted(folder.rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if isinstance(document, dict) and document.get("kind") == "ServiceLevelObjective"
    ]

    for manifest in manifests:
        assert isinstance(accept(manifest["spec"]), Accepted), manifest["metadata"]["name"]
