"""A shelf: consecutive buckets of one width, in arrays that move along with time."""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SPARE: Final = 12
"""Buckets of room beside those that are kept: arrays move on once in so many buckets."""

Floats32 = NDArray[np.float32]
States = NDArray[np.uint8]
"""The `State` of each bucket."""


class State(IntEnum):
    """What is known of one bucket."""

    UNKNOWN = 0
    """Not asked yet, or the question failed."""
    ABSENT = 1
    """Asked: Prometheus holds no valid series there."""
    NUMERATOR_ABSENT = 2
    """Valid events are known; the series of good or bad events are absent."""
    PRESENT = 3


class Shelf:
    """Consecutive buckets of `width_s` seconds: `kept` of them, and room for some more before it moves on.

    Times are starts and ends of buckets in epoch seconds.
    """

    __slots__ = ("_bad", "_first", "_kept", "_size", "_state", "_valid", "width_s")

    def __init__(self, width_s: int, kept: int) -> None:
        self.width_s = width_s
        self._kept = kept
        self._size = kept + _SPARE
        self._first = 0
        self._bad = np.zeros(self._size, dtype=np.float32)
        self._valid = np.zeros(self._size, dtype=np.float32)
        self._state = np.zeros(self._size, dtype=np.uint8)

    def put(self, start: int, bad: float, valid: float, *, state: int) -> bool:
        """Store the bucket that begins at `start`; where it has other edges than those here, in place of them all.

        Returns whether it was another one.
        """
        place = self._place(start)
        before = self._at(place)
        self._bad[place], self._valid[place], self._state[place] = bad, valid, state
        return self._at(place) != before

    def _at(self, place: int) -> tuple[float, float, int]:
        # As plain numbers: to compare those of an array takes ten times as long.
        return self._bad.item(place), self._valid.item(place), self._state.item(place)

    def put_run(self, start: int, bad: Floats32, valid: Floats32, state: States) -> bool:
        """Store consecutive buckets, the first of which begins at `start`; return whether any of them was another one.

        Shapes: (n,); of more than are kept the last ones.
        """
        start += max(0, len(state) - self._kept) * self.width_s
        bad, valid, state = bad[-self._kept :], valid[-self._kept :], state[-self._kept :]
        old = self.read(start, start + len(state) * self.width_s)
        if np.array_equal(old[2], state) and np.array_equal(old[1], valid) and np.array_equal(old[0], bad):
            return False
        first, last = self._place(start), self._place(start + (len(state) - 1) * self.width_s)
        first = last - len(state) + 1
        here = slice(first, last + 1)
        self._bad[here], self._valid[here], self._state[here] = bad, valid, state
        return True

    def same_edges(self, start: int) -> bool:
        """Return whether a bucket that begins at `start` can stand among those that are here."""
        return (start - self._first) % self.width_s == 0 or not self._state.any()

    def knows(self, start: int, end: int) -> bool:
        """Return whether all buckets in [start, end), which are few, are known."""
        first, last = (start - self._first) // self.width_s, (end - self._first) // self.width_s
        # Of a few buckets in a tenth of the time that it takes to ask the array.
        return first >= 0 and last <= self._size and State.UNKNOWN not in self._state[first:last].tobytes()

    def forget(self, start: int, end: int) -> None:
        """Empty the buckets that lie in [start, end), or reach into it."""
        first = max(0, (start - self._first) // self.width_s)
        last = max(0, -(-(end - self._first) // self.width_s))
        for array in (self._bad, self._valid, self._state):
            array[first:last] = 0

    def read(self, start: int, end: int) -> tuple[Floats32, Floats32, States]:
        """Return (bad, valid, state) of the buckets in [start, end), one element each; to be read only."""
        place, off_edge = divmod(start - self._first, self.width_s)
        count = max(0, -(-(end - start) // self.width_s))
        if not off_edge and place >= 0 and place + count <= self._size:
            here = slice(place, place + count)
            return self._bad[here], self._valid[here], self._state[here]
        bad, valid = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.float32)
        state = np.zeros(count, dtype=np.uint8)
        low, high = max(place, 0), min(place + count, self._size)
        if not off_edge and low < high:
            for into, of in ((bad, self._bad), (valid, self._valid), (state, self._state)):
                into[low - place : high - place] = of[low:high]
        return bad, valid, state

    def _place(self, start: int) -> int:
        """Return where the bucket is, after moving on, or back, to have it."""
        place, off_edge = divmod(start - self._first, self.width_s)
        if not off_edge and 0 <= place < self._size:
            return place
        wanted = 0 if place < 0 else self._kept - 1
        # Buckets with other edges are other buckets: nothing of them can be kept.
        self._shift(self._size if off_edge else place - wanted)
        self._first = start - wanted * self.width_s
        return wanted

    def _shift(self, by: int) -> None:
        stay = max(0, self._size - abs(by))
        for array in (self._bad, self._valid, self._state):
            if by > 0:
                array[:stay] = array[self._size - stay :]
                array[stay:] = 0
            else:
                array[self._size - stay :] = array[:stay]
                array[: self._size - stay] = 0

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return self._bad.nbytes + self._valid.nbytes + self._state.nbytes
