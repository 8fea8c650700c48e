"""From a ledger and the answers of one cycle to a verdict on one objective."""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from frostline.core.budget import Budget, budget, burn_rate, remaining, whole
from frostline.core.forecast import lifts_about
from frostline.core.indicator import Counted, Counters, counted, described
from frostline.core.ledger import Counts, Entry, State, View
from frostline.core.level import LevelState, fold, observations, set_back
from frostline.core.objective import Objective
from frostline.core.outcome import (
    Failed,
    Inconsistent,
    Measured,
    NoData,
    NoTraffic,
    Outcome,
    Partial,
    Rehydrating,
    SeriesLost,
    SeveralSeries,
    Stale,
)
from frostline.core.policy import Policy
from frostline.core.window import Rolling, Spans, bounds

STALE_AFTER_S: Final = 300
"""Age of the newest sample at which a figure is called stale: Prometheus's own lookback."""

BURN_WINDOWS_S: Final = (300, 1_800, 3_600, 6 * 3_600, 24 * 3_600)
"""Windows whose burn rates are reported."""

PRESENT_BURN_S: Final = 3_600
"""The window that 'the present burn' means."""

_ENOUGH_COVERAGE: Final = 0.1
_DAY_S: Final = 86_400

_TOLERATED_EXCESS: Final = 0.001
"""Good and valid series are scraped and answered at slightly different moments."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The account of one objective at epoch second `at`.

    Attributes:
        counts: events of the window.
        sli: good ÷ valid, 0 to 1; None without valid events.
        budget: what is left.
        burn: (window in seconds, burn rate), ascending by window.
    """

    at: int
    counts: Counts
    sli: float | None
    budget: Budget
    burn: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict of one cycle: how measuring went, the newest figure there is, and the level in force.

    `lifts_about` is the earliest epoch second at which a level that holds releases back may get better.
    """

    outcome: Outcome
    figure: Figure | None
    level: LevelState | None
    lifts_about: int | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """Prometheus answered this cycle; `newest` is the time of the newest valid sample, None when there is none."""

    newest: int | None


Answer: TypeAlias = Fresh | SeveralSeries | SeriesLost | Partial | Failed


def assess(
    objective: Objective,
    policy: Policy,
    *,
    answer: Answer,
    view: View,
    before: Assessment | None,
    standing: LevelState | None = None,
) -> Assessment:
    """Judge one objective at the view's end.

    `standing` is the state to fold from where nothing is remembered; None folds from nothing.
    A figure and a level survive every outcome that is no measurement: nothing gets better or worse unseen.
    """
    window = _window(objective, view)
    outcome = _outcome(objective, answer, view, window)
    match outcome:
        case Measured() | NoTraffic():
            state = standing if before is None or before.level is None else before.level
            if state is not None and state.at > view.at:
                state = set_back(state, view.at)
            seen = observations(objective, policy, view, None if state is None else state.at)
            level = fold(policy, state, seen)
            figures = _from_view(objective, view, window)
            return Assessment(outcome, figures, level, lifts_about(objective, policy, view, level))
        case _ if before is None:
            return Assessment(outcome, None, None)
        case _:
            return replace(before, outcome=outcome)


def well_covered(objective: Objective, counts: Counts) -> bool:
    """Return whether enough of the window has data to begin a freeze by, or to judge its traffic: a tenth, or a day."""
    if isinstance(objective.window, Rolling):
        return counts.coverage >= _ENOUGH_COVERAGE
    return counts.covered_s >= _DAY_S


def figure(objective: Objective, view: View) -> Figure:
    """Return the account that the view's buckets give."""
    return _from_view(objective, view, _window(objective, view))


def _window(objective: Objective, view: View) -> Counts:
    return view.counts(bounds(objective.window, view.at)[0], view.at)


def _from_view(objective: Objective, view: View, counts: Counts) -> Figure:
    # Good series scraped a moment before the valid ones give a short window with a few bad events below none.
    rates = np.maximum(burn_rate(objective, *view.sums(np.array([view.at]), np.array(BURN_WINDOWS_S))), 0.0)
    return _figure(objective, counts, tuple(zip(BURN_WINDOWS_S, rates.tolist(), strict=True)))


def figure_from_sums(objective: Objective, at: int, bad: float, valid: float) -> Figure:
    """Return the account from two sums over the whole window, while the buckets are still being read."""
    start = bounds(objective.window, at)[0]
    counts = Counts(
        start=start,
        end=at,
        bad=bad,
        valid=valid,
        covered_s=0.0,
        unknown_s=float(at - start),
        numerator_seen=True,
    )
    return _figure(objective, counts, ())


def _figure(objective: Objective, counts: Counts, rates: tuple[tuple[int, float], ...]) -> Figure:
    counts = replace(counts, bad=min(max(counts.bad, 0.0), counts.valid))
    start, end = bounds(objective.window, counts.end)
    of = Spans(np.array([start]), np.array([end - start]))
    held = whole(objective, np.array([counts.valid]), of, np.array([counts.end]))
    left = float(remaining(objective, np.array([counts.bad]), held)[0])
    rest = end - start if isinstance(objective.window, Rolling) else end - counts.end
    return Figure(
        at=counts.end,
        counts=counts,
        sli=1.0 - counts.bad / counts.valid if counts.valid > 0 else None,
        budget=budget(objective, left, dict(rates).get(PRESENT_BURN_S, 0.0), end - start, rest),
        burn=rates,
    )


def _outcome(objective: Objective, answer: Answer, view: View, window: Counts) -> Outcome:
    if not isinstance(answer, Fresh):
        return answer
    if window.covered_s == 0 and window.unknown_s == 0 and answer.newest is None:
        return NoData(f"no series matches the valid events {described(objective.indicator)}")
    newest = view.newest_covered() if answer.newest is None else answer.newest
    if answer.newest is None and newest and view.at - newest > STALE_AFTER_S:
        return Stale(newest)
    # Levels are folded over the day before the window as well: all of it must be known.
    if not view.complete:
        everything = view.counts(view.start, view.at)
        return Rehydrating(known=1.0 - everything.unknown_s / (everything.end - everything.start))
    if window.valid <= 0:
        return NoTraffic()
    return _contradiction(objective, window) or Measured()


def believable(objective: Objective, sums: Entry) -> bool:
    """Return whether sums over a whole window contradict neither themselves nor what must be there."""
    if sums.state is State.NUMERATOR_ABSENT and counted(objective.indicator) is Counted.GOOD:
        return False
    return -_excess(sums.valid) <= sums.bad <= sums.valid + _excess(sums.valid)


def _excess(valid: float) -> float:
    return _TOLERATED_EXCESS * valid + 1.0


def _contradiction(objective: Objective, window: Counts) -> Outcome | None:
    indicator = objective.indicator
    if counted(indicator) is Counted.GOOD and not window.numerator_seen:
        missing = indicator.numerator if isinstance(indicator, Counters) else described(indicator)
        return NoData(f"valid events exist, but no series matches the good events {missing}")
    excess = _excess(window.valid)
    if window.bad < -excess:
        return Inconsistent(f"more good events ({window.valid - window.bad:.0f}) than valid ones ({window.valid:.0f})")
    if window.bad > window.valid + excess:
        return Inconsistent(f"more bad events ({window.bad:.0f}) than valid ones ({window.valid:.0f})")
    return None
