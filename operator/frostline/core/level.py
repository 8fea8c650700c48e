"""The level machine: worse at once, better only beyond the bound and after a hold, out of Exhausted by the lift.

State and observation in, state out; a restart folds the same machine over the ledger's last day.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class LevelState:
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
        return state if state.better is None else replace(state, better=None, better_since=0)
    if state.better is None:
        return replace(state, better=candidate, better_since=seen.at)
    better = worst(state.better, candidate)
    if seen.at - state.better_since >= policy.hysteresis.hold.total_seconds():
        return LevelState(better, since=seen.at, at=seen.at, burn=state.burn)
    return replace(state, better=better)


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


def observations(
    objective: Promised, policy: Policy, views: Views, since: Sequence[int | None]
) -> Iterator[Observations]:
    """Yield, for each view, what was to be seen at each bucket edge after its `since` and at the view's end.

    Without `since`: after the first data, a day back at most.
    """
    newest = open_bucket(views.at)
    begun = [
        max(views.at - FOLD_S, views[row].oldest_covered() or views.at if each is None else each)
        for row, each in enumerate(since)
    ]
    oldest = min(begun)
    first = oldest - oldest % FINE_S + FINE_S
    edges = np.append(np.arange(first, newest + 1, FINE_S, dtype=np.int64), np.int64(views.at))
    hold = int(policy.lift.hold.total_seconds())
    windows = (policy.burn.long, policy.burn.short, policy.lift.burn_window, timedelta(seconds=FINE_S))
    sums = [views.sums(edges, int(window.total_seconds())) for window in windows]
    burn_long, burn_short, burn_lift, _ = (burn_rate(objective, bad, valid) for bad, valid in sums)
    left = remaining_at(objective, views, np.concatenate((edges - hold, edges)))
    columns = (
        left[:, len(edges) :],
        left[:, : len(edges)],
        burn_long,
        burn_short,
        sums[0][0],
        burn_lift,
        sums[3][1] > 0,
    )
    turned = _turned(policy, left[:, len(edges) :], np.minimum(burn_long, burn_short), sums[0][0])
    for row, each in enumerate(begun):
        start_at = min(int(edges.searchsorted(each, side="right")), len(edges) - 1)
        seen = [column[row, start_at:].tolist() for column in columns]
        yield Observations(edges[start_at:].tolist(), seen, np.flatnonzero(turned[row, start_at:]).tolist())


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
    return state if not seen or state.at == seen[-1].at else replace(state, at=seen[-1].at)


def _rests(before: LevelState | None, state: LevelState) -> bool:
    """Return whether a step changed nothing, so that another one of the same observation would not either."""
    if before is None or state.level is Level.EXHAUSTED or state.better is not None:
        return False
    return (before.level, before.burn, before.better) == (state.level, state.burn, None)
