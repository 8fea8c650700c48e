"""The ledger of one objective: counted events in buckets of time, and sums over any window of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from frostline.core.indicator import Counted
from frostline.core.shelf import Floats32, Shelf, State, States
from frostline.core.view import View, Views
from frostline.core.window import Rolling, Window, bounds, longest_s, phase_s

FINE_S: Final = 300
COARSE_S: Final = 3_600
FINE_HORIZON_S: Final = 30 * 3_600
"""For how long back five-minute buckets are kept: a day to fold levels over, and 6 h of burn before it."""
FOLD_S: Final = 24 * 3_600

_PER_HOUR: Final = COARSE_S // FINE_S
_FEW: Final = 6
"""Up to so many buckets arrays cost more than they save."""

# To look up a member of an enumeration takes longer than to make an entry, of which a cycle makes tens of thousands.
_BAD: Final = Counted.BAD
_ABSENT, _NUMERATOR_ABSENT, _PRESENT = State.ABSENT, State.NUMERATOR_ABSENT, State.PRESENT

Rows: TypeAlias = Sequence[NDArray[Any]]
"""Bad events, valid events, states."""


class Entry(NamedTuple):
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
        return Entry(start, width_s, _ABSENT)
    state = _NUMERATOR_ABSENT if numerator is None else _PRESENT
    counts = numerator or 0.0
    return Entry(start, width_s, state, counts if counted is _BAD else valid - counts, valid)


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive buckets of one width that are unknown: the first starts at `start`, the last at `last`."""

    start: int
    last: int
    width_s: int

    @property
    def ends(self) -> range:
        """The ends of the buckets."""
        return range(self.start + self.width_s, self.last + self.width_s + 1, self.width_s)


