"""The earliest moment at which a budget that holds releases back may let them go, if nothing goes wrong until then."""

import numpy as np

from frostline.core.budget import remaining, whole
from frostline.core.ledger import View
from frostline.core.level import LevelState
from frostline.core.objective import Objective
from frostline.core.policy import Level, Policy
from frostline.core.window import Calendar, bounds, spans

_PERCENT = 100.0


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
        held = state.better_since if state.better is not None else view.at
        begins = None if solvent is None else max(solvent, held)
        return None if begins is None else begins + int(policy.hysteresis.hold.total_seconds())
    return None


def _reaches(objective: Objective, view: View, share: float) -> int | None:
    """Return when more than `share` of the budget is left: bad events leave a rolling window one by one."""
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
    later_bad, _ = view.between(edges, np.broadcast_to(now, edges.shape))
    solvent = np.flatnonzero(remaining(objective, later_bad, np.broadcast_to(held, edges.shape)) > share)
    return int(edges[solvent[0]] + of.lengths[0]) if len(solvent) else None
