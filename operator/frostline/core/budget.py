"""The error budget: what is left, in percent and minutes, and how long it lasts.

remaining = 1 − bad / ((1 − target) · V), as in the SRE workbook's definition of an error budget: the share (1 − target)
of the window's valid events may be bad. V is what the whole window holds: for a rolling window the events in it; for
a calendar period the events so far ÷ the elapsed share of it, so that its first bad event does not empty it; for
slices of a calendar period all slices of the period.
"""

from datetime import timedelta
from typing import Final, NamedTuple, Protocol

import numpy as np

from frostline.core.objective import Objective
from frostline.core.view import Floats, View, Views
from frostline.core.window import Calendar, Spans, Times, Window, spans

_NOISE_DIGITS: Final = 9
"""Counts are sums of binary fractions; a budget that is exactly spent must come out as exactly 0."""


class Budget(NamedTuple):
    """What is left of an error budget.

    Attributes:
        remaining: share of the budget, at most 1; negative when overspent.
        minutes_left: the same as time, negative when overspent.
        minutes_total: the whole budget as time.
        exhausted_in: time until nothing is left at the present burn; None when that never comes, or has come.
    """

    remaining: float
    minutes_left: float
    minutes_total: float
    exhausted_in: timedelta | None


class Promised(Protocol):
    """An objective, or m of them that have all but their targets in common."""

    @property
    def share(self) -> float | Floats:
        """Share of the valid events that may be bad, 0 to 1; (m, 1) of several."""

    @property
    def window(self) -> Window:
        """The time that they are about."""

    @property
    def slice_s(self) -> int | None:
        """Length of what is counted where time is counted, in seconds; None where events are."""


def remaining(objective: Promised, bad: Floats, whole: Floats) -> Floats:
    """Return the share of the budget left for bad events out of `whole` ones; 1 where there were none."""
    allowed = objective.share * whole
    spent = np.divide(bad, allowed, out=np.zeros_like(allowed), where=allowed > 0)
    # Rounding a speck below 0 gives −0, which people would read as overspent.
    return np.round(1.0 - spent, _NOISE_DIGITS) + 0.0


def burn_rate(objective: Promised, bad: Floats, valid: Floats) -> Floats:
    """Return error ratio ÷ (1 − target) for each pair of counts; 0 where there were no valid events."""
    return 1.0 - remaining(objective, bad, valid)


def remaining_at(objective: Promised, view: View | Views, ends: Times) -> Floats:
    """Return the share of the budget left at each of `ends`, which ascend; of their shape, for each view of several."""
    of = spans(objective.window, ends)
    bad, valid = view.between(of.starts, ends)
    return remaining(objective, bad, whole(objective, valid, of, ends))


def whole(objective: Promised, valid: Floats, of: Spans, ends: Times) -> Floats:
    """Return the valid events, or slices, that the whole window holds: V."""
    if not isinstance(objective.window, Calendar):
        return valid
    if objective.slice_s is not None:
        return of.lengths.astype(np.float64) / objective.slice_s
    elapsed: Floats = np.maximum(ends - of.starts, 1).astype(np.float64)
    return valid * of.lengths / elapsed


def budget(objective: Objective, left: float, burn: float, length_s: int, rest_s: int) -> Budget:
    """Return the budget for a remaining share `left` and the present `burn`.

    `length_s` is the length of the window, `rest_s` how much of it still comes: all of a rolling one.
    """
    total = float(objective.allowed * length_s / 60)
    return Budget(
        remaining=left,
        minutes_left=left * total,
        minutes_total=total,
        exhausted_in=_exhausted_in(length_s, rest_s, left, burn),
    )


def _exhausted_in(length_s: int, rest_s: int, left: float, burn: float) -> timedelta | None:
    if left <= 0 or burn <= 0:
        return None
    seconds = left * length_s / burn
    # Past the window's end what was spent until now has come back: the forecast says nothing there.
    return timedelta(seconds=int(seconds)) if seconds <= rest_s else None
