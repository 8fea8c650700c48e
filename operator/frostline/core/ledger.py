"""The ledger of one objective: counted events in buckets of time, and sums over any window of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from frostline.core.indicator import Counted
from frostline.core.window import Rolling, Window, bounds, longest_s, phase_s

FINE_S: Final = 300
COARSE_S: Final = 3_600
FINE_HORIZON_S: Final = 30 * 3_600
"""For how long back five-minute buckets are kept: a day to fold levels over, and 6 h of burn before it."""
FOLD_S: Final = 24 * 3_600

_PER_HOUR: Final = COARSE_S // FINE_S
_SPARE_COARSE: Final = 3
_SPARE_FINE: Final = 2 * _PER_HOUR

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


class _Ring:
    """Buckets of one width, addressed by their start; a slot whose start differs is unknown."""

    def __init__(self, width_s: int, size: int) -> None:
        self.width_s = width_s
        self.size = size
        self._starts = np.full(size, -1, dtype=np.int64)
        self._bad = np.zeros(size, dtype=np.float32)
        self._valid = np.zeros(size, dtype=np.float32)
        self._state = np.zeros(size, dtype=np.uint8)

    def put(self, entry: Entry) -> None:
        slot = (entry.start // self.width_s) % self.size
        self._starts[slot] = entry.start
        self._bad[slot] = entry.bad
        self._valid[slot] = entry.valid
        self._state[slot] = entry.state

    def read(self, start: int, end: int) -> tuple[Floats, Floats, NDArray[np.uint8]]:
        """Return (bad, valid, state) of the buckets in [start, end), one element each."""
        starts = np.arange(start, end, self.width_s, dtype=np.int64)
        slots = (starts // self.width_s) % self.size
        known = self._starts[slots] == starts
        return (
            np.where(known, self._bad[slots], 0.0).astype(np.float64),
            np.where(known, self._valid[slots], 0.0).astype(np.float64),
            np.where(known, self._state[slots], np.uint8(State.UNKNOWN)).astype(np.uint8),
        )

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (self._starts, self._bad, self._valid, self._state))


class Ledger:
    """Buckets of five minutes for the last 30 hours and of an hour before that, as long as `window` needs."""

    def __init__(self, window: Window) -> None:
        self._window = window
        hours = -(-(longest_s(window) + FOLD_S) // COARSE_S)
        self._fine = _Ring(FINE_S, FINE_HORIZON_S // FINE_S + _SPARE_FINE)
        self._coarse = _Ring(COARSE_S, hours + _SPARE_COARSE)
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
            self._coarse.put(entry)
            return
        self._fine.put(entry)
        self._fold_hour(self._hour(entry.start))

    def record_open(self, entry: Entry) -> None:
        """Store what the bucket that is still open holds so far; its end is the time of the figure."""
        self._open = entry

    def _fold_hour(self, start: int) -> None:
        bad, valid, state = self._fine.read(start, start + COARSE_S)
        if (state == State.UNKNOWN).any():
            return
        self._coarse.put(Entry(start, COARSE_S, State(state.max()), float(bad.sum()), float(valid.sum())))

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
        return at - (at - phase_s(self._window, at)) % COARSE_S

    def view(self, at: int) -> "View":
        """Return running sums over everything known up to `at`."""
        boundary = self._hour(at - FINE_HORIZON_S)
        opened = open_bucket(at)
        coarse = self._coarse.read(self._oldest(at), boundary)
        fine = self._fine.read(boundary, opened)
        edges = np.concatenate(
            (
                np.arange(self._oldest(at), boundary, COARSE_S, dtype=np.int64),
                np.arange(boundary, opened, FINE_S, dtype=np.int64),
                np.array([opened, at], dtype=np.int64),
            )
        )
        tail = self._open
        if tail is None or tail.start != opened:
            tail = Entry(opened, at - opened, State.UNKNOWN)
        return View(
            edges=edges,
            bad=np.concatenate((coarse[0], fine[0], np.array([tail.bad]))),
            valid=np.concatenate((coarse[1], fine[1], np.array([tail.valid]))),
            state=np.concatenate((coarse[2], fine[2], np.array([tail.state], dtype=np.uint8))),
        )


def _runs(ring: _Ring, start: int, end: int) -> Iterator[Gap]:
    _, _, state = ring.read(start, end)
    unknown = np.flatnonzero(state == State.UNKNOWN)
    if not len(unknown):
        return
    for run in reversed(np.split(unknown, np.flatnonzero(np.diff(unknown) > 1) + 1)):
        width = ring.width_s
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

    def __init__(self, *, edges: NDArray[np.int64], bad: Floats, valid: Floats, state: NDArray[np.uint8]) -> None:
        widths = np.diff(edges).astype(np.float64)
        self.edges = edges
        self._bad = _running(bad)
        self._valid = _running(valid)
        self._covered = _running(widths * (state >= State.NUMERATOR_ABSENT))
        self._unknown = _running(widths * (state == State.UNKNOWN))
        self._seen = _running((state == State.PRESENT).astype(np.float64))

    @property
    def start(self) -> int:
        """The start of the view, epoch seconds."""
        return int(self.edges[0])

    @property
    def at(self) -> int:
        """The end of the view, epoch seconds."""
        return int(self.edges[-1])

    def counts(self, start: int, end: int) -> Counts:
        """Return the sums of the buckets from the one that holds `start` up to the edge at or before `end`."""
        first = self._floor(np.array([start]))[0]
        last = self._floor(np.array([end]))[0]
        return Counts(
            start=int(self.edges[first]),
            end=int(self.edges[last]),
            bad=float(self._bad[last] - self._bad[first]),
            valid=float(self._valid[last] - self._valid[first]),
            covered_s=float(self._covered[last] - self._covered[first]),
            unknown_s=float(self._unknown[last] - self._unknown[first]),
            numerator_seen=bool(self._seen[last] > self._seen[first]),
        )

    def sums(self, ends: NDArray[np.int64], length_s: int) -> tuple[Floats, Floats]:
        """Return (bad, valid) of the windows of `length_s` that end at each of `ends`; shape of `ends`."""
        return self.between(ends - length_s, ends)

    def between(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return (bad, valid) from each of `starts` to each of `ends`; of their common shape."""
        first, last = self._floor(starts), self._floor(ends)
        return self._bad[last] - self._bad[first], self._valid[last] - self._valid[first]

    def oldest_covered(self) -> int | None:
        """Return the start of the oldest bucket with data, or None when there is none."""
        covered = np.flatnonzero(np.diff(self._covered) > 0)
        return int(self.edges[covered[0]]) if len(covered) else None

    def newest_covered(self) -> int | None:
        """Return the end of the newest bucket with data, or None when there is none."""
        covered = np.flatnonzero(np.diff(self._covered) > 0)
        return int(self.edges[covered[-1] + 1]) if len(covered) else None

    def _floor(self, times: NDArray[np.int64]) -> NDArray[np.intp]:
        return np.clip(np.searchsorted(self.edges, times, side="right") - 1, 0, len(self.edges) - 1)


def _running(values: Floats) -> Floats:
    return np.concatenate((np.zeros(1), np.cumsum(values)))
