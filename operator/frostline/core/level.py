"""The level machine: worse at once, better only beyond the bound and after a hold, out of Exhausted by the lift.

State and observation in, state out; a restart folds the same machine over the ledger's last day.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from frostline.core.budget import Promised, burn_rate, remaining_at
from frostline.core.ledger import FINE_S, FOLD_S, open_bucket
from frostline.core.policy import BurnBounds, Level, Policy, worst
from frostline.core.view import Floats, Views

_PERCENT: Final = 100.0
_STEPS_A_HOLD: Final = 5
_COARSE_HOLD_S: Final = 2 * FINE_S
"""From here on the edges of buckets are near enough to where a hold began."""


class Observation(NamedTuple):
    """What the machine sees at one moment.

    Attributes:
        at: epoch seconds.
        remaining: share of the budget left; `remaining_before` the same one lift hold earlier.
        burn_long, burn_short: burn rates over the policy's two burn windows.
        bad_long: bad events in the long one.
        burn_lift: burn rate over the lift's window.
        traffic: whether valid events came in since the moment before.
    """

    at: int
    remaining: float
    remaining_before: float
    burn_long: float
    burn_short: float
    bad_long: float
    burn_lift: float
    traffic: bool


class LevelState(NamedTuple):
    """Where the machine stands.

    Attributes:
        level: the level in force, since epoch second `since`.
        at: moment of the last observation.
        burn: the level that burn alone asks for, kept until it clears.
        better: the level that an improvement leads to, sought since `better_since`; None when none is in sight.
        calm_s: seconds with traffic, while Exhausted, in which burn has stayed below the lift's bound.
        trail: (epoch second, share left) while Exhausted, oldest first, where the ledger's buckets are too coarse for
            the lift's hold. The first is the newest one that is older than the hold, where there is one.
    """

    level: Level
    since: int
    at: int
    burn: Level = Level.HEALTHY
    better: Level | None = None
    better_since: int = 0
    calm_s: int = 0
    trail: tuple[tuple[int, float], ...] = ()


def table(policy: Policy, left: float, margin: float = 0.0) -> Level:
    """Return the level for a remaining share; each bound below Exhausted is raised by `margin` percent points."""
    percent = left * _PERCENT
    if percent <= 0:
        return Level.EXHAUSTED
    if percent < float(policy.endangered) + margin:
        return Level.ENDANGERED
    if percent <= float(policy.depleting) + margin:
        return Level.DEPLETING
    return Level.HEALTHY


def start(policy: Policy, seen: Observation) -> LevelState:
    """Return the state of a machine that has no past."""
    burn = _burn_level(policy.burn, Level.HEALTHY, seen)
    return LevelState(worst(table(policy, seen.remaining), burn), since=seen.at, at=seen.at, burn=burn)


def step(policy: Policy, state: LevelState, seen: Observation) -> LevelState:
    """Return the state after one observation, which must not be older than the last one.

    Raises:
        ValueError: the observation lies before the state.
    """
    if seen.at < state.at:
        raise ValueError(f"observation at {seen.at} is older than the state at {state.at}")
    burn = _burn_level(policy.burn, state.burn, seen)
    calm = _calm(policy, state, seen) if state.level is Level.EXHAUSTED else 0
    trail = _trail(policy, state, seen)
    state = LevelState(state.level, state.since, seen.at, burn, state.better, state.better_since, calm, trail)
    asked = worst(table(policy, seen.remaining), burn)
    if asked.rank > state.level.rank:
        return LevelState(asked, since=seen.at, at=seen.at, burn=burn)
    if state.level is Level.EXHAUSTED:
        return _lift(policy, state, seen, asked)
    return _improve(policy, state, seen, worst(table(policy, seen.remaining, float(policy.hysteresis.margin)), burn))


def set_back(state: LevelState, at: int) -> LevelState | None:
    """Return the state when Prometheus's clock goes back to `at`: what lies ahead of it was never seen.

    A freeze is no less in force; None for every other level, which is told again from what there was to see.
    """
    return LevelState(Level.EXHAUSTED, since=state.since, at=at) if state.level is Level.EXHAUSTED else None


def _burn_level(bounds: BurnBounds, held: Level, seen: Observation) -> Level:
    slower = min(seen.burn_long, seen.burn_short)
    enough = seen.bad_long >= bounds.minimum_bad
    for level, bound in ((Level.ENDANGERED, bounds.endangered), (Level.DEPLETING, bounds.depleting)):
        if enough and slower > float(bound):
            return level
        if held.rank >= level.rank and slower > float(bound * bounds.clears_at):
            return level
    return Level.HEALTHY


def _calm(policy: Policy, state: LevelState, seen: Observation) -> int:
    if seen.burn_lift >= float(policy.lift.burn):
        return 0
    # An interval longer than a bucket was not watched: it proves no calm.
    watched = min(seen.at - state.at, FINE_S)
    return state.calm_s + (watched if seen.traffic else 0)


def _trail(policy: Policy, state: LevelState, seen: Observation) -> tuple[tuple[int, float], ...]:
    hold = policy.lift.hold.total_seconds()
    if state.level is not Level.EXHAUSTED or hold >= _COARSE_HOLD_S:
        return ()
    trail = state.trail
    if not trail or seen.at - trail[-1][0] >= hold / _STEPS_A_HOLD:
        trail = (*trail, (seen.at, seen.remaining))
    while len(trail) > 1 and trail[1][0] <= seen.at - hold:
        trail = trail[1:]
    return trail


def _lift(policy: Policy, state: LevelState, seen: Observation, asked: Level) -> LevelState:
    # At the reset of a calendar period the budget is whole, and cannot grow.
    hold = policy.lift.hold.total_seconds()
    before = seen.remaining_before
    if state.trail and state.trail[0][0] <= seen.at - hold:
        before = state.trail[0][1]
    grown = seen.remaining > 0 and (seen.remaining > before or seen.remaining >= 1)
    if grown and state.calm_s >= hold:
        return LevelState(asked, since=seen.at, at=seen.at, burn=state.burn)
    return state


def _improve(policy: Policy, state: LevelState, seen: Observation, candidate: Level) -> LevelState:
    if candidate.rank >= state.level.rank:
        return state if state.better is None else state._replace(better=None, better_since=0)
    if state.better is None:
        return state._replace(better=candidate, better_since=seen.at)
    better = worst(state.better, candidate)
    if seen.at - state.better_since >= policy.hysteresis.hold.total_seconds():
        return LevelState(better, since=seen.at, at=seen.at, burn=state.burn)
    return state._replace(better=better)


class Observations(Sequence[Observation]):
    """What was to be seen of one objective, in order of time; `turns` are the places where the machine sees a change.

    Between two of them all observations look the same to it: every comparison that it makes comes out alike.
    """

    def __init__(self, at: list[int], columns: list[list[Any]], turns: list[int]) -> None:
        self._columns = at, *columns
        self._turns = turns

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, place: int) -> Observation: ...
    @overload
    def __getitem__(self, place: slice) -> "list[Observation]": ...
    def __getitem__(self, place: int | slice) -> "Observation | list[Observation]":
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return Observation(*(column[place] for column in self._columns))

    def turn(self, place: int) -> int:
        """Return the first turn at or after a place; the length where none comes."""
        index = bisect_left(self._turns, place)
        return self._turns[index] if index < len(self._turns) else len(self)


class Seen:
    """What was to be seen of m objectives at each bucket edge after their `since`, and at the end of their views.

    Without `since`: after the first data, a day back at most.
    """

    def __init__(self, objective: Promised, policy: Policy, views: Views, since: Sequence[int | None]) -> None:
        self._policy = policy
        self._begun = [
            max(views.at - FOLD_S, views[row].oldest_covered() or views.at if each is None else each)
            for row, each in enumerate(since)
        ]
        oldest, newest = min(self._begun), open_bucket(views.at)
        first = oldest - oldest % FINE_S + FINE_S
        edges = np.append(np.arange(first, newest + 1, FINE_S, dtype=np.int64), np.int64(views.at))
        hold = int(policy.lift.hold.total_seconds())
        windows = (policy.burn.long, policy.burn.short, policy.lift.burn_window, timedelta(seconds=FINE_S))
        sums = [views.sums(edges, int(window.total_seconds())) for window in windows]
        burn_long, burn_short, burn_lift, _ = (burn_rate(objective, bad, valid) for bad, valid in sums)
        left = remaining_at(objective, views, np.concatenate((edges - hold, edges)))
        self._edges, self._left = edges, left[:, len(edges) :]
        self._bad, self._slower = sums[0][0], np.minimum(burn_long, burn_short)
        before, traffic = left[:, : len(edges)], sums[3][1] > 0
        self._columns = self._left, before, burn_long, burn_short, self._bad, burn_lift, traffic
        self._turned = _turned(policy, self._left, self._slower, self._bad)

    def __getitem__(self, row: int) -> Observations:
        """Return what was to be seen of one objective."""
        start_at = min(int(self._edges.searchsorted(self._begun[row], side="right")), len(self._edges) - 1)
        seen = [column[row, start_at:].tolist() for column in self._columns]
        turns = np.flatnonzero(self._turned[row, start_at:]).tolist()
        return Observations(self._edges[start_at:].tolist(), seen, turns)

    def still(self, states: Sequence[LevelState | None]) -> list[bool]:
        """Return whether nothing that was to be seen changes a state: no burn, and a budget that asks for its level."""
        percent, policy = self._left * _PERCENT, self._policy
        ranks = np.array([[-1 if state is None or not _is_calm(state) else state.level.rank] for state in states])
        burns = (self._bad >= policy.burn.minimum_bad) & (self._slower > float(policy.burn.depleting))
        asked, hoped = (_ranks(policy, percent, margin) for margin in (0.0, float(policy.hysteresis.margin)))
        seen = self._edges > np.array(self._begun)[:, None]
        seen[:, -1] = True
        same: list[bool] = np.all(~seen | (~burns & (asked <= ranks) & (ranks <= hoped)), axis=1).tolist()
        return same


def _is_calm(state: LevelState) -> bool:
    return state.level is not Level.EXHAUSTED and state.burn is Level.HEALTHY and state.better is None


def _ranks(policy: Policy, percent: Floats, margin: float) -> NDArray[np.int64]:
    """Return the ranks of the levels that `table` returns."""
    bounds = (
        percent <= float(policy.depleting) + margin,
        percent < float(policy.endangered) + margin,
        percent <= 0,
    )
    levels = (Level.DEPLETING, Level.ENDANGERED, Level.EXHAUSTED)
    ranks = np.full(percent.shape, Level.HEALTHY.rank, dtype=np.int64)
    for level, within in zip(levels, bounds, strict=True):
        ranks[within] = level.rank
    return ranks


def folded(objective: Promised, policy: Policy, views: Views, states: Sequence[LevelState | None]) -> list[LevelState]:
    """Return the state of each objective at the end of its view: its machine run over what was to be seen since.

    Of a large fleet nearly all stay as they are, and of those that can be told without a step.
    """
    table = Seen(objective, policy, views, [None if state is None else state.at for state in states])
    still = table.still(states)
    return [
        state._replace(at=views.at, calm_s=0, trail=())
        if state is not None and still[row]
        else fold(policy, state, table[row])
        for row, state in enumerate(states)
    ]


def _turned(policy: Policy, left: Floats, slower: Floats, bad: Floats) -> NDArray[np.bool_]:
    """Return where a comparison of `table` or `_burn_level` comes out otherwise than at the moment before."""
    percent = left * _PERCENT
    compared = [percent <= 0, bad >= policy.burn.minimum_bad]
    for margin in (0.0, float(policy.hysteresis.margin)):
        compared += [percent < float(policy.endangered) + margin, percent <= float(policy.depleting) + margin]
    for bound in (policy.burn.endangered, policy.burn.depleting):
        compared += [slower > float(bound), slower > float(bound * policy.burn.clears_at)]
    turned = np.zeros(left.shape, dtype=np.bool_)
    for each in compared:
        turned[:, 1:] |= each[:, 1:] != each[:, :-1]
    return turned


def fold(policy: Policy, state: LevelState | None, seen: Sequence[Observation]) -> LevelState:
    """Run the machine over observations in order of time, from `state` or from nothing.

    Raises:
        ValueError: there is neither a state nor an observation.
    """
    place = 0
    while place < len(seen):
        before = state
        state = start(policy, seen[place]) if state is None else step(policy, state, seen[place])
        place += 1
        if isinstance(seen, Observations) and _rests(before, state):
            place = seen.turn(place)
    if state is None:
        raise ValueError("no observation to take a level from")
    return state if not seen or state.at == seen[-1].at else state._replace(at=seen[-1].at)


def _rests(before: LevelState | None, state: LevelState) -> bool:
    """Return whether a step changed nothing, so that another one of the same observation would not either."""
    if before is None or state.level is Level.EXHAUSTED or state.better is not None:
        return False
    return (before.level, before.burn, before.better) == (state.level, state.burn, None)
