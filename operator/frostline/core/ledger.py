"""The ledger of one objective: counted events in buckets of time, and sums over any window of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from frostline.core.indicator import Counted
from frostline.core.shelf import Shelf, States
from frostline.core.window import Rolling, Window, bounds, longest_s, phase_s

FINE_S: Final = 300
COARSE_S: Final = 3_600
FINE_HORIZON_S: Final = 30 * 3_600
"""For how long back five-minute buckets are kept: a day to fold levels over, and 6 h of burn before it."""
FOLD_S: Final = 24 * 3_600

_PER_HOUR: Final = COARSE_S // FINE_S

Floats = NDArray[np.float64]


class State(IntEnum):
    """What is known of one bucket."""

    UNKNOWN = 0
    """Not asked yet, or the question failed."""
    ABSENT = 1
    """Asked: Prometheus holds no valid series there."""
    NUMERATOR_ABSENT = 2
    """Valid events are known; the series of good or bad events are absent."""
    PRESENT = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """The events of one bucket: `start` in epoch seconds, `width_s` its length; no events unless `state` says so."""

    start: int
    width_s: int
    state: State
    bad: float = 0.0
    valid: float = 0.0


def entry(counted: Counted, start: int, width_s: int, numerator: float | None, valid: float | None) -> Entry:
    """Return the entry for what Prometheus answered, None where it has no series.

    Absent bad series are no bad events, for a counter is born with its first event. Absent good series are read
    as no good events here; whether that can be believed depends on the window (`Counts.numerator_seen`).
    """
    if valid is None:
        return Entry(start, width_s, State.ABSENT)
    state = State.NUMERATOR_ABSENT if numerator is None else State.PRESENT
    counts = numerator or 0.0
    return Entry(start, width_s, state, counts if counted is Counted.BAD else valid - counts, valid)


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive buckets of one width that are unknown: the first starts at `start`, the last at `last`."""

    start: int
    last: int
    width_s: int


