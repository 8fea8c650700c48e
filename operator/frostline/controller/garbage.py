"""How memory is kept: what is here to stay out of the garbage collector's way, what is free in one place."""

import ctypes
import gc
from typing import Final

_GROWTH: Final = 1.25
_FEW: Final = 500

_ARENAS: Final = -8
"""M_ARENA_MAX of glibc's malloc.h."""


def share_heap() -> None:
    """Have all threads share one heap, to be called before there are any; does nothing where the C library is no glibc.

    Each thread's own would keep what that thread once freed: of large answers that is a third of the memory.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENAS, 1)


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
