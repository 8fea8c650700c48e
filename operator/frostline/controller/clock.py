"""What time it is while no Prometheus says so, whatever this machine's own clock says meanwhile."""

from collections.abc import Callable


class CarriedClock:
    """The time that was told last, carried on.

    Args:
        steady: seconds that only ever go on, from any beginning.
        start: epoch seconds to begin with, until something has been told.
    """

    def __init__(self, steady: Callable[[], float], start: float) -> None:
        self._steady = steady
        self.set(start)

    def set(self, at: float) -> None:
        """Go on from epoch second `at`."""
        self._ahead = at - self._steady()

    def carried(self) -> float:
        """Return epoch seconds."""
        return self._ahead + self._steady()
