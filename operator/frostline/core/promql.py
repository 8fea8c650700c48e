"""PromQL for counting events exactly between two points in time.

`increase` extrapolates to the edges of its range. Over a short bucket that is an error of one scrape interval
at each edge, and an incident spans many buckets. Values of a counter at the edges telescope instead: what one
bucket ends with is what the next begins with, so that the sum over a window is exact however it is cut.
`increase` remains for the buckets in which a counter was reset.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

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
    seconds,
)
from frostline.core.selector import Selector, quote

LOOKBACK_S: Final = 3_600
"""How old the last sample before a bucket may be and still be its starting value: bridges scrape gaps."""

STEP_S: Final = 60
"""How often a value is looked at for a share of time."""

_RESET_MARGIN_S: Final = 300
_PRESENCE_S: Final = 300
_TARGET: Final = "job,instance"

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


def newest_sample(indicator: Indicator) -> str:
    """Return the time of the newest valid sample, epoch seconds; empty when there is none for 5 minutes."""
    match indicator:
        case Counters(valid=selector) | NativeHistogram(histogram=selector):
            return f"max(timestamp({selector}))"
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
            fraction = f"histogram_fraction(-Inf, {seconds(threshold)}, {whole})"
            return Terms(f"{fraction} * histogram_count({whole})", f"histogram_count({whole})")
        case TimeShare() | Expressions():
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
        case Counters(numerator=numerator, valid=valid):
            return Terms(increments(numerator, valid, width_s), increments(valid, valid, width_s))
        case NativeHistogram(histogram=histogram, threshold_ms=threshold):
            return _native(histogram, threshold, width_s)
        case TimeShare():
            return _minutes(indicator, width_s)
        case Expressions(bad=bad, valid=valid):
            return Terms(_filled(bad, width_s), _filled(valid, width_s))


def increments(counter: Selector, valid: Selector, width_s: int) -> str:
    """Return the events that `counter` counted in the `width_s` seconds up to the evaluation time, in one sum.

    Per series, the first of these that exists:
    1. last value in the range − last value before it, where no reset lies between the two;
    2. the last value itself, where the series was born in the range while its target (the same job and instance)
       already served older series of `valid`: such a counter began at zero;
    3. last value − smallest value in the range, where a series was born without a past and was not reset;
    4. `increase`, which corrects for resets.
    The answer is empty where the series has no sample in the range.
    """
    width = promql_duration(width_s)
    before = promql_duration(LOOKBACK_S)
    end = f"last_over_time({counter}[{width}])"
    start = f"last_over_time({counter}[{before}] offset {width})"
    reset = _reset(counter, width_s)
    born = f"({end} unless {start})"
    lived_before = f"last_over_time({valid}[{before}] offset {width})"
    # A sibling with more samples in the range is older: they are scraped together.
    younger = (
        f"(count_over_time({counter}[{width}])"
        f" < on({_TARGET}) group_left() max by({_TARGET}) (count_over_time({valid}[{width}])))"
    )
    return (
        f"sum(((({end} - {start}) >= 0) unless {reset})"
        f" or ({born} and on({_TARGET}) {lived_before})"
        f" or ({born} and {younger})"
        f" or (({end} - min_over_time({counter}[{width}])) unless {start} unless {reset})"
        f" or increase({counter}[{width}]))"
    )


def _reset(counter: Selector, width_s: int) -> str:
    return f"(resets({counter}[{promql_duration(width_s + _RESET_MARGIN_S)}]) > 0)"


def _native(histogram: Selector, threshold_ms: int, width_s: int) -> Terms:
    """Count in a native histogram: its counts at the edges telescope like counters do.

    An empty histogram has no fraction (NaN): comparing drops it.
    """
    bound = seconds(threshold_ms)

    def under(of: str) -> str:
        return f"(histogram_fraction(-Inf, {bound}, {of}) * histogram_count({of}))"

    def everything(of: str) -> str:
        return f"histogram_count({of})"

    return Terms(_telescoped(histogram, under, width_s), _telescoped(histogram, everything, width_s))


def _telescoped(histogram: Selector, read: Callable[[str], str], width_s: int) -> str:
    width = promql_duration(width_s)
    before = promql_duration(LOOKBACK_S)
    end = f"last_over_time({histogram}[{width}])"
    start = f"last_over_time({histogram}[{before}] offset {width})"
    born = f"({read(end)} unless {read(start)})"
    return (
        f"sum(((({read(end)} - {read(start)}) >= 0) unless {_reset(histogram, width_s)})"
        f" or ((({born}) >= 0) and on({_TARGET}) {everything_before(histogram, width_s)})"
        f" or ({read(f'increase({histogram}[{width}])')} >= 0))"
    )


def everything_before(histogram: Selector, width_s: int) -> str:
    """Return the counts of all series of a histogram before the range: whether their targets lived then."""
    start = f"last_over_time({histogram}[{promql_duration(LOOKBACK_S)}] offset {promql_duration(width_s)})"
    return f"histogram_count({start})"


def _minutes(share: TimeShare, width_s: int) -> Terms:
    look = f"[{promql_duration(width_s)}:{promql_duration(STEP_S)}]"
    value = _value(share.value)
    wrong = ">" if share.good is Side.BELOW else "<"
    return Terms(
        f"sum(sum_over_time(({value} {wrong} bool {share.bound:f}){look}))", f"sum(count_over_time({value}{look}))"
    )


def _value(value: Value) -> str:
    """Return the value; without events a quantile is NaN, which comparing drops."""
    match value:
        case Gauge(selector=selector):
            return f"({selector} <= Inf)"
        case Age(timestamp=selector):
            return f"((time() - {selector}) <= Inf)"
        case Quantile(histogram=histogram, quantile=quantile, over_s=over):
            buckets = histogram.named(f"{histogram.metric}_bucket")
            rates = f"sum by(le) (rate({buckets}[{promql_duration(over)}]))"
            return f"(histogram_quantile({quantile:f}, {rates}) <= Inf)"


def _source(value: Value) -> str:
    match value:
        case Gauge(selector=selector) | Age(timestamp=selector):
            return str(selector)
        case Quantile(histogram=histogram):
            return str(histogram.named(f"{histogram.metric}_bucket"))


def _filled(expression: str, width_s: int) -> str:
    # On lines of its own: a comment at its end must not swallow the bracket.
    return f"(\n{expression.replace(WINDOW_PLACEHOLDER, promql_duration(width_s))}\n)"


def _sliced(indicator: Indicator, slices: Slices, width_s: int) -> Terms:
    """Count slices: bad ones, and those in which there was anything to see. A slice without events is good."""
    of = _events(indicator, slices.length_s)
    look = f"[{promql_duration(width_s)}:{promql_duration(slices.length_s)}]"
    if counted(indicator) is Counted.GOOD:
        bad = f"({of.numerator} / {of.valid} < bool {slices.target:f})"
    else:
        # Absent bad series are no bad events; absent good ones are no proof of anything.
        bad = f"(({of.numerator} or 0 * {of.valid}) / {of.valid} > bool {1 - slices.target:f})"
    return Terms(f"sum(sum_over_time({bad}{look}))", f"sum(count_over_time({of.valid}{look}))")