class Ledger:
    """Buckets of five minutes for the last 30 hours and of an hour before that, as long as `window` needs."""

    __slots__ = ("_coarse", "_fine", "_open", "_window")

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
        self._check(entry.start, entry.width_s)
        if entry.width_s == COARSE_S:
            _put(self._coarse, entry)
        elif _put(self._fine, entry):
            self._fold_hours(entry.start, entry.start + FINE_S)

    def record_gap(
        self, counted: Counted, gap: "Gap", numerator: Mapping[int, float], valid: Mapping[int, float]
    ) -> None:
        """Store every bucket of `gap` as `record` stores `entry`; events by the end of the bucket, epoch seconds.

        An answer that says what is known already costs a comparison.

        Raises:
            ValueError: the gap has no edges of its width, or a width that the ledger does not keep.
        """
        self._check(gap.start, gap.width_s)
        ends = gap.ends
        if len(ends) <= _FEW:
            for end in ends:
                self.record(entry(counted, end - gap.width_s, gap.width_s, numerator.get(end), valid.get(end)))
            return
        bad, events, state = _columns(counted, ends, numerator, valid)
        if gap.width_s == COARSE_S:
            self._coarse.put_run(gap.start, bad, events, state)
        elif self._fine.put_run(gap.start, bad, events, state):
            self._fold_hours(gap.start, gap.last + FINE_S)

    def bad_in(self, gap: "Gap") -> list[float | None]:
        """Return the bad events of each five minutes of a gap, None where nothing is known of them."""
        bad, _, state = self._fine.read(gap.start, gap.last + gap.width_s)
        return [
            events if seen >= State.NUMERATOR_ABSENT else None
            for events, seen in zip(bad.tolist(), state.tolist(), strict=True)
        ]

    def record_open(self, entry: Entry) -> None:
        """Store what the bucket that is still open holds so far; its end is the time of the figure."""
        self._open = entry

    def forget(self, start: int, end: int) -> None:
        """Make the buckets that lie in [start, end), or reach into it, unknown: they are asked for again."""
        self._fine.forget(start, end)
        self._coarse.forget(start, end)

    def _check(self, start: int, width_s: int) -> None:
        if width_s not in (FINE_S, COARSE_S) or start % self._edge_s(width_s):
            raise ValueError(f"no bucket of the ledger begins at {start} and is {width_s} s wide")

    def _fold_hours(self, start: int, end: int) -> None:
        """Sum up the hours that [start, end) reaches into, where all of an hour is known."""
        # Most often of the newest bucket, of an hour that is not over.
        if end - start == FINE_S:
            self._fold_run(self._hour(start), 1)
            return
        hours = sorted({self._hour(each) for each in (*range(start, end, COARSE_S), end - FINE_S)})
        if hours[-1] - hours[0] != (len(hours) - 1) * COARSE_S:
            # The hours of the next period have other edges.
            for hour in hours:
                self._fold_run(hour, 1)
            return
        self._fold_run(hours[0], len(hours))

    def _fold_run(self, first: int, count: int) -> None:
        """Sum up those of `count` hours in a row of which everything is known."""
        end = first + count * COARSE_S
        if (count == 1 and not self._fine.knows(first, end)) or not self._coarse.same_edges(first):
            return
        fine = self._fine.read(first, end)
        bad, valid, state = (column.reshape(count, _PER_HOUR) for column in fine)
        bad, valid = (counts.sum(axis=1, dtype=np.float64).astype(np.float32) for counts in (bad, valid))
        known: NDArray[np.bool_] = np.all(state, axis=1)
        for run in _stretches(known):
            start = first + run.start * COARSE_S
            self._coarse.put_run(start, bad[run], valid[run], state[run].max(axis=1))

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

    def view(self, at: int) -> View:
        """Return running sums over everything known up to `at`."""
        return views([self], at)[0]

    def write_to(self, at: int, starts: tuple[int, int, int], rows: Rows) -> None:
        """Copy everything known up to `at` into rows that are as long as those of a view; `starts` as of `at`."""
        oldest, boundary, opened = starts
        hours = max(0, -(-(boundary - oldest) // COARSE_S))
        for row, coarse, fine in zip(
            rows, self._coarse.read(oldest, boundary), self._fine.read(boundary, opened), strict=True
        ):
            row[:hours], row[hours:-1] = coarse, fine
        tail = self._open
        if tail is None or tail.start != opened:
            tail = Entry(opened, at - opened, State.UNKNOWN)
        for row, last in zip(rows, (tail.bad, tail.valid, tail.state), strict=True):
            row[-1] = last

    def starts(self, at: int) -> tuple[int, int, int]:
        """Return where the hours of a view at `at` start, its five minutes, and its open bucket."""
        return self._oldest(at), self._hour(at - FINE_HORIZON_S), open_bucket(at)


def views(ledgers: Sequence[Ledger], at: int) -> Views:
    """Return running sums over everything known up to `at` of ledgers that have one window."""
    starts = ledgers[0].starts(at)
    edges = _edges(*starts, at)
    shape = len(ledgers), len(edges)
    bad, valid = np.zeros(shape), np.zeros(shape)
    state = np.empty((shape[0], shape[1] - 1), dtype=np.uint8)
    for ledger, *rows in zip(ledgers, bad[:, 1:], valid[:, 1:], state, strict=True):
        ledger.write_to(at, starts, rows)
    for counts in (bad, valid):
        np.cumsum(counts, axis=1, out=counts)
    return Views(edges=edges, bad=bad, valid=valid, state=state)


def _columns(
    counted: Counted, ends: range, numerator: Mapping[int, float], valid: Mapping[int, float]
) -> tuple[Floats32, Floats32, States]:
    """Return what `entry` says of the buckets with these `ends`, as columns."""
    events = np.array([valid.get(end, np.nan) for end in ends])
    counts = np.array([numerator.get(end, np.nan) for end in ends])
    absent, unseen = np.isnan(events), np.isnan(counts)
    counts[unseen] = 0.0
    bad = counts if counted is Counted.BAD else events - counts
    state = np.where(absent, State.ABSENT, np.where(unseen, State.NUMERATOR_ABSENT, State.PRESENT))
    bad[absent] = events[absent] = 0.0
    return bad.astype(np.float32), events.astype(np.float32), state.astype(np.uint8)


def _put(shelf: Shelf, entry: Entry) -> bool:
    return shelf.put(entry.start, entry.bad, entry.valid, state=entry.state)


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
    width = shelf.width_s
    for run in reversed(_stretches(state == State.UNKNOWN)):
        yield Gap(start + run.start * width, start + (run.stop - 1) * width, width)


def _stretches(wanted: NDArray[np.bool_]) -> list[slice]:
    """Return where all in a row are wanted, ascending."""
    places = np.flatnonzero(wanted)
    if not len(places):
        return []
    first, last = int(places[0]), int(places[-1])
    if last - first == len(places) - 1:
        # The usual case, and splitting costs ten times as much.
        return [slice(first, last + 1)]
    return [slice(int(run[0]), int(run[-1]) + 1) for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)]


def open_bucket(at: int) -> int:
    """Return the start of the bucket that ends at or after `at`: at an edge, the bucket that just closed."""
    return (at - 1) - (at - 1) % FINE_S
