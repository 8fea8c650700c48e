"""How memory is kept: what is here to stay out of the garbage collector's way, what is free in one place."""

import ctypes
import gc
from typing import Final

_YOUNG: Final = 20_000
_OLDER: Final = 10
_GROWTH: Final = 1.25
_FEW: Final = 500

_MMAP_THRESHOLD: Final = -3
_ARENAS: Final = -8
"""M_MMAP_THRESHOLD and M_ARENA_MAX of glibc's malloc.h."""

_LARGE_BYTES: Final = 1 << 18


def share_heap() -> None:
    """Have all threads share one heap, to be called before there are any; does nothing where the C library is no glibc.

    Each thread's own would keep what that thread once freed: of large answers that is a third of the memory. And what
    is large goes back as soon as it is freed: by itself glibc would soon take megabytes for small.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENAS, 1)
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


def collect_rarely() -> None:
    """Have the collector look when there are 20,000 new objects, in place of 700, and never at what is imported by now.

    A cycle of ten thousand objectives makes half a million, next to none of them in rings: to look for rings among
    them took a third of its time.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)


class Settled:
    """Knows for how many objectives the collector was last told that what there is now stays.

    To look through ten thousand objectives stops every thread for half a second, leases and probes included. What is
    replaced later is freed all the same, by its count of references; only rings of that age would stay.
    """

    def __init__(self) -> None:
        self._objectives = _FEW

    def look(self, objectives: int) -> None:
        """Set aside what is here, once there are a quarter more objectives than at the last time."""
        if objectives > self._objectives * _GROWTH:
            gc.freeze()
            self._objectives = objectives
