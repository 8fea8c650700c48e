"""The error budget: what is left, in percent and minutes, and how long it lasts.

remaining = 1 − bad / ((1 − target) · valid), as in the SRE workbook's definition of an error budget: the share
(1 − target) of the valid events of the window may be bad.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from frostline.core.ledger import Floats
from frostline.core.objective import Objective

_NOISE_DIGITS: Final = 9
"""Counts are sums of binary fractions; a budget that is exactly spent must come out as exactly 0."""


@dataclass(frozen=True, slots=True)
class Budget:
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


def remaining(objective: Objective, bad: Floats, valid: Floats) -> Floats:
    """Return the share of the budget left for each pair of counts; 1 where there were no valid events."""
    allowed = float(objective.allowed) * valid
    spent = np.divide(bad, allowed, out=np.zeros_like(allowed), where=allowed > 0)
    # Rounding a speck below 0 gives −0, which people would read as overspent.
    return np.round(1.0 - spent, _NOISE_DIGITS) + 0.0


def burn_rate(objective: Objective, bad: Floats, valid: Floats) -> Floats:
    """Return error ratio ÷ (1 − target) for each pair of counts; 0 where there were no valid events."""
    return 1.0 - remaining(objective, bad, valid)


def budget(objective: Objective, left: float, burn: float) -> Budget:
    """Return the budget for a remaining share `left` and the present `burn` rate."""
    total = float(objective.budget_minutes)
    return Budget(
        remaining=left,
        minutes_left=left * total,
        minutes_total=total,
        exhausted_in=_exhausted_in(objective.window, left, burn),
    )


def _exhausted_in(window: timedelta, left: float, burn: float) -> timedelta | None:
    if left <= 0 or burn <= 0:
        return None
    seconds = left * window.total_seconds() / burn
    # Past the window's end what was spent until now has come back: the forecast says nothing there.
    return timedelta(seconds=int(seconds)) if seconds <= window.total_seconds() else None