class Ledger:
    """Buckets of five minutes for the last 30 hours and of an hour before that, as long as `window` needs."""

    def __init__(self, window: Window) -> None:
        self._window = window
        hours = -(-(longest_s(window) + FOLD_S) // COARSE_S)
        # A horizon rarely begins at the edge of an hour.
        self._fine = Shelf(FINE_S, FINE_HORIZON_S // FINE_S + _PER_HOUR)
        self._coarse = Shelf(COARSE_S, hours + 1)
        self._open: Entry | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return self._fine.nbytes + self._coarse.nbytes

    def record(self, entry: Entry) -> None:
        """Store a closed bucket; a later answer for the same bucket replaces the earlier one.

        Raises:
            ValueError: the bucket has no edge of its width, or a width that the ledger does not keep.
        """
        if entry.width_s not in (FINE_S, COARSE_S) or entry.start % self._edge_s(entry.width_s):
            raise ValueError(f"no bucket of the ledger begins at {entry.start} and is {entry.width_s} s wide")
        if entry.width_s == COARSE_S:
            _put(self._coarse, entry)
            return
        _put(self._fine, entry)
        self._fold_hour(self._hour(entry.start))

    def record_open(self, entry: Entry) -> None:
        """Store what the bucket that is still open holds so far; its end is the time of the figure."""
        self._open = entry

    def forget(self, start: int, end: int) -> None:
        """Make the buckets that lie in [start, end), or reach into it, unknown: they are asked for again."""
        self._fine.forget(start, end)
        self._coarse.forget(start, end)

    def _fold_hour(self, start: int) -> None:
        bad, valid, state = self._fine.read(start, start + COARSE_S)
        if (state == State.UNKNOWN).any() or not self._coarse.same_edges(start):
            return
        sums = (counts.sum(dtype=np.float64) for counts in (bad, valid))
        self._coarse.put(start, *sums, state=state.max())

    def gaps(self, at: int) -> Iterator[Gap]:
        """Yield runs of unknown closed buckets that a figure at `at` needs, newest first."""
        boundary = self._hour(at - FINE_HORIZON_S)
        yield from _runs(self._fine, boundary, open_bucket(at))
        yield from _runs(self._coarse, self._oldest(at), boundary)

    def _oldest(self, at: int) -> int:
        return self._hour(bounds(self._window, at - FOLD_S)[0])

    def _edge_s(self, width_s: int) -> int:
        # The hours of a calendar may begin in the middle of those of UTC.
        return width_s if isinstance(self._window, Rolling) else FINE_S

    def _hour(self, at: int) -> int:
        """Return the edge of an hour at or before `at`; hours begin where the window's periods do."""
        # What begins at the end of a period belongs to the next one.
        return at - (at - phase_s(self._window, at + 1)) % COARSE_S

    def view(self, at: int) -> "View":
        """Return running sums over everything known up to `at`."""
        oldest, boundary, opened = self._oldest(at), self._hour(at - FINE_HORIZON_S), open_bucket(at)
        coarse = self._coarse.read(oldest, boundary)
        fine = self._fine.read(boundary, opened)
        tail = self._open
        if tail is None or tail.start != opened:
            tail = Entry(opened, at - opened, State.UNKNOWN)
        return View(
            edges=_edges(oldest, boundary, opened, at),
            bad=np.concatenate((coarse[0], fine[0], (tail.bad,)), dtype=np.float64),
            valid=np.concatenate((coarse[1], fine[1], (tail.valid,)), dtype=np.float64),
            state=np.concatenate((coarse[2], fine[2], (tail.state,)), dtype=np.uint8, casting="unsafe"),
        )


def _put(shelf: Shelf, entry: Entry) -> None:
    shelf.put(entry.start, entry.bad, entry.valid, state=entry.state)


@lru_cache(maxsize=256)
def _edges(oldest: int, boundary: int, opened: int, at: int) -> NDArray[np.int64]:
    """Return the edges of a view, the same array for all objectives of a cycle that have the same window."""
    edges = np.concatenate(
        (np.arange(oldest, boundary, COARSE_S), np.arange(boundary, opened, FINE_S), (opened, at)), dtype=np.int64
    )
    edges.flags.writeable = False
    return edges


def _runs(shelf: Shelf, start: int, end: int) -> Iterator[Gap]:
    _, _, state = shelf.read(start, end)
    unknown = np.flatnonzero(state == State.UNKNOWN)
    if not len(unknown):
        return
    for run in reversed(np.split(unknown, np.flatnonzero(np.diff(unknown) > 1) + 1)):
        width = shelf.width_s
        yield Gap(start + int(run[0]) * width, start + int(run[-1]) * width, width)


def open_bucket(at: int) -> int:
    """Return the start of the bucket that ends at or after `at`: at an edge, the bucket that just closed."""
    return (at - 1) - (at - 1) % FINE_S


@dataclass(frozen=True, slots=True)
class Counts:
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


class View:
    """Running sums at one moment, so that any window costs two look-ups.

    Shapes: `edges` (n + 1,) epoch seconds, ascending; `bad`, `valid`, `state` (n,).
    """

    def __init__(self, *, edges: NDArray[np.int64], bad: Floats, valid: Floats, state: States) -> None:
        self.edges = edges
        self._bad = _running(bad)
        self._valid = _running(valid)
        self._state = state

    @property
    def start(self) -> int:
        """The start of the view, epoch seconds."""
        return int(self.edges[0])

    @property
    def at(self) -> int:
        """The end of the view, epoch seconds."""
        return int(self.edges[-1])

    @property
    def complete(self) -> bool:
        """Whether every bucket is known."""
        return bool((self._state != State.UNKNOWN).all())

    def counts(self, start: int, end: int) -> Counts:
        """Return the sums of the buckets from the one that holds `start` up to the edge at or before `end`."""
        first, last = self._floor_of(start), self._floor_of(end)
        seconds = np.bincount(
            self._state[first:last], weights=np.diff(self.edges[first : last + 1]), minlength=len(State)
        )
        return Counts(
            start=int(self.edges[first]),
            end=int(self.edges[last]),
            bad=float(self._bad[last] - self._bad[first]),
            valid=float(self._valid[last] - self._valid[first]),
            covered_s=float(seconds[State.NUMERATOR_ABSENT] + seconds[State.PRESENT]),
            unknown_s=float(seconds[State.UNKNOWN]),
            numerator_seen=bool(seconds[State.PRESENT] > 0),
        )

    def sums(self, ends: NDArray[np.int64], length_s: int | NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return (bad, valid) of the windows of `length_s` that end at each of `ends`; of their common shape."""
        return self.between(ends - length_s, ends)

    def between(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return (bad, valid) from each of `starts` to each of `ends`; of their common shape."""
        first, last = self._floor(starts), self._floor(ends)
        return self._bad[last] - self._bad[first], self._valid[last] - self._valid[first]

    def oldest_covered(self) -> int | None:
        """Return the start of the oldest bucket with data, or None when there is none."""
        covered = np.flatnonzero(self._state >= State.NUMERATOR_ABSENT)
        return int(self.edges[covered[0]]) if len(covered) else None

    def newest_covered(self) -> int | None:
        """Return the end of the newest bucket with data, or None when there is none."""
        covered = np.flatnonzero(self._state >= State.NUMERATOR_ABSENT)
        return int(self.edges[covered[-1] + 1]) if len(covered) else None

    def _floor(self, times: NDArray[np.int64]) -> NDArray[np.intp]:
        return np.maximum(self.edges.searchsorted(times, side="right") - 1, 0)

    def _floor_of(self, time: int) -> int:
        return max(int(self.edges.searchsorted(time, side="right")) - 1, 0)


def _running(values: Floats) -> Floats:
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, out=sums[1:])
    return sums
