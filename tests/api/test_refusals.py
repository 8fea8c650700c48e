"""What the CRDs refuse by CEL, `accept` refuses, too: rule by rule."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from frostline.api.accept import Accepted, Invalid, accept, accept_policy
from frostline.api.base import JsonObject
from frostline.api.crd import DEFINITIONS, definition
from frostline.api.sourced import accept_source
from frostline.names import Kind

RATIO = {"ratio": {"bad": 'x{job="a",code="5"}', "valid": 'x{job="a"}'}}
SLICES = {"method": "Timeslices", "sliceTarget": 95}


def spec(**changes: Any) -> JsonObject:
    return {"indicator": RATIO, "objective": {"target": 99.9}, "window": {"rolling": "30d"}, **changes}


def indicator(**kinds: Any) -> JsonObject:
    return spec(indicator=kinds)


def quantile(**parts: Any) -> JsonObject:
    return indicator(threshold={"bound": 1, "quantile": {"histogram": "h", "quantile": 0.5, **parts}})


def protected(**parts: Any) -> JsonObject:
    return spec(protects=[{"kind": "Deployment", **parts}])


def budgeting(**parts: Any) -> JsonObject:
    return spec(budgeting=parts)


OBJECTIVES: dict[tuple[str, str], JsonObject] = {
    ("spec", "policyRef must name an ErrorBudgetPolicy"): spec(policyRef=""),
    ("spec", "sourceRef must name a PrometheusSource"): spec(sourceRef=""),
    ("spec.indicator", "give exactly one of ratio, latency, threshold, freshness and query"): indicator(),
    ("spec.indicator.ratio", "give exactly one of good and bad; the other follows from valid"): indicator(
        ratio={"valid": "x"}
    ),
    ("spec.indicator.latency.threshold", "must be a whole number of ms, s, m (minutes) or h, such as 800ms"): indicator(
        latency={"histogram": "h", "threshold": "1d"}
    ),
    ("spec.indicator.threshold", "give exactly one of gauge and quantile"): indicator(threshold={"bound": 1}),
    ("spec.indicator.threshold.quantile.quantile", "must lie between 0 and 1: write 0.95 for p95"): quantile(
        quantile=95
    ),
    (
        "spec.indicator.threshold.quantile.over",
        "must be a whole number of ms, s, m (minutes) or h, such as 800ms",
    ): quantile(over="1h30m"),
    ("spec.indicator.freshness", "give exactly one of histogram, age and timestamp"): indicator(
        freshness={"within": "1m", "age": "a", "timestamp": "b"}
    ),
    (
        "spec.indicator.freshness.within",
        "must be a whole number of ms, s, m (minutes) or h, such as 800ms",
    ): indicator(freshness={"within": "0s", "age": "a"}),
    (
        "spec.indicator.query.bad",
        "must count over [$window], such as sum(increase(errors_total[$window]))",
    ): indicator(query={"bad": "x", "valid": "sum(increase(x[$window]))"}),
    (
        "spec.indicator.query.valid",
        "must count over [$window], such as sum(increase(errors_total[$window]))",
    ): indicator(query={"bad": "sum(increase(x[$window]))", "valid": "x"}),
    ("spec.objective", "stretch must be above target"): spec(objective={"target": 99.9, "stretch": 99.9}),
    (
        "spec.objective.target",
        "must be below 100: a promise of 100 % leaves no error budget; 99.9 is a common start",
    ): spec(objective={"target": 100}),
    ("spec.objective.target", "must be above 0; write percent, such as 99.9"): spec(objective={"target": -1}),
    ("spec.objective.target", "must be in percent: write 99.9, not 0.999"): spec(objective={"target": 0.999}),
    (
        "spec.objective.stretch",
        "must be below 100: a promise of 100 % leaves no error budget; 99.9 is a common start",
    ): spec(objective={"target": 99, "stretch": 100}),
    ("spec.objective.stretch", "must be above 0; write percent, such as 99.9"): spec(
        objective={"target": 99, "stretch": 0}
    ),
    ("spec.objective.stretch", "must be in percent: write 99.9, not 0.999"): spec(
        objective={"target": 99, "stretch": 0.999}
    ),
    ("spec.window", "give exactly one of rolling and calendar"): spec(window={"rolling": "30d", "calendar": "Month"}),
    ("spec.window", "timeZone belongs to a calendar window"): spec(window={"rolling": "30d", "timeZone": "UTC"}),
    (
        "spec.window.rolling",
        "must be a whole number of h, d, w or y, such as 30d (m would be minutes, not months)",
    ): spec(window={"rolling": "3m"}),
    ("spec.window.rolling", "must be from 1d to 1y"): spec(window={"rolling": "3y"}),
    ("spec.budgeting", "Timeslices need sliceTarget, and only Timeslices have one"): budgeting(method="Timeslices"),
    ("spec.budgeting", "only Timeslices have a sliceLength"): budgeting(sliceLength="1m"),
    ("spec.budgeting.sliceTarget", "must be above 0 and at most 100, in percent"): budgeting(
        method="Timeslices", sliceTarget=101
    ),
    ("spec.review.every", "must be days or weeks, such as 90d"): spec(review={"every": "3m"}),
    ("spec.protects", "give exactly one of name and selector"): protected(),
}
POLICIES: dict[tuple[str, str], JsonObject] = {
    ("spec.levels", "depleting must be above endangered"): {"levels": {"depleting": 30}},
    ("spec.burn", "endangered must be above depleting"): {"burn": {"depleting": 5}},
    ("spec.hysteresis.hold", "must be a whole number of s, m, h or d, such as 15m"): {"hysteresis": {"hold": "1w"}},
    ("spec.hysteresis.hold", "must be at most 1d: more is not remembered"): {"hysteresis": {"hold": "25h"}},
    ("spec.overrides.longest", "must be a whole number of s, m, h or d, such as 15m"): {"overrides": {"longest": "1y"}},
    ("spec.overrides", "a worse level must not allow a class that a better one does not"): {
        "overrides": {"endangered": ["Security"], "exhausted": ["Security", "LowRisk"]}
    },
    ("spec.releases", "a worse level must not have a looser rule"): {"releases": {"depleting": "Freeze"}},
    ("spec.lift.hold", "must be at most 1d: more is not remembered"): {"lift": {"hold": "1441m"}},
    ("spec.lift.hold", "must be a whole number of s, m, h or d, such as 15m"): {"lift": {"hold": "soon"}},
}

URL = "https://prometheus:9090"
SOURCES: dict[tuple[str, str], JsonObject] = {
    ("spec", "tls needs a URL of https"): {"url": "http://p", "tls": {}},
    (
        "spec.url",
        "must be a URL of http or https without user, query and fragment, such as https://prometheus.monitoring:9090",
    ): {"url": "https://ann:hunter2@prometheus"},
    ("spec.auth", "give exactly one of bearer and basic"): {"url": URL, "auth": {}},
    ("spec.tls.ca", "give exactly one of secret and configMap"): {"url": URL, "tls": {"ca": {}}},
    ("spec.headers", "give exactly one of value and secret"): {"url": URL, "headers": [{"name": "X-Scope-OrgID"}]},
    ("spec.headers.name", "must be letters, digits and hyphens, such as X-Scope-OrgID"): {
        "url": URL,
        "headers": [{"name": "X: y", "value": "a"}],
    },
    ("spec.headers.name", "is a header of the connection itself, or has a field of its own (auth)"): {
        "url": URL,
        "headers": [{"name": "AUTHORIZATION", "value": "a"}],
    },
    ("spec.headers.value", "must be one line of printable ASCII"): {
        "url": URL,
        "headers": [{"name": "X-Scope-OrgID", "value": "a\r\nHost: b"}],
    },
    ("spec.timeouts.connect", "must be whole seconds from 1s to 120s, such as 20s"): {
        "url": URL,
        "timeouts": {"connect": "0s"},
    },
    ("spec.timeouts.answer", "must be whole seconds from 1s to 120s, such as 20s"): {
        "url": URL,
        "timeouts": {"answer": "121s"},
    },
    ("spec.queryOffset", "must be whole seconds up to 999s, such as 30s"): {"url": URL, "queryOffset": "1m"},
}


def rules(kind: Kind) -> set[tuple[str, str]]:
    """Return every CEL rule of a kind's spec as (path, message)."""
    crd = definition(next(each for each in DEFINITIONS if each.kind is kind))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return {(path, rule["message"]) for path, rule in _rules("spec", schema)}


