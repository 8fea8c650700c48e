"""The time that a promise is about: rolling, or a calendar period in a time zone.

Calendar periods follow the zone's clock: a month with a change of clocks is an hour shorter or longer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_MONTHS_IN_QUARTER: Final = 3
_DECEMBER: Final = 12

Times: TypeAlias = "NDArray[np.int64]"


class Period(StrEnum):
    """Calendar periods; weeks begin on Monday (ISO 8601)."""

    WEEK = "Week"
    MONTH = "Month"
    QUARTER = "Quarter"


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last `length` up to now."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class Calendar:
    """The running period by the clock of `zone`."""

    period: Period
    zone: tzinfo


Window: TypeAlias = Rolling | Calendar

_LONGEST_DAYS: Final = {Period.WEEK: 7, Period.MONTH: 31, Period.QUARTER: 92}


@dataclass(frozen=True, slots=True)
class Spans:
    """For each moment: where its window starts, and how long the whole window is, in seconds. All of one shape."""

    starts: Times
    lengths: Times


def longest_s(window: Window) -> int:
    """Return the most seconds that the window can be long, a change of clocks included."""
    if isinstance(window, Rolling):
        return int(window.length.total_seconds())
    return _LONGEST_DAYS[window.period] * _DAY_S + HOUR_S


def phase_s(window: Window, at: int) -> int:
    """Return by how many seconds the window's edges are off the full hour of UTC, 0 to 3599: 1800 in India."""
    return 0 if isinstance(window, Rolling) else bounds(window, at)[0] % HOUR_S


def bounds(window: Window, at: int) -> tuple[int, int]:
    """Return (start, end) of the window that holds the second before `at`; a rolling one ends at `at`."""
    if isinstance(window, Rolling):
        return at - int(window.length.total_seconds()), at
    local = datetime.fromtimestamp(at - 1, UTC).astimezone(window.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    first = _first_day(window.period, midnight)
    return int(first.timestamp()), int(_next(window.period, first).timestamp())


def spans(window: Window, ends: Times) -> Spans:
    """Return the windows that end at, or run at, each of `ends`, which ascend."""
    # Half of what importing the models would cost; the command line has no use for arrays.
    import numpy as np  # noqa: PLC0415

    if isinstance(window, Rolling):
        length = int(window.length.total_seconds())
        return Spans(ends - length, np.full(ends.shape, length, dtype=np.int64))
    starts, lengths = np.empty(ends.shape, dtype=np.int64), np.empty(ends.shape, dtype=np.int64)
    start = end = 0
    for index, at in enumerate(ends.tolist()):
        if not start < at <= end:
            start, end = bounds(window, at)
        starts[index], lengths[index] = start, end - start
    return Spans(starts, lengths)


def _first_day(period: Period, midnight: datetime) -> datetime:
    if period is Period.WEEK:
        return midnight - timedelta(days=midnight.weekday())
    if period is Period.MONTH:
        return midnight.replace(day=1)
    return midnight.replace(month=midnight.month - (midnight.month - 1) % _MONTHS_IN_QUARTER, day=1)


def _next(period: Period, first: datetime) -> datetime:
    if period is Period.WEEK:
        return first + timedelta(days=7)
    months = first.month + (1 if period is Period.MONTH else _MONTHS_IN_QUARTER)
    if months > _DECEMBER:
        return first.replace(year=first.year + 1, month=months - _DECEMBER)
    return first.replace(month=months)
