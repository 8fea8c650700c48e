"""What only counts from Prometheus tell about a manifest. Numbers come in, findings go out.

A verdict on a live number holds until the number has clearly left its bound: `standing` says that it was given
before. Messages carry no live number, so that a status that shows them stays as it is.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Final

from frostline.core.finding import Finding, Rule, finding
from frostline.core.objective import Objective

MANY_SERIES: Final = 1_000
"""Series of one objective above which every cycle costs Prometheus more than the figure is worth."""

_SERIES_CLEAR: Final = 800
_EVENTS_CLEAR: Final = Decimal("1.25")
_FAR_FROM_FEW: Final = 2.5
_MILLISECONDS: Final = 1_000
_LONGEST_BOUND: Final = 32
_MOST_DIGITS: Final = 15


def few_events(objective: Objective, valid: float, *, standing: bool) -> Finding | None:
    """Judge a window that holds `valid` events, or slices: whether one of them may be bad at all."""
    if objective.share * valid >= _FAR_FROM_FEW:
        # So are nearly all, in every cycle, and decimals take their time.
        return None
    allowed = objective.allowed * Decimal(repr(valid))
    if allowed >= (_EVENTS_CLEAR if standing else 1):
        return None
    needed = int((1 / objective.allowed).to_integral_value(ROUND_CEILING))
    sentence = (
        f"{objective.target:f} % allows one bad event in {needed:,}, and the window holds fewer: the first"
        " one spends the whole budget; promise less, lengthen the window, or count Timeslices"
    )
    return finding(Rule.FEW_EVENTS, "spec.objective.target", sentence)


def many_series(field: str, series: int, *, standing: bool) -> Finding | None:
    """Judge an indicator whose valid events, selected by `field`, come from `series` series."""
    if series <= (_SERIES_CLEAR if standing else MANY_SERIES):
        return None
    sentence = (
        f"matches more than {MANY_SERIES:,} series, each read anew in every cycle; narrow the selector, or record"
        " their sum by a rule and select that"
    )
    return finding(Rule.HIGH_CARDINALITY, field, sentence)


def no_boundary(field: str, asked: str, live: Iterable[str]) -> Finding | None:
    """Judge a bucket that an objective asks for, `asked` seconds, by the bounds (`le`) that the histogram has.

    None where the bound is there, or where nothing is known of the histogram.
    """
    wanted = _number(asked)
    bounds = sorted({bound for bound in map(_number, live) if bound is not None})
    if wanted is None or not bounds or wanted in bounds:
        return None
    below = [bound for bound in bounds if bound < wanted][-1:]
    above = [bound for bound in bounds if bound > wanted][:1]
    neighbours = " and ".join(map(_time, (*below, *above)))
    sentence = (
        f"{_time(wanted)} is no bucket boundary of the histogram; its neighbours are {neighbours}:"
        f" choose one of them, or add the bucket where the histogram is made"
    )
    return finding(Rule.NO_BOUNDARY, field, sentence)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text[:_LONGEST_BOUND])
    except InvalidOperation:
        return None
    # Spelled out, 1e999999999 would fill the memory.
    return number if number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS else None


def _time(seconds: Decimal) -> str:
    """Return a bucket bound as thresholds are written; one that they cannot name as seconds."""
    milliseconds = seconds * _MILLISECONDS
    if milliseconds != milliseconds.to_integral_value():
        return f"le={seconds.normalize():f}"
    if seconds == seconds.to_integral_value():
        return f"{seconds.to_integral_value():f}s"
    return f"{milliseconds.to_integral_value():f}ms"
