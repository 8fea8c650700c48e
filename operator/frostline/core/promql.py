"""PromQL for counting events exactly between two points in time.

`increase` extrapolates to the edges of its range. Over a short bucket that is an error of one scrape interval
at each edge, and an incident spans many buckets. Values of a counter at the edges telescope instead: what one
bucket ends with is what the next begins with, so that the sum over a window is exact however it is cut.
`increase` remains for the buckets in which a counter was reset.
"""

from collections.abc import Iterable
from typing import Final

from frostline.core.durations import promql_duration
from frostline.core.indicator import Indicator
from frostline.core.selector import Selector, quote

LOOKBACK_S: Final = 3_600
"""How old the last sample before a bucket may be and still be its starting value: bridges scrape gaps."""

_RESET_MARGIN_S: Final = 300
_TARGET: Final = "job,instance"

SLOT_LABEL: Final = "frostline_slot"
"""Label that tells the answers of one batch apart."""


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
    reset = f"(resets({counter}[{promql_duration(width_s + _RESET_MARGIN_S)}]) > 0)"
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


def window_increase(counter: Selector, width_s: int) -> str:
    """Return the events counted in a long window in one query: right but for its edges and for births."""
    return f"sum(increase({counter}[{promql_duration(width_s)}]))"


def newest_sample(counter: Selector) -> str:
    """Return the time of the newest sample, in seconds since the epoch; empty when there is none for 5 minutes."""
    return f"max(timestamp({counter}))"


def explain(indicator: Indicator, width_s: int) -> tuple[str, str]:
    """Return PromQL a person can paste to check a figure: (numerator, valid) over the whole window."""
    return window_increase(indicator.numerator, width_s), window_increase(indicator.valid, width_s)


def batch(terms: Iterable[tuple[str, str]]) -> str:
    """Join (slot, expression) pairs into one query; each answer carries its slot as a label.

    The cost of `or` grows with the square of the number of terms: callers keep it below 100.
    """
    return " or ".join(
        f'label_replace({expression}, "{SLOT_LABEL}", {quote(slot)}, "", "")' for slot, expression in terms
    )