def _rules(path: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield path, rule
    for name, inner in schema.get("properties", {}).items():
        yield from _rules(f"{path}.{name}", inner)
    if "items" in schema:
        yield from _rules(path, schema["items"])


def test_every_rule_of_the_crds_has_a_manifest_here() -> None:
    assert rules(Kind.SERVICE_LEVEL_OBJECTIVE) == set(OBJECTIVES)
    assert rules(Kind.ERROR_BUDGET_POLICY) == set(POLICIES)
    assert rules(Kind.PROMETHEUS_SOURCE) == set(SOURCES)


@pytest.mark.parametrize(
    ("path", "manifest"), [(path, manifest) for (path, _), manifest in OBJECTIVES.items()], ids=map(str, OBJECTIVES)
)
def test_accept_refuses_what_the_crd_refuses(path: str, manifest: JsonObject) -> None:
    refused = accept(manifest)

    assert isinstance(refused, Invalid)
    assert len(refused.problems) == 1, refused.problems
    assert refused.problems[0].startswith(path)
    assert len(refused.problems[0].partition(": ")[2]) > 10


@pytest.mark.parametrize(
    ("path", "manifest"), [(path, manifest) for (path, _), manifest in POLICIES.items()], ids=map(str, POLICIES)
)
def test_policies_that_the_crd_refuses(path: str, manifest: JsonObject) -> None:
    judged = accept_policy(manifest)

    assert isinstance(judged, Invalid)
    (problem,) = judged.problems
    assert problem.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        pytest.param(spec(objective={"target": "99.9"}), "spec.objective.target", id="text for a number"),
        pytest.param(spec(objective={"target": True}), "spec.objective.target", id="a truth value for a number"),
        pytest.param(spec(tier="1"), "spec.tier", id="text for the tier"),
        pytest.param(spec(review={"last": 20261001}), "spec.review.last", id="a number for a day"),
        pytest.param(spec(review={"last": "2026-10-01T00:00:00Z"}), "spec.review.last", id="a time for a day"),
        pytest.param(protected(selector={"matchLabels": {}}), "spec.protects.0.selector.matchLabels", id="no labels"),
        pytest.param(
            protected(selector={"matchLabels": {f"l{index}": "x" for index in range(21)}}),
            "spec.protects.0.selector.matchLabels",
            id="too many labels",
        ),
        pytest.param(spec(journey=""), "spec.journey", id="an empty text"),
    ],
)
def test_accept_refuses_what_the_schema_refuses(manifest: JsonObject, field: str) -> None:
    refused = accept(manifest)

    assert isinstance(refused, Invalid)
    assert [problem.partition(": ")[0] for problem in refused.problems] == [field]


