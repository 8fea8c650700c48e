"""Views of ledgers: running sums up to one moment, for many objectives of one window at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from frostline.core.shelf import State, States

Floats = NDArray[np.float64]
Edges = NDArray[np.int64]


class Counts(NamedTuple):
    """Sums over [start, end): events, and how much of the time is known and has data, in seconds."""

    start: int
    end: int
    bad: float
    valid: float
    covered_s: float
    unknown_s: float
    numerator_seen: bool

    @property
    def coverage(self) -> float:
        """Share of the time in which valid series existed, 0 to 1."""
        length = self.end - self.start
        return self.covered_s / length if length > 0 else 0.0


class Views:
    """Running sums of m ledgers with the same edges at one moment, so that any window costs two look-ups.

    Shapes: `edges` (n + 1,) epoch seconds, ascending; `bad` and `valid` (m, n + 1), sums from 0 on; `state` (m, n).
    """

    def __init__(self, *, edges: Edges, bad: Floats, valid: Floats, state: States) -> None:
        self.edges = edges
        self._bad = bad
        self._valid = valid
        self._state = state

    def __getitem__(self, row: int) -> "View":
        """Return the view of one ledger."""
        return View(self._of(slice(row, row + 1)))

    def of(self, rows: list[int]) -> "Views":
        """Return the views of some ledgers."""
        return self if len(rows) == len(self._state) else self._of(rows)

    @property
    def start(self) -> int:
        """The start of the views, epoch seconds."""
        return int(self.edges[0])

    @property
    def at(self) -> int:
        """The end of the views, epoch seconds."""
        return int(self.edges[-1])

    @property
    def complete(self) -> list[bool]:
        """Whether every bucket is known, of each ledger."""
        known: list[bool] = (self._state != State.UNKNOWN).all(axis=1).tolist()
        return known

    def counts(self, start: int, end: int) -> list[Counts]:
        """Return, of each ledger, the sums from the bucket that holds `start` up to the edge at or before `end`."""
        first, last = self._floor(np.array([start, end])).tolist()
        seconds = np.diff(self.edges[first : last + 1]).astype(np.float64)
        state = self._state[:, first:last]
        columns = zip(
            (self._bad[:, last] - self._bad[:, first]).tolist(),
            (self._valid[:, last] - self._valid[:, first]).tolist(),
            ((state >= State.NUMERATOR_ABSENT) @ seconds).tolist(),
            ((state == State.UNKNOWN) @ seconds).tolist(),
            (state == State.PRESENT).any(axis=1).tolist(),
            strict=True,
        )
        return [Counts(int(self.edges[first]), int(self.edges[last]), *column) for column in columns]

    def sums(self, ends: Edges, length_s: int | Edges) -> tuple[Floats, Floats]:
        """Return (bad, valid) of the windows of `length_s` that end at each of `ends`; (m, *their common shape)."""
        return self.between(ends - length_s, ends)

    def between(self, starts: Edges, ends: Edges) -> tuple[Floats, Floats]:
        """Return (bad, valid) from each of `starts` to each of `ends`; (m, *their common shape)."""
        first, last = self._floor(starts), self._floor(ends)
        return self._bad[:, last] - self._bad[:, first], self._valid[:, last] - self._valid[:, first]

    def covered(self, row: int) -> NDArray[np.intp]:
        """Return the places of the buckets of one ledger that have data, ascending."""
        return np.flatnonzero(self._state[row] >= State.NUMERATOR_ABSENT)

    def _of(self, rows: slice | list[int]) -> "Views":
        return Views(edges=self.edges, bad=self._bad[rows], valid=self._valid[rows], state=self._state[rows])

    def _floor(self, times: Edges) -> NDArray[np.intp]:
        return np.maximum(self.edges.searchsorted(times, side="right") - 1, 0)


class View:
    """The view of one ledger; `alone` is the same as views of one."""

    def __init__(self, alone: Views) -> None:
        self.alone = alone

    @property
    def edges(self) -> Edges:
        """Epoch seconds, ascending; (n + 1,)."""
        return self.alone.edges

    @property
    def start(self) -> int:
        """The start of the view, epoch seconds."""
        return self.alone.start

    @property
    def at(self) -> int:
        """The end of the view, epoch seconds."""
        return self.alone.at

    @property
    def complete(self) -> bool:
        """Whether every bucket is known."""
        return self.alone.complete[0]

    def counts(self, start: int, end: int) -> Counts:
        """Return the sums of the buckets from the one that holds `start` up to the edge at or before `end`."""
        return self.alone.counts(start, end)[0]

    def sums(self, ends: Edges, length_s: int | Edges) -> tuple[Floats, Floats]:
        """Return (bad, valid) of the windows of `length_s` that end at each of `ends`; of their common shape."""
        return self.between(ends - length_s, ends)

    def between(self, starts: Edges, ends: Edges) -> tuple[Floats, Floats]:
        """Return (bad, valid) from each of `starts` to each of `ends`; of their common shape."""
        bad, valid = self.alone.between(starts, ends)
        return bad[0], valid[0]

    def oldest_covered(self) -> int | None:
        """Return the start of the oldest bucket with data, or None when there is none."""
        covered = self.alone.covered(0)
        return int(self.edges[covered[0]]) if len(covered) else None

    def newest_covered(self) -> int | None:
        """Return the end of the newest bucket with data, or None when there is none."""
        covered = self.alone.covered(0)
        return int(self.edges[covered[-1] + 1]) if len(covered) else None
