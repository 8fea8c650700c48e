"""From the indicator of a manifest to what the core counts."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

import promql_parser

from frostline.api.objective import Freshness, HistogramKind, Latency, Query, Ratio, TimeShare
from frostline.api.objective import Indicator as IndicatorSpec
from frostline.api.problem import ProblemError, located
from frostline.core.durations import parse_duration
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
    latency,
)
from frostline.core.indicator import TimeShare as Share
from frostline.core.selector import Selector, parse_selector

_MILLISECOND: Final = timedelta(milliseconds=1)
_HERE: Final = "spec.indicator"


def indicator(spec: IndicatorSpec) -> Indicator:
    """Return what is to be counted.

    Raises:
        ProblemError: a field cannot be understood, or not exactly one kind of indicator is given.
    """
    kinds = [
        each for each in (spec.ratio, spec.latency, spec.threshold, spec.freshness, spec.query) if each is not None
    ]
    if len(kinds) != 1:
        raise ProblemError(f"{_HERE}: give exactly one of ratio, latency, threshold, freshness and query")
    match kinds[0]:
        case Ratio() as ratio:
            return _ratio(ratio)
        case Latency() as given:
            return _latency(given)
        case TimeShare() as share:
            return _share(share)
        case Freshness() as fresh:
            return _fresh(fresh)
        case Query() as query:
            return Expressions(_expression("bad", query.bad), _expression("valid", query.valid))


def _ratio(ratio: Ratio) -> Counters:
    valid = _selector("ratio.valid", ratio.valid)
    if ratio.bad is not None and ratio.good is None:
        return Counters(_selector("ratio.bad", ratio.bad), Counted.BAD, valid)
    if ratio.good is not None and ratio.bad is None:
        return Counters(_selector("ratio.good", ratio.good), Counted.GOOD, valid)
    raise ProblemError(f"{_HERE}.ratio: give exactly one of good and bad")


def _latency(spec: Latency) -> Counters | NativeHistogram:
    histogram = _histogram("latency.histogram", spec.histogram)
    threshold = located(f"{_HERE}.latency.threshold", parse_duration, spec.threshold) // _MILLISECOND
    if threshold < 1:
        raise ProblemError(f"{_HERE}.latency.threshold: must be at least 1ms")
    if spec.type is HistogramKind.NATIVE:
        return NativeHistogram(histogram, threshold)
    return latency(histogram, threshold)


def _share(spec: TimeShare) -> Share:
    side = Side(spec.good)
    if spec.gauge is not None and spec.quantile is None:
        return Share(Gauge(_selector("threshold.gauge", spec.gauge)), spec.bound, side)
    if spec.quantile is not None and spec.gauge is None:
        quantile = spec.quantile
        if not 0 < quantile.quantile < 1:
            raise ProblemError(f"{_HERE}.threshold.quantile.quantile: must lie between 0 and 1, such as 0.95")
        over = located(f"{_HERE}.threshold.quantile.over", parse_duration, quantile.over)
        histogram = _histogram("threshold.quantile.histogram", quantile.histogram)
        return Share(Quantile(histogram, quantile.quantile, max(1, int(over.total_seconds()))), spec.bound, side)
    raise ProblemError(f"{_HERE}.threshold: give exactly one of gauge and quantile")


def _fresh(spec: Freshness) -> Counters | Share:
    within = located(f"{_HERE}.freshness.within", parse_duration, spec.within)
    given = [each for each in (spec.histogram, spec.age, spec.timestamp) if each is not None]
    if len(given) != 1:
        raise ProblemError(f"{_HERE}.freshness: give exactly one of histogram, age and timestamp")
    if spec.histogram is not None:
        return latency(_histogram("freshness.histogram", spec.histogram), within // _MILLISECOND)
    bound = Decimal(within // _MILLISECOND) / 1000
    if spec.age is not None:
        return Share(Gauge(_selector("freshness.age", spec.age)), bound, Side.BELOW)
    return Share(Age(_selector("freshness.timestamp", given[0])), bound, Side.BELOW)


def _selector(field: str, text: str) -> Selector:
    return located(f"{_HERE}.{field}", parse_selector, text)


def _histogram(field: str, text: str) -> Selector:
    histogram = _selector(field, text)
    if any(matcher.label == "le" for matcher in histogram.matchers):
        raise ProblemError(f"{_HERE}.{field}: must not match le; the threshold chooses the bucket")
    return histogram


def _expression(field: str, text: str) -> str:
    return located(f"{_HERE}.query.{field}", _parsed, text)


def _parsed(text: str) -> str:
    """Return the expression, which parses as a whole: it can close no bracket that it did not open.

    Raises:
        ValueError: it is not PromQL, or does not count over the placeholder.
    """
    stand_in = "1234567s"
    if stand_in in text:
        raise ValueError(f"must not contain {stand_in}")
    if f"[{WINDOW_PLACEHOLDER}]" not in text:
        raise ValueError(f"must count over [{WINDOW_PLACEHOLDER}], such as sum(increase(errors_total[$window]))")
    try:
        promql_parser.parse(text.replace(WINDOW_PLACEHOLDER, stand_in))
    except ValueError as error:
        raise ValueError(f"not valid PromQL: {error}") from None
    return text
