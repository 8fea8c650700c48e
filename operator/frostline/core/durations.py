"""Durations as people type them: 30d, 1h30m, 800ms."""

import re
from datetime import timedelta
from typing import Final

_MILLISECONDS: Final = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
    "y": 365 * 86_400_000,
}
_PART: Final = re.compile(r"([0-9]{1,12})(ms|[smhdwy])")
_WHOLE: Final = re.compile(r"(?:[0-9]{1,12}(?:ms|[smhdwy]))+")
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def parse_duration(text: str) -> timedelta:
    """Return the length that `text` names; units are ms, s, m (minutes), h, d, w and y (365 days).

    Raises:
        ValueError: the text is no duration, or none that a timedelta can hold.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f'"{text}" is not a duration: write a number and a unit, such as 30d, 12h, 15m, 45s or 800ms')
    milliseconds = sum(int(count) * _MILLISECONDS[unit] for count, unit in _PART.findall(text))
    try:
        return timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise ValueError(f'"{text}" is too long a duration') from None


def format_duration(length: timedelta) -> str:
    """Return `length` in its two largest units, such as 6d4h, 3h12m or 45s; below a second 0s."""
    seconds = int(length.total_seconds())
    for size, unit, small, small_unit in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "m"),
        (_MINUTE, "m", 1, "s"),
    ):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            minor = rest // small
            return f"{whole}{unit}{minor}{small_unit}" if minor else f"{whole}{unit}"
    return f"{seconds}s"


def promql_duration(seconds: int) -> str:
    """Return whole `seconds` as PromQL spells them, in the largest unit that divides them."""
    if seconds <= 0:
        raise ValueError(f"a PromQL range must be longer than 0 s, not {seconds} s")
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
