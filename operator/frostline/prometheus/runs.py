"""Runs of buckets whose counts come from another question than those of their neighbours."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from frostline.core.ledger import Gap
from frostline.prometheus.source import Counted, Missing, Points

_NEAR: Final = 6
"""Up to how many buckets apart two runs of buckets cost less in one query than in two."""


def runs(ends: Sequence[int], width_s: int) -> Iterator[Gap]:
    """Yield the runs of the buckets with these `ends`, which ascend; runs that are near to each other are one."""
    breaks = [index for index in range(1, len(ends)) if ends[index] - ends[index - 1] > _NEAR * width_s]
    for first, after in pairwise((0, *breaks, len(ends)) if ends else ()):
        yield Gap(ends[first] - width_s, ends[after - 1] - width_s, width_s)


def put_in(run: Gap, before: Counted | Missing, other: Counted | Missing) -> Counted | Missing:
    """Return an answer with another one in its place in the buckets of `run`; a failure if either is one."""
    if not isinstance(before, Counted):
        return before
    if not isinstance(other, Counted):
        return other
    inside = range(run.start + run.width_s, run.last + run.width_s + 1)

    def put(old: Points, new: Points) -> Points:
        return {**{end: value for end, value in old.items() if end not in inside}, **new}

    return Counted(put(before.numerator, other.numerator), put(before.valid, other.valid))