def test_all_problems_at_once_and_one_a_field() -> None:
    refused = accept(spec(objective={"target": 100, "stretch": 0.5}, window={"rolling": "1m"}, review={"every": "1m"}))

    assert isinstance(refused, Invalid)
    assert [problem.partition(": ")[0] for problem in refused.problems] == [
        "spec.objective.target",
        "spec.objective.stretch",
        "spec.window.rolling",
        "spec.review.every",
    ]


@pytest.mark.parametrize(
    ("rolling", "remedy"), [("1m", "write 30d"), ("3m", "write 90d"), ("1M", "write 30d"), ("1mo", "write 30d")]
)
def test_a_month_written_as_minutes(rolling: str, remedy: str) -> None:
    refused = accept(spec(window={"rolling": rolling}))

    assert isinstance(refused, Invalid)
    assert remedy in refused.problems[0]
    assert "calendar: Month" in refused.problems[0]


@pytest.mark.parametrize(
    ("manifest", "meant"),
    [
        pytest.param(spec(ownr="me"), "did you mean owner?", id="a slip of the finger"),
        pytest.param(spec(target=99), "did you mean spec.objective.target?", id="one level too high"),
        pytest.param(spec(window={"rolling": "30d", "xyz": 1}), "there are rolling, calendar, timeZone", id="no guess"),
        pytest.param({"objective": {"target": 99}}, "spec.window: is required: over which time", id="missing"),
        pytest.param(spec(window=3), "spec.window: must be a mapping, not 3", id="another type"),
        pytest.param(spec(indicator={**RATIO, "category": "Beauty"}), "not 'Beauty'", id="another word"),
    ],
)
def test_refusals_say_what_to_do(manifest: JsonObject, meant: str) -> None:
    refused = accept(manifest)

    assert isinstance(refused, Invalid)
    assert any(meant in problem for problem in refused.problems), refused.problems


@pytest.mark.parametrize(
    "manifest",
    [
        spec(budgeting=SLICES),
        spec(budgeting={**SLICES, "sliceLength": "1m", "sliceTarget": 100}),
        spec(window={"calendar": "Week", "timeZone": "Europe/Berlin"}),
        spec(window={"rolling": "24h"}),
        spec(objective={"target": 1.5, "stretch": 2}),
        protected(selector={"matchLabels": {"app": "web"}}),
    ],
)
def test_what_the_crd_takes_is_accepted(manifest: JsonObject) -> None:
    assert isinstance(accept(manifest), Accepted)


@pytest.mark.parametrize(
    ("path", "manifest"), [(path, manifest) for (path, _), manifest in SOURCES.items()], ids=map(str, SOURCES)
)
def test_sources_that_the_crd_refuses(path: str, manifest: JsonObject) -> None:
    judged = accept_source(manifest)

    assert isinstance(judged, Invalid)
    (problem,) = judged.problems
    assert problem.replace(".0", "").startswith(f"{path}: ")
    assert "hunter2" not in problem
