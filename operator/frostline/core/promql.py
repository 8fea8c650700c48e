"""PromQL that counts, for each kind of indicator, the events of a stretch of time in two values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

import promql_parser

from frostline.core import increments
from frostline.core.durations import promql_duration
from frostline.core.indicator import (
    WINDOW_PLACEHOLDER,
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
    Value,
    counted,
)
from frostline.core.selector import Selector, parse_selector, quote

STEP_S: Final = 60
"""How often a value is looked at for a share of time."""

_PRESENCE_S: Final = 300

SLOT_LABEL: Final = "frostline_slot"
"""Label that tells the answers of one batch apart."""


@dataclass(frozen=True, slots=True)
class Slices:
    """Timeslices: every `length_s` seconds are good when at least `target` (0 to 1) of their events were."""

    length_s: int
    target: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """Two expressions of one value each: what the numerator counts, and the valid events."""

    numerator: str
    valid: str


def terms(indicator: Indicator, slices: Slices | None, width_s: int) -> Terms:
    """Return what counts the events, or the slices, of the `width_s` seconds up to the evaluation time."""
    if slices is None or isinstance(indicator, TimeShare):
        return _events(indicator, width_s)
    return _sliced(indicator, slices, width_s)


def plain_terms(indicator: Indicator, slices: Slices | None, width_s: int) -> Terms:
    """Return terms of the same events that cost less, and say so where they cannot tell (`increments.is_unclear`).

    Where there are none that cost less they are the same as `terms`.
    """
    if slices is not None or not isinstance(indicator, Counters):
        return terms(indicator, slices, width_s)
    return Terms(
        f"sum({increments.plain(indicator.numerator, width_s, one_bucket=indicator.one_bucket)})",
        f"sum({increments.plain(indicator.valid, width_s)})",
    )


def newest_sample(indicator: Indicator) -> str:
    """Return the time of the newest valid sample, epoch seconds; empty when there is none for 5 minutes."""
    match indicator:
        case Counters(valid=selector) | NativeHistogram(histogram=selector):
            return f"max(timestamp({selector}))"
        case TimeShare(value=Gauge(selector=selector) | Age(timestamp=selector)):
            return f"max(timestamp({selector}) and {_finite(str(selector))})"
        case TimeShare(value=value):
            return f"max(timestamp({_source(value)}))"
        case Expressions(valid=expression):
            return f"max(timestamp({_filled(expression, _PRESENCE_S)}))"


def series_count(indicator: Indicator) -> str:
    """Return how many series the valid events come from; for expressions how many values they give."""
    match indicator:
        case Counters(valid=selector) | NativeHistogram(histogram=selector):
            return f"count({selector})"
        case TimeShare(value=value):
            return f"count({_source(value)})"
        case Expressions(bad=bad, valid=valid):
            return (
                f'max(label_replace(count({_filled(bad, _PRESENCE_S)}), "of", "bad", "", "")'
                f' or label_replace(count({_filled(valid, _PRESENCE_S)}), "of", "valid", "", ""))'
            )


def any_sample(indicator: Indicator, width_s: int) -> str | None:
    """Return what is there where the `width_s` seconds up to the evaluation have a sample to count by.

    Far cheaper than counting. None where no single range of samples tells.
    """
    # An instant sees samples of the five minutes before it.
    look = f"[{promql_duration(width_s + _PRESENCE_S)}]"
    match indicator:
        case Counters(numerator=numerator, valid=valid):
            return f"count(last_over_time({valid}{look}) or last_over_time({numerator}{look}))"
        case NativeHistogram(histogram=selector) | TimeShare(value=Gauge(selector=selector) | Age(timestamp=selector)):
            return f"count(last_over_time({selector}{look}))"
        case TimeShare() | Expressions():
            return None


def wants_one_series(indicator: Indicator) -> bool:
    """Return whether several series would be ambiguous: one value is judged, not a sum of events."""
    match indicator:
        case TimeShare(value=Quantile()) | Counters() | NativeHistogram():
            return False
        case TimeShare() | Expressions():
            return True


def window_terms(indicator: Indicator, width_s: int) -> Terms:
    """Return the events of a long window in one look: right but for edges and births. To be pasted by people, too."""
    width = promql_duration(width_s)
    match indicator:
        case Counters(numerator=numerator, valid=valid):
            return Terms(f"sum(increase({numerator}[{width}]))", f"sum(increase({valid}[{width}]))")
        case NativeHistogram(histogram=histogram, threshold_ms=threshold):
            whole = f"sum(increase({histogram}[{width}]))"
            return Terms(increments.under(whole, threshold), f"histogram_count({whole})")
        case Expressions(bad=bad, valid=valid):
            return Terms(_filled(bad, width_s), _filled(valid, width_s))
        case TimeShare():
            return _events(indicator, width_s)


def batch(pairs: Iterable[tuple[str, str]]) -> str:
    """Join (slot, expression) pairs into one query; each answer carries its slot as a label.

    The cost of `or` grows with the square of the number of terms: callers keep it below 100.
    """
    return " or ".join(
        f'label_replace({expression}, "{SLOT_LABEL}", {quote(slot)}, "", "")' for slot, expression in pairs
    )


def _events(indicator: Indicator, width_s: int) -> Terms:
    match indicator:
        case Counters(numerator=numerator, valid=valid, one_bucket=one_bucket):
            return Terms(
                f"sum({increments.per_series(numerator, valid, width_s, one_bucket=one_bucket)})",
                f"sum({increments.per_series(valid, valid, width_s)})",
            )
        case NativeHistogram(histogram=histogram, threshold_ms=threshold):
            return Terms(*increments.native(histogram, threshold, width_s))
        case TimeShare():
            return _minutes(indicator, width_s)
        case Expressions(bad=bad, valid=valid):
            exact = partial(_exact, width_s=width_s)
            return Terms(f"sum({filled(bad, width_s, exact)})", f"sum({filled(valid, width_s, exact)})")


def _minutes(share: TimeShare, width_s: int) -> Terms:
    """Look at each full minute: ranges leave out their start (Prometheus 3), so that every minute counts once."""
    look = f"[{promql_duration(width_s)}:{promql_duration(STEP_S)}]"
    value = _value(share)
    wrong = ">" if share.good is Side.BELOW else "<"
    return Terms(
        f"sum(sum_over_time(({value} {wrong} bool {share.bound:f}){look}))", f"sum(count_over_time({value}{look}))"
    )


def _value(share: TimeShare) -> str:
    """Return the value, of several the worst: then a minute is at most one minute. None where it is no number."""
    worst = "max" if share.good is Side.BELOW else "min"
    match share.value:
        case Gauge(selector=selector):
            return f"{worst}({_finite(str(selector))})"
        case Age(timestamp=selector):
            return f"{worst}({_finite(f'(time() - {selector})')})"
        case Quantile(histogram=histogram, quantile=quantile, over_s=over):
            buckets = histogram.named(f"{histogram.metric}_bucket")
            rates = f"sum by(le) (rate({buckets}[{promql_duration(over)}]))"
            return _finite(f"histogram_quantile({quantile:f}, {rates})")


def _finite(value: str) -> str:
    return f"({value} < Inf > -Inf)"


def _source(value: Value) -> str:
    match value:
        case Gauge(selector=selector) | Age(timestamp=selector):
            return str(selector)
        case Quantile(histogram=histogram):
            return str(histogram.named(f"{histogram.metric}_bucket"))


def _filled(expression: str, width_s: int) -> str:
    # On lines of its own: a comment at its end must not swallow the bracket.
    return f"(\n{expression.replace(WINDOW_PLACEHOLDER, promql_duration(width_s))}\n)"


def _exact(selector: Selector, width_s: int) -> str:
    return increments.per_series(selector, selector, width_s)


def filled(expression: str, width_s: int, count: Callable[[Selector], str]) -> str:
    """Return the expression for the width; `count` says of a selector what stands for its plain `increase` over it."""
    whole = _filled(expression, width_s)
    replaced = False

    def counted_exactly(node: promql_parser.Expr) -> promql_parser.Expr | None:
        nonlocal replaced
        selector = _increasing(node, width_s)
        if selector is None:
            return None
        replaced = True
        # Adding nothing drops the metric's name, as increase does.
        return promql_parser.parse(f"(({count(selector)}) + 0)")

    exact = promql_parser.transform(promql_parser.parse(whole), post_visit=counted_exactly)
    return str(exact) if replaced else whole


def _increasing(node: promql_parser.Expr, width_s: int) -> Selector | None:
    """Return the selector of a plain increase(selector[width]), None for anything else."""
    if not isinstance(node, promql_parser.Call) or node.func.name != "increase":
        return None
    of = node.args[0]
    if not isinstance(of, promql_parser.MatrixSelector) or of.range.total_seconds() != width_s:
        return None
    try:
        return parse_selector(of.vector_selector.prettify())
    except ValueError:
        return None


def _sliced(indicator: Indicator, slices: Slices, width_s: int) -> Terms:
    """Count slices: those that the numerator is of, and those with anything to see. One without events is good.

    Absent bad series are no bad events. Absent good ones are no proof of anything: a slice with events and without
    them is bad, one with neither is not looked at.
    """
    of = _events(indicator, slices.length_s)
    look = f"[{promql_duration(width_s)}:{promql_duration(slices.length_s)}]"
    target = slices.target
    if counted(indicator) is Counted.BAD:
        seen = _seen(indicator, slices.length_s)
        judged = f"(({of.numerator} or 0 * {of.valid}) / {of.valid} > bool {1 - target:f})"
    else:
        seen = f"({_seen(indicator, slices.length_s)} or {of.valid} > 0)"
        judged = f"(1 - ({of.numerator} / {of.valid} < bool {target:f}))"
    return Terms(f"sum(sum_over_time({judged}{look}))", f"sum(count_over_time({seen}{look}))")


def _seen(indicator: Indicator, length_s: int) -> str:
    """Return something where the valid events, or the good ones where those are counted, have a sample."""
    match indicator:
        case Counters(numerator=selector, counted=Counted.GOOD):
            pass
        case Counters(valid=selector) | NativeHistogram(histogram=selector):
            pass
        case TimeShare() | Expressions():
            return _events(indicator, length_s).valid
    return f"count(last_over_time({selector}[{promql_duration(length_s)}]))"
