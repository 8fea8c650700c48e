"""Keeps what is here to stay out of the garbage collector's way."""

import gc
from typing import Final

_GROWTH: Final = 1.25
_FEW: Final = 500


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
