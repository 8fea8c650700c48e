"""What the manifest of an objective alone tells: slips that the API server cannot see and that mislead the figure."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

import promql_parser

from frostline.core.burn import Threshold, nominal_s
from frostline.core.category import Category
from frostline.core.durations import promql_duration
from frostline.core.finding import Finding, Rule, clipped, finding
from frostline.core.indicator import (
    WINDOW_PLACEHOLDER,
    Age,
    Counters,
    Expressions,
    Gauge,
    NativeHistogram,
    Quantile,
    Side,
    TimeShare,
)
from frostline.core.objective import PERCENT, Objective
from frostline.core.population import stray
from frostline.core.rules import Alerting
from frostline.core.selector import Matcher, Selector
from frostline.core.shared_rules import profile_thresholds

MOST_IN_JOURNEY: Final = 3
"""More indicators than this, and nobody keeps one user journey in view."""

_JOB: Final = "job"
_ANYTHING: Final = frozenset(("", ".*", ".+"))
_RECORDED: Final = ":"
_STAND_IN: Final = "1h"
_POSITIVE: Final = (promql_parser.MatchOp.Equal, promql_parser.MatchOp.Re)
_HUNDREDTH: Final = Decimal("0.01")

_LONG_LATENCY_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_SHORT_FRESHNESS_MS: Final = 1_000
_MANY_SECONDS: Final = 50
_CRITICAL_TIER: Final = 1

_SECONDS: Final = "_seconds"
_OTHER_TIMES: Final = {
    "milliseconds": ("_milliseconds", "_millis", "_msec", "_ms"),
    "microseconds": ("_microseconds", "_micros", "_usec", "_us"),
    "nanoseconds": ("_nanoseconds", "_nanos", "_nsec", "_ns"),
}


@dataclass(frozen=True, slots=True)
class Fields:
    """Where in the manifest the parts of an indicator stand, as paths; empty where there is no such field."""

    numerator: str
    valid: str
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Promise:
    """What rules look at.

    Attributes:
        objective: what is measured.
        fields: where its parts stand in the manifest.
        threshold_ms: the time that an event may take, or data may be old; None where the indicator has none.
        category: what users feel, also where the manifest leaves it to the kind of indicator; None if unknown.
        protects: whether releases shall wait for it.
        reviewed: whether a review is on record.
    """

    objective: Objective
    fields: Fields
    threshold_ms: int | None = None
    category: Category | None = None
    owner: str | None = None
    rationale: str | None = None
    tier: int = 3
    protects: bool = False
    reviewed: bool = False
    alerting: Alerting = Alerting.BURN


def lint(promise: Promise) -> tuple[Finding, ...]:
    """Return everything that is to be said about one promise, in the order of the rules."""
    return (
        *_population(promise),
        *_jobs(promise),
        *_burn(promise),
        *_threshold(promise),
        *_bound(promise),
        *_metric(promise),
        *_budget(promise),
        *_people(promise),
    )


def crowded(journey: str, indicators: int) -> Finding | None:
    """Return what is to be said about a journey that `indicators` objectives of one namespace belong to."""
    if indicators <= MOST_IN_JOURNEY:
        return None
    return finding(
        Rule.CROWDED_JOURNEY,
        "spec.journey",
        f'journey "{clipped(journey)}" has {indicators} indicators, more than {MOST_IN_JOURNEY} are not kept in view;'
        " keep those that users feel most, or split the journey",
    )


def _population(promise: Promise) -> Iterator[Finding]:
    indicator, fields = promise.objective.indicator, promise.fields
    # One selector stands for both in a histogram.
    if isinstance(indicator, Counters) and fields.numerator != fields.valid:
        sentence = stray(indicator)
        if sentence is not None:
            yield finding(Rule.POPULATION, fields.numerator, sentence)


def _jobs(promise: Promise) -> Iterator[Finding]:
    indicator, fields = promise.objective.indicator, promise.fields
    match indicator:
        case Counters(numerator=numerator, valid=valid):
            pairs = [(fields.numerator, numerator), (fields.valid, valid)]
        case Expressions(bad=bad, valid=valid_expression):
            pairs = [(fields.numerator, each) for each in _selectors(bad)]
            pairs += [(fields.valid, each) for each in _selectors(valid_expression)]
        case NativeHistogram(histogram=selector):
            pairs = [(fields.valid, selector)]
        case TimeShare(value=Gauge(selector=selector) | Age(timestamp=selector) | Quantile(histogram=selector)):
            pairs = [(fields.valid, selector)]
    told = set()
    for field, selector in pairs:
        if field not in told and not _has_job(selector):
            told.add(field)
            sentence = (
                f"{clipped(selector.metric)} is selected without a job: the same metric of other services counts, too;"
                ' add job="…", as Prometheus labels the target'
            )
            yield finding(Rule.NO_JOB, field, sentence)


def _has_job(selector: Selector) -> bool:
    # What a recording rule made carries the labels that the rule left on it.
    return _RECORDED in selector.metric or any(_names_job(matcher) for matcher in selector.matchers)


def _names_job(matcher: Matcher) -> bool:
    return matcher.label == _JOB and matcher.operator in ("=", "=~") and matcher.value not in _ANYTHING


def _selectors(expression: str) -> list[Selector]:
    """Return the selectors of an expression that is known to parse, with what they want of their labels."""
    found: list[Selector] = []

    def visit(node: promql_parser.Expr) -> None:
        selector = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if isinstance(selector, promql_parser.VectorSelector):
            wanted = (each for each in selector.matchers.matchers if each.op in _POSITIVE)
            found.append(Selector(selector.name or "", tuple(Matcher(each.name, "=~", each.value) for each in wanted)))

    promql_parser.walk(promql_parser.parse(expression.replace(WINDOW_PLACEHOLDER, _STAND_IN)), visit)
    return found


def _burn(promise: Promise) -> Iterator[Finding]:
    objective = promise.objective
    dead = [
        each for each in profile_thresholds(objective.window, promise.alerting) if not each.can_fire(objective.allowed)
    ]
    if dead:
        percent = PERCENT * (1 - 1 / max(each.factor for each in dead))
        enough = percent.quantize(_HUNDREDTH, rounding=ROUND_FLOOR) + _HUNDREDTH
        asks = ", ".join(_asked(each, objective.allowed) for each in dead)
        sentence = (
            f"at {_plain(objective.target)} % a burn alert can never fire: {asks};"
            f" promise {_plain(enough)} % or more, shorten the window, or go by the slower alerts"
        )
        yield finding(Rule.BURN_NEVER_FIRES, "spec.objective.target", sentence)


def _asked(threshold: Threshold, allowed: Decimal) -> str:
    windows = f"{promql_duration(threshold.pair.long_s)}/{promql_duration(threshold.pair.short_s)}"
    errors = threshold.factor * allowed * PERCENT
    return f"{windows} at burn rate {_rounded(threshold.factor)} asks for {_rounded(errors)} % errors"


def _threshold(promise: Promise) -> Iterator[Finding]:
    milliseconds, category = promise.threshold_ms, promise.category
    if milliseconds is None:
        return
    if category is Category.FRESHNESS:
        if milliseconds < _SHORT_FRESHNESS_MS:
            sentence = f"{milliseconds} ms is below any scrape interval; data is fresh for seconds (s) or minutes (m)"
            yield finding(Rule.THRESHOLD_UNIT, promise.fields.bound, sentence)
        return
    limit = _LONG_LATENCY_MS if category is Category.LATENCY else _HOUR_MS - 1
    if milliseconds > limit:
        long = promql_duration(milliseconds // 1_000)
        sentence = (
            f"{long} is long for a request; latencies are written as 800ms or 2s (m is minutes),"
            " and for work that takes this long use category Freshness"
        )
        yield finding(Rule.THRESHOLD_UNIT, promise.fields.bound, sentence)


def _bound(promise: Promise) -> Iterator[Finding]:
    match promise.objective.indicator:
        case TimeShare(value=Quantile(histogram=histogram), bound=bound, good=Side.BELOW):
            if histogram.metric.endswith(_SECONDS) and bound >= _MANY_SECONDS:
                sentence = (
                    f"{_plain(bound)} looks like milliseconds, {clipped(histogram.metric)} is in seconds;"
                    f" write {_plain(bound / 1000)} for {_plain(bound)} ms"
                )
                yield finding(Rule.BOUND_UNIT, promise.fields.bound, sentence)
        case TimeShare(value=Gauge(selector=gauge), bound=bound):
            if gauge.metric.endswith("_ratio") and bound > 1:
                sentence = f"{_plain(bound)} looks like percent, {clipped(gauge.metric)} goes from 0 to 1 by its name"
                yield finding(Rule.BOUND_UNIT, promise.fields.bound, f"{sentence}; write {_plain(bound / PERCENT)}")
            elif gauge.metric.endswith("_percent") and 0 < bound < 1:
                sentence = f"{_plain(bound)} looks like a share, {clipped(gauge.metric)} is in percent by its name"
                yield finding(Rule.BOUND_UNIT, promise.fields.bound, f"{sentence}; write {_plain(bound * PERCENT)}")


def _metric(promise: Promise) -> Iterator[Finding]:
    match promise.objective.indicator:
        case Counters(valid=selector) if promise.threshold_ms is not None:
            metric = selector.metric.removesuffix("_count")
        case NativeHistogram(histogram=selector) | TimeShare(value=Age(timestamp=selector)):
            metric = selector.metric
        case TimeShare(value=Gauge(selector=selector)) if promise.threshold_ms is not None:
            metric = selector.metric
        case _:
            return
    for unit, suffixes in _OTHER_TIMES.items():
        if metric.endswith(suffixes):
            sentence = (
                f"{clipped(metric)} is in {unit} by its name, and {promise.fields.bound} is compared with seconds;"
                " record it in seconds, or count with spec.indicator.query"
            )
            yield finding(Rule.METRIC_UNIT, promise.fields.valid, sentence)


def _budget(promise: Promise) -> Iterator[Finding]:
    objective = promise.objective
    whole = nominal_s(objective.window) * objective.allowed
    least = Decimal(objective.slice_s or 1)
    if whole < least:
        what = f"one slice of {promql_duration(objective.slice_s)}" if objective.slice_s else "one second"
        sentence = (
            f"{_plain(objective.target)} % leaves {_rounded(whole)} s of budget in the whole window, less than {what}:"
            " the first bad moment spends all of it; lengthen the window or promise less"
        )
        yield finding(Rule.BUDGET_TOO_SMALL, "spec.objective.target", sentence)


def _people(promise: Promise) -> Iterator[Finding]:
    if promise.tier == _CRITICAL_TIER and not promise.owner:
        sentence = "is missing on a tier-1 promise; name the team or rota that answers for it"
        yield finding(Rule.TIER_1_OWNER, "spec.owner", sentence)
    elif promise.protects and not promise.owner:
        sentence = "is missing while protects holds releases to this promise; name whom the held-back shall ask"
        yield finding(Rule.PROTECTS_OWNER, "spec.owner", sentence)
    if promise.tier == _CRITICAL_TIER and not promise.rationale:
        sentence = "is missing on a tier-1 promise; say why this indicator and this target"
        yield finding(Rule.TIER_1_RATIONALE, "spec.rationale", sentence)
    if promise.category is Category.DURABILITY:
        sentence = (
            "durability is a design goal and moves slowly: a loss shows late and the budget does not steer releases;"
            " promise availability of reads beside it"
        )
        yield finding(Rule.SLOW_TO_MOVE, "spec.indicator.category", sentence)
    if not promise.reviewed:
        sentence = "no review is on record; set it to the day on which people last agreed to the promise"
        yield finding(Rule.NEVER_REVIEWED, "spec.review.last", sentence)


def _plain(value: Decimal) -> str:
    """Return a decimal as people write it: 99.9, 100."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: Decimal) -> str:
    """Return a figure with the four digits that count."""
    return _plain(value if value == value.to_integral_value() else Decimal(f"{value:.4g}"))
