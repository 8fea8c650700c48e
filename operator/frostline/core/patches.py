"""Which buckets to count otherwise, as rules saw a part of them only: where that matters, and what is near them."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import Final, NamedTuple

from frostline.core.burn import nominal_s
from frostline.core.ledger import Gap
from frostline.core.objective import Objective

MOST_NEAR: Final = 12
"""How many buckets are counted otherwise at most on each side of those that have to be."""

_VARIES: Final = 0.1
_MATTERS: Final = 0.001
"""Where evaluations are missing it matters if bad events vary by that share of themselves, and of the budget."""


class Patches(NamedTuple):
    """Ends of buckets that rules saw in part only: as scrapes are missing around them, or evaluations alone."""

    scrapes: frozenset[int]
    evaluations: frozenset[int]


def that_matter(
    patches: Patches, objective: Objective, gap: Gap, valid: Mapping[int, float], bad: Mapping[int, float]
) -> set[int]:
    """Return which patchy buckets may be wrong, given events by the ends of the buckets of `gap`.

    What happened while there were no scrapes is in no average. Evaluations that are missing change one only where bad
    events vary.
    """
    length_s = gap.last + gap.width_s - gap.start
    # Of what began in the gap there is no more than what is in there.
    whole = max(nominal_s(objective.window) / length_s, 1.0) if gap.ends[0] in valid else 1.0
    budget = objective.share * sum(valid.values()) * whole
    # What happened meanwhile shows where scrapes began again: averages lag, so that may be the bucket after.
    found = {each for end in patches.scrapes for each in (end, end + gap.width_s)}
    for end in patches.evaluations:
        here = [bad[each] for each in (end - gap.width_s, end, end + gap.width_s) if each in bad]
        most, least = max(here, default=0.0), min(here, default=0.0)
        if most - least > max(_VARIES * most, _MATTERS * budget):
            found.add(end)
    return found


def beside_holes(ends: Collection[int], seen: Collection[int], width_s: int) -> Iterator[int]:
    """Yield the ends of the buckets beside holes: of the last one `seen` before `ends` in a row, and of two after them.

    What happened since its last evaluation is not in the one before, and what happened in a hole shows where scrapes
    begin again: averages lag, so that may be in the second one after it. Where nothing was seen before, rules began.
    """
    for end in ends:
        if end - width_s in seen:
            yield end - width_s
    oldest = min(seen, default=sys.maxsize)
    for end in ends:
        if end > oldest and end + width_s not in ends:
            yield from (end + width_s, end + 2 * width_s)


def near(ends: Collection[int], bad: Mapping[int, float], width_s: int, last: int) -> Iterator[int]:
    """Yield the ends of buckets on both sides of those with these `ends`, up to the edge across which least was moved.

    Averages move events to the buckets beside. Where one bucket is an average and its neighbour is none, what was moved
    across the edge between them is lost, or counts twice. None of them ends after `last`.
    """
    for end in ends:
        for step in (width_s, -width_s):
            beside = range(end + step, end + (MOST_NEAR + 1) * step, step)
            run = list(takewhile(lambda each: each in bad and each not in ends and each <= last, beside))
            yield from run[: _quietest([bad[each] for each in run], bad.get(end + (len(run) + 1) * step))]


def _quietest(bad: Sequence[float], then: float | None) -> int:
    """Return how many of these lie before the edge across which least was moved; of several the nearest edge.

    What was moved across an edge leaves something on both sides of it; what is beyond the first of these is not known.
    `then` comes after the last; where that is not known it is taken to be like it.
    """
    if not bad:
        return 0
    edges = [bad[0], *(min(each) for each in pairwise((*bad, bad[-1] if then is None else then)))]
    return min(range(len(edges)), key=edges.__getitem__)
