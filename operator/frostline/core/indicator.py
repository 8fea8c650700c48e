"""Indicators: which events are valid, and which of them were good or bad."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from frostline.core.selector import Matcher, Selector

_MILLISECONDS_PER_SECOND = Decimal(1000)


class Counted(StrEnum):
    """What the numerator of an indicator counts."""

    BAD = "bad"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Indicator:
    """Two populations of counters: `valid` events, and those of them that were good or bad.

    Attributes:
        numerator: counters of the good or the bad events, as `counted` says.
        valid: counters of all events that count at all.
    """

    numerator: Selector
    counted: Counted
    valid: Selector


def bucket_bounds(threshold_ms: int) -> tuple[str, ...]:
    """Return the spellings of a bucket bound of `threshold_ms` in seconds as clients write `le`: 1 and 1.0, 0.8.

    The label is a string: clients and Prometheus versions differ in whether a whole number carries `.0`.
    """
    plain = format((Decimal(threshold_ms) / _MILLISECONDS_PER_SECOND).normalize(), "f")
    return (plain,) if "." in plain else (plain, f"{plain}.0")


def latency(histogram: Selector, threshold_ms: int) -> Indicator:
    """Return the indicator 'requests at or under the threshold ÷ requests' of a classic histogram in seconds."""
    bounds = bucket_bounds(threshold_ms)
    if len(bounds) == 1:
        bound = Matcher("le", "=", bounds[0])
    else:
        bound = Matcher("le", "=~", "|".join(_escape(spelling) for spelling in bounds))
    return Indicator(
        numerator=histogram.named(f"{histogram.metric}_bucket").where(bound),
        counted=Counted.GOOD,
        valid=histogram.named(f"{histogram.metric}_count"),
    )


def selectors(indicator: Indicator) -> Iterator[Selector]:
    """Yield every selector that the indicator reads."""
    yield indicator.numerator
    yield indicator.valid


def _escape(bound: str) -> str:
    return bound.replace(".", r"\.")
