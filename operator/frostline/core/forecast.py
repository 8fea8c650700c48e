"""The earliest moment at which a budget that holds releases back may let them go, if nothing goes wrong until then."""

from typing import Final

import numpy as np

from frostline.core.budget import remaining, whole
from frostline.core.level import LevelState
from frostline.core.objective import Objective
from frostline.core.policy import Level, Policy
from frostline.core.view import View
from frostline.core.window import Calendar, bounds, spans

_PERCENT: Final = 100.0
_DAY_S: Final = 86_400


def lifts_about(objective: Objective, policy: Policy, view: View, state: LevelState) -> int | None:
    """Return the epoch second at which the level may get better, with traffic as it was and no further bad event.

    None for levels that hold nothing back by default, and where a burn rate alone holds: that ends as its windows pass.
    """
    if state.level is Level.EXHAUSTED:
        solvent = _reaches(objective, view, 0.0)
        calm = view.at + max(int(policy.lift.hold.total_seconds()) - state.calm_s, 0)
        return None if solvent is None else max(solvent, calm)
    if state.level is Level.ENDANGERED and state.burn is not Level.ENDANGERED:
        solvent = _reaches(objective, view, float(policy.endangered + policy.hysteresis.margin) / _PERCENT)
        begins = solvent if state.better is None else state.better_since
        return None if begins is None else begins + int(policy.hysteresis.hold.total_seconds())
    return None


def _reaches(objective: Objective, view: View, share: float) -> int | None:
    """Return when more than `share` of the budget is left: bad events leave a rolling window, good ones join it."""
    now = np.array([view.at], dtype=np.int64)
    of = spans(objective.window, now)
    bad, valid = view.between(of.starts, now)
    held = whole(objective, valid, of, now)
    if held[0] <= 0:
        return None
    if remaining(objective, bad, held)[0] > share:
        return view.at
    if isinstance(objective.window, Calendar):
        return bounds(objective.window, view.at)[1]
    edges = view.edges[view.edges >= of.starts[0]]
    ends = edges + of.lengths[0]
    bad, valid = view.between(edges, np.broadcast_to(now, edges.shape))
    # Good events to come dilute the damage where the window was not full of traffic from its start.
    valid += _pace(view) * (ends - view.at)
    solvent = np.flatnonzero(remaining(objective, bad, valid) > share)
    return int(ends[solvent[0]]) if len(solvent) else None


def _pace(view: View) -> float:
    """Return valid events a second over the part of the last day that has data."""
    day = view.counts(view.at - _DAY_S, view.at)
    return day.valid / day.covered_s if day.covered_s > 0 else 0.0
