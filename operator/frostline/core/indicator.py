"""Indicators: what is counted, and which of it was good or bad. A closed union, one class for each way to count."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from frostline.core.selector import Matcher, Selector

_MILLISECONDS_PER_SECOND: Final = Decimal(1000)
_EXPONENT_FROM_MS: Final = 1_000_000_000

WINDOW_PLACEHOLDER: Final = "$window"
"""Stands in expressions of users for the length of time to count over."""


class Counted(StrEnum):
    """What the numerator of an indicator counts."""

    BAD = "bad"
    GOOD = "good"


class Side(StrEnum):
    """On which side of its bound a value is good."""

    BELOW = "Below"
    ABOVE = "Above"


@dataclass(frozen=True, slots=True)
class Counters:
    """Two populations of counters: `valid` events, and in `numerator` those of them that were good or bad.

    With `one_bucket` series of the numerator that differ in the label `le` alone are one, differently spelled.
    """

    numerator: Selector
    counted: Counted
    valid: Selector
    one_bucket: bool = False


@dataclass(frozen=True, slots=True)
class NativeHistogram:
    """Events of a native histogram in seconds; those at or under `threshold_ms` were good."""

    histogram: Selector
    threshold_ms: int


@dataclass(frozen=True, slots=True)
class Gauge:
    """The value of one series."""

    selector: Selector


@dataclass(frozen=True, slots=True)
class Age:
    """Time passed since the moment that a series shows, epoch seconds."""

    timestamp: Selector


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile (0 to 1) of a classic histogram over the last `over_s` seconds."""

    histogram: Selector
    quantile: Decimal
    over_s: int


Value: TypeAlias = Gauge | Age | Quantile


@dataclass(frozen=True, slots=True)
class TimeShare:
    """Minutes in which a value was on the good side of `bound`, or at it, ÷ minutes in which there was a value."""

    value: Value
    bound: Decimal
    good: Side


@dataclass(frozen=True, slots=True)
class Expressions:
    """PromQL of users for the bad and the valid events of `$window`, checked to parse."""

    bad: str
    valid: str


Indicator: TypeAlias = Counters | NativeHistogram | TimeShare | Expressions


def counted(indicator: Indicator) -> Counted:
    """Return what the numerator of the indicator counts."""
    match indicator:
        case Counters(counted=what):
            return what
        case NativeHistogram():
            return Counted.GOOD
        case TimeShare() | Expressions():
            return Counted.BAD


def described(indicator: Indicator) -> str:
    """Return what the valid events are read from, for people."""
    match indicator:
        case Counters(valid=selector) | NativeHistogram(histogram=selector):
            return str(selector)
        case TimeShare(value=Gauge(selector=selector) | Age(timestamp=selector) | Quantile(histogram=selector)):
            return str(selector)
        case Expressions(valid=expression):
            return expression


def bucket_bounds(threshold_ms: int) -> tuple[str, ...]:
    """Return the spellings of a bucket bound of `threshold_ms` in seconds as clients write `le`: 1 and 1.0, 0.8.

    The label is a string: clients and Prometheus versions differ in whether a whole number carries `.0`. From a
    million up most write an exponent: 1.2096e+06.
    """
    plain = seconds(threshold_ms)
    spellings = (plain,) if "." in plain else (plain, f"{plain}.0")
    if threshold_ms < _EXPONENT_FROM_MS:
        return spellings
    digits, exponent = f"{Decimal(plain).normalize():e}".split("e")
    return (*spellings, f"{digits}e+{int(exponent):02}")


def seconds(milliseconds: int) -> str:
    """Return milliseconds as plain decimal seconds: 800 is 0.8."""
    return format((Decimal(milliseconds) / _MILLISECONDS_PER_SECOND).normalize(), "f")


def latency(histogram: Selector, threshold_ms: int) -> Counters:
    """Return the indicator 'requests at or under the threshold ÷ requests' of a classic histogram in seconds."""
    bounds = bucket_bounds(threshold_ms)
    if len(bounds) == 1:
        bound = Matcher("le", "=", bounds[0])
    else:
        bound = Matcher("le", "=~", "|".join(_escape(spelling) for spelling in bounds))
    return Counters(
        numerator=histogram.named(f"{histogram.metric}_bucket").where(bound),
        counted=Counted.GOOD,
        valid=histogram.named(f"{histogram.metric}_count"),
        one_bucket=len(bounds) > 1,
    )


def _escape(bound: str) -> str:
    return bound.replace(".", r"\.").replace("+", r"\+")
