"""What budgets are by the counters themselves, with which those that an operator tells are compared."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bench import mixed
from bench.mixed import Counters

WITHIN: Final = "a point of budget or a twentieth of what is spent"
_POINT: Final = 0.01
_SHARE: Final = 0.05
"""Recorded averages differ from counters by a few percent of what was spent in the last minutes."""
_LOOKED_S: Final = 75.0
"""Of what is looked at each minute, so much more or less can be bad at the edges of a burst: a minute, and a scrape."""
_SLICE_S: Final = 60.0
"""Slices at the edges of a burst are bad or not, by how much of them it covers."""
_OLDEST_S: Final = 90.0
"""So old is what an operator tells at most: of the cycle before, which asked for a while ago."""
_NAME: Final = re.compile(r'name="slo-(\d+)"')


@dataclass(frozen=True)
class Exact:
    """Counters since the first scrape, at epoch second `since`."""

    counters: Counters
    since: float

    def compare(self, told: Mapping[str, float], now: float) -> dict[str, str]:
        """Return what of the remaining budgets `told` at epoch second `now` is wrong, in words by its labels.

        Right is whatever lies no further from what the counters say of some moment of the last one and a half
        minutes than a point of budget, or a twentieth of what is spent.
        """
        wrong = {}
        for labels, remaining in told.items():
            found = _NAME.search(labels)
            if found is None:
                raise ValueError(f"no objective of this fleet: {labels}")
            low, high = self._bounds(int(found[1]), now)
            if not low <= remaining <= high:
                wrong[labels] = f"{remaining:.3f} is told, the counters say {low:.3f} to {high:.3f}"
        return wrong

    def _bounds(self, number: int, now: float) -> tuple[float, float]:
        at = [max(self.since + 1, now - each) for each in (0.0, _OLDEST_S / 2, _OLDEST_S)]
        spent = [each for moment in at for each in self._spent(number, moment)]
        return (
            1 - max(each + max(_POINT, _SHARE * each) for each in spent),
            1 - min(each - max(_POINT, _SHARE * each) for each in spent),
        )

    def _spent(self, number: int, at: float) -> tuple[float, ...]:
        """Return the share of the budget that is spent at a moment; of what is sampled the least and the most."""
        spec = mixed.manifest(number)["spec"]
        unreliability = 1 - spec["objective"]["target"] / 100
        first, last = (self.counters.counted(number, each) for each in (self.since, at))
        passed = at - self.since
        month = _month(at) if "calendar" in spec["window"] else None
        if not mixed.is_sampled(number):
            elapsed = 1.0 if month is None else (at - month.begin) / month.seconds
            return ((last.bad - first.bad) / (last.valid - first.valid) * elapsed / unreliability,)
        less, more = (2 * _SLICE_S, _SLICE_S) if "budgeting" in spec else (_LOOKED_S, _LOOKED_S)
        # Of a calendar window all minutes count from its beginning, those to come too.
        whole = passed if month is None else month.seconds
        return tuple(
            min(passed, max(0.0, last.degraded_s + error * last.bursts)) / whole / unreliability
            for error in (-less, more)
        )


@dataclass(frozen=True)
class _Month:
    begin: float
    seconds: float


def _month(at: float) -> _Month:
    """Return the calendar month of the fleet's calendar windows that epoch second `at` is in."""
    begin = datetime.fromtimestamp(at, ZoneInfo(mixed.TIME_ZONE)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    end = (begin + timedelta(days=31)).replace(day=1)
    return _Month(begin.timestamp(), end.timestamp() - begin.timestamp())
