"""From a ledger and the answers of one cycle to a verdict on one objective."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from frostline.core.budget import Budget, Promised, budget, burn_rate, remaining, whole
from frostline.core.forecast import lifts_about
from frostline.core.indicator import Counted, Counters, counted, described
from frostline.core.ledger import Entry, Ledger, views
from frostline.core.level import LevelState, folded, set_back
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
from frostline.core.policy import Level, Policy
from frostline.core.shelf import State
from frostline.core.view import Counts, Floats, View, Views
from frostline.core.window import Rolling, Spans, Window, bounds

STALE_AFTER_S: Final = 300
"""Age of the newest sample at which a figure is called stale: Prometheus's own lookback."""

BURN_WINDOWS_S: Final = (300, 1_800, 3_600, 6 * 3_600, 24 * 3_600)
"""Windows whose burn rates are reported."""

PRESENT_BURN_S: Final = 3_600
"""The window that 'the present burn' means."""
_PRESENT: Final = BURN_WINDOWS_S.index(PRESENT_BURN_S)

_AT_ONCE: Final = 256
"""Ledgers that are looked at together: enough to spread the cost of a call, few enough for the processor's cache."""

_ENOUGH_COVERAGE: Final = 0.1
_DAY_S: Final = 86_400

_TOLERATED_EXCESS: Final = 0.001
"""Good and valid series are scraped and answered at slightly different moments."""


_Rates: TypeAlias = tuple[tuple[int, float], ...]


class Figure(NamedTuple):
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
    burn: _Rates


class Assessment(NamedTuple):
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


class Case(NamedTuple):
    """One objective to be judged: by which policy, what Prometheus answered, and what was known before.

    `standing` is the state to fold from where nothing is remembered; None folds from nothing.
    """

    objective: Objective
    policy: Policy
    answer: Answer
    before: Assessment | None
    standing: LevelState | None = None


def assess(case: Case, view: View) -> Assessment:
    """Judge one objective at the view's end.

    A figure and a level survive every outcome that is no measurement: nothing gets better or worse unseen.
    """
    return assess_alike([case], view.alone)[0]


def assess_all(cases: Sequence[tuple[Case, Ledger]], at: int) -> list[Assessment]:
    """Judge objectives at epoch second `at`, those that have the same window and the same policy together."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, (case, _) in enumerate(cases):
        # Policies hold mappings and so have no hash; they live as long as the cases.
        groups[case.objective.window, case.objective.slice_s, id(case.policy)].append(place)
    found: dict[int, Assessment] = {}
    for group in groups.values():
        for first in range(0, len(group), _AT_ONCE):
            places = group[first : first + _AT_ONCE]
            chosen = [cases[place][0] for place in places]
            found.update(
                zip(places, assess_alike(chosen, views([cases[place][1] for place in places], at)), strict=True)
            )
    return [found[place] for place in range(len(cases))]


@dataclass(frozen=True, slots=True)
class _Alike:
    """Objectives that have all but their targets in common; `share` of (m, 1)."""

    share: Floats
    window: Window
    slice_s: int | None


def _together(cases: Sequence[Case]) -> _Alike:
    first = cases[0].objective
    return _Alike(np.array([[case.objective.share] for case in cases]), first.window, first.slice_s)


def assess_alike(cases: Sequence[Case], views: Views) -> list[Assessment]:
    """Judge objectives that have one window, one length of slices and one policy, at the end of their views."""
    windows = views.counts(bounds(cases[0].objective.window, views.at)[0], views.at)
    complete = views.complete
    # Levels are folded over the day before the window as well: all of it must be known.
    known = _known(views) if not all(complete) else [1.0] * len(cases)
    outcomes = [
        _outcome(case, views, row, windows[row], known=None if complete[row] else known[row])
        for row, case in enumerate(cases)
    ]
    moved = [row for row, outcome in enumerate(outcomes) if isinstance(outcome, Measured | NoTraffic)]
    judged = _moved([cases[row] for row in moved], views.of(moved), [windows[row] for row in moved]) if moved else []
    after = {
        row: Assessment(outcomes[row], figures, level, lifts)
        for row, (figures, level, lifts) in zip(moved, judged, strict=True)
    }
    return [after.get(row) or unmeasured(outcome, cases[row].before) for row, outcome in enumerate(outcomes)]


def unmeasured(outcome: Outcome, before: Assessment | None) -> Assessment:
    """Return the verdict where there is no measurement: figure and level stay as they were."""
    return Assessment(outcome, None, None) if before is None else before._replace(outcome=outcome)


def _moved(
    cases: Sequence[Case], views: Views, windows: Sequence[Counts]
) -> Iterator[tuple[Figure, LevelState, int | None]]:
    states = [_state(case, views.at) for case in cases]
    alike, policy = _together(cases), cases[0].policy
    levels = folded(alike, policy, views, states)
    figures = _from_views([case.objective for case in cases], alike, views, windows)
    for row, (case, level, account) in enumerate(zip(cases, levels, figures, strict=True)):
        holds = level.level.rank >= Level.ENDANGERED.rank
        yield account, level, lifts_about(case.objective, policy, views[row], level) if holds else None


def _state(case: Case, at: int) -> LevelState | None:
    state = case.standing if case.before is None or case.before.level is None else case.before.level
    return set_back(state, at) if state is not None and state.at > at else state


def well_covered(objective: Objective, counts: Counts) -> bool:
    """Return whether enough of the window has data to begin a freeze by, or to judge its traffic: a tenth, or a day."""
    if isinstance(objective.window, Rolling):
        return counts.coverage >= _ENOUGH_COVERAGE
    return counts.covered_s >= _DAY_S


def figure(objective: Objective, view: View) -> Figure:
    """Return the account that the view's buckets give."""
    window = view.counts(bounds(objective.window, view.at)[0], view.at)
    return _from_views([objective], objective, view.alone, [window])[0]


