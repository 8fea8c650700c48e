"""PromQL for what counters and native histograms counted between two points in time, exactly.

`increase` extrapolates to the edges of its range. Over a short bucket that is an error of one scrape interval
at each edge, and an incident spans many buckets. Values of a counter at the edges telescope instead: what one
bucket ends with is what the next begins with, so that the sum over a window is exact however it is cut.
`increase` remains for the buckets in which a counter was reset more than once.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from frostline.core.durations import promql_duration
from frostline.core.indicator import seconds
from frostline.core.selector import Selector

_BEFORE_S: Final = 3_600
"""How old the last sample before a bucket may be and still be its starting value: bridges scrape gaps."""

_LATELY_S: Final = 300
"""The same where nothing is out of the ordinary."""

_UNCLEAR: Final = 1e18
"""More events than there are: taken away where the values at the edges of a bucket do not say how many there were."""

_TARGET: Final = "job,instance"

_GRAIN: Final = "0.0009765625"
"""Counts from a share of a histogram are rounded to 1/1024 event: shares are fractions, most counts are whole."""


def per_series(counter: Selector, valid: Selector, width_s: int, *, one_bucket: bool = False) -> str:
    """Return the events that each series of `counter` counted in the `width_s` seconds up to the evaluation time.

    Per series, the first of these that exists:
    1. last value in the range − last value before it, where no reset lies between the two: `resets` sees those that
       are not long ago, and after any other one there is a smaller value;
    2. the last value itself, where the series was born in the range while its target (the same job and instance)
       already served older series of `valid`: such a counter began at zero;
    3. last value − smallest value in the range, where a series was born without a past and was not reset;
    4. top value − last value before the range + last value, where one reset lies between and the top came before it;
    5. the last value, where the reset lies before the first sample in the range: what the counter had before it,
       in a gap of scrapes, nobody saw;
    6. `increase`, which corrects for resets.
    The answer is empty where no series has a sample in the range. With `one_bucket`, series that differ in the
    label `le` alone are one: the same bucket, spelled anew when Prometheus or a client was upgraded.
    """
    width = promql_duration(width_s)
    joined = partial(_joined, one_bucket=one_bucket)
    start, end = _edges(counter, width, _BEFORE_S, one_bucket=one_bucket)
    smallest = joined("min", f"min_over_time({counter}[{width}])")
    top = f"({joined('max', f'max_over_time({counter}[{width}])')} > {start} or {start})"
    resets = joined("max", _resets(counter, width_s, _LATELY_S))
    resets_within = joined("max", f"resets({counter}[{width}])")
    born = f"({end} unless {start})"
    lived_before = f"last_over_time({valid}[{promql_duration(_BEFORE_S)}] offset {width})"
    # A sibling with more samples in the range is older: they are scraped together.
    younger = (
        f"({joined('max', f'count_over_time({counter}[{width}])')}"
        f" < on({_TARGET}) group_left() max by({_TARGET}) (count_over_time({valid}[{width}])))"
    )
    return (
        f"((({end} - {start}) >= 0) unless ({resets} > 0) unless ({smallest} < {start}))"
        f" or ({born} and on({_TARGET}) {lived_before})"
        f" or ({born} and {younger})"
        f" or (({end} - {smallest}) unless {start} unless ({resets} > 0))"
        f" or (({top} - {start} + {end}) >= 0 and ({top} > {end}) unless ({resets} > 1))"
        f" or ({end} and ({smallest} < ({start} < Inf)) unless ({resets_within} > 0))"
        f" or {joined('sum', f'increase({counter}[{width}])')}"
    )


def plain(counter: Selector, width_s: int, *, one_bucket: bool = False) -> str:
    """Return what `per_series` does, for a fraction of its cost, where every series lived just before it, not reset.

    Any other series counts so much less than nothing that the sum over all of them `is_unclear`.
    """
    start, end = _edges(counter, promql_duration(width_s), _LATELY_S, one_bucket=one_bucket)
    # A reset shortly before the range is seen, too: then the answer is unclear without need, and never wrong.
    resets = f"resets({counter}[{promql_duration(width_s + _LATELY_S)}])"
    reset = f"({_joined('max', resets, one_bucket=one_bucket)} > 0)"
    return f"(({end} - {start}) >= 0 unless {reset}) or (0 * {end} - {_UNCLEAR:g})"


def rising(counter: Selector, valid: Selector, width_s: int, *, one_bucket: bool = False) -> str:
    """Return what a recording rule counts per series of `counter` in the `width_s` seconds up to its evaluation.

    Cheap enough to be evaluated for ever: `increase`, but for a series that was born in that time while its target
    (the same job and instance) already served `valid`. Such a counter began at zero, and `increase` would lose its
    first value, often the only one. What is off at the edges of one range evens out over ranges that overlap.
    Counters and native histograms alike. `one_bucket` as in `per_series`.
    """
    width = promql_duration(width_s)
    now = _joined("max", str(counter), one_bucket=one_bucket)
    before = _joined("max", f"{counter} offset {width}", one_bucket=one_bucket)
    risen = _joined("sum", f"increase({counter}[{width}])", one_bucket=one_bucket)
    return f"{now} unless {before} and on({_TARGET}) {valid} offset {width} or {risen}"


def is_unclear(events: float) -> bool:
    """Return whether a sum over `plain` says nothing but that `per_series` has to be asked."""
    return events < -_UNCLEAR / 2


def native(histogram: Selector, threshold_ms: int, width_s: int) -> tuple[str, str]:
    """Return the events at or under the threshold, and all, of a native histogram; as `per_series`, in one sum."""
    return (
        _telescoped(histogram, lambda of: under(of, threshold_ms), width_s),
        _telescoped(histogram, lambda of: f"histogram_count({of})", width_s),
    )


def under(histogram: str, threshold_ms: int) -> str:
    """Return how many events of a histogram are at or under the threshold; between two of its bounds, an estimate."""
    count = f"histogram_count({histogram})"
    share = f"histogram_fraction(-Inf, {seconds(threshold_ms)}, {histogram})"
    # An empty histogram has no share (NaN), and as many events under the threshold as in all.
    return f"(round({share} * {count}, {_GRAIN}) >= 0 or {count} == 0)"


def _edges(counter: Selector, width: str, before_s: int, *, one_bucket: bool) -> tuple[str, str]:
    """Return the last value in the `before_s` seconds before the range, and the last one in it."""
    before = promql_duration(before_s)
    return (
        _joined("max", f"last_over_time({counter}[{before}] offset {width})", one_bucket=one_bucket),
        _joined("max", f"last_over_time({counter}[{width}])", one_bucket=one_bucket),
    )


def _joined(aggregation: str, function: str, *, one_bucket: bool) -> str:
    return f"{aggregation} without(le) ({function})" if one_bucket else function


def _telescoped(histogram: Selector, read: Callable[[str], str], width_s: int) -> str:
    width = promql_duration(width_s)
    before = f"last_over_time({histogram}[{promql_duration(_BEFORE_S)}] offset {width})"
    end, start = read(f"last_over_time({histogram}[{width}])"), read(before)
    return (
        f"sum(((({end} - {start}) >= 0) unless ({_resets(histogram, width_s, _BEFORE_S)} > 0))"
        f" or (({end} unless {start}) and on({_TARGET}) histogram_count({before}))"
        f" or {read(f'increase({histogram}[{width}])')})"
    )


def _resets(counter: Selector, width_s: int, before_s: int) -> str:
    """Return how often a counter was reset since its last sample before the range, at most `before_s` before it."""
    before = promql_duration(before_s)
    until_now = f"resets({counter}[{promql_duration(width_s + before_s)}])"
    return f"({until_now} - resets({counter}[{before}] offset {promql_duration(width_s)}) or {until_now})"