def _from_views(
    objectives: Sequence[Objective], alike: Promised, views: Views, windows: Sequence[Counts]
) -> list[Figure]:
    # Good series scraped a moment before the valid ones give a short window with a few bad events below none.
    rates = np.maximum(burn_rate(alike, *views.sums(np.array([views.at]), np.array(BURN_WINDOWS_S))), 0.0).tolist()
    return _figures(objectives, alike, windows, [tuple(zip(BURN_WINDOWS_S, each, strict=True)) for each in rates])


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
    return _figures([objective], objective, [counts], [()])[0]


def _figures(
    objectives: Sequence[Objective], alike: Promised, windows: Sequence[Counts], rates: Sequence[_Rates]
) -> list[Figure]:
    """Return the accounts of objectives that are alike, at the end of their windows, which is the same."""
    at = windows[0].end
    bad = np.array([[min(max(counts.bad, 0.0), counts.valid)] for counts in windows])
    valid = np.array([[counts.valid] for counts in windows])
    start, end = bounds(alike.window, at)
    of = Spans(np.array([start]), np.array([end - start]))
    left = remaining(alike, bad, whole(alike, valid, of, np.array([at])) + np.zeros_like(bad))
    rest = end - start if isinstance(alike.window, Rolling) else end - at
    return [
        Figure(
            at=at,
            counts=counts if counts.bad == spent else counts._replace(bad=spent),
            sli=1.0 - spent / counts.valid if counts.valid > 0 else None,
            budget=budget(objective, share, burn[_PRESENT][1] if burn else 0.0, end - start, rest),
            burn=burn,
        )
        for objective, counts, spent, share, burn in zip(
            objectives, windows, bad[:, 0].tolist(), left[:, 0].tolist(), rates, strict=True
        )
    ]


def _known(views: Views) -> list[float]:
    """Return which share of each view is known."""
    return [1.0 - counts.unknown_s / (counts.end - counts.start) for counts in views.counts(views.start, views.at)]


def _outcome(case: Case, views: Views, row: int, window: Counts, *, known: float | None) -> Outcome:
    """Return how measuring went; `known` is the share that is, None where all of it is."""
    objective, answer = case.objective, case.answer
    if not isinstance(answer, Fresh):
        return answer
    if window.covered_s == 0 and window.unknown_s == 0 and answer.newest is None:
        return NoData(f"no series matches the valid events {described(objective.indicator)}")
    if answer.newest is None:
        newest = views[row].newest_covered()
        if newest and views.at - newest > STALE_AFTER_S:
            return Stale(newest)
    if known is not None:
        return Rehydrating(known)
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
