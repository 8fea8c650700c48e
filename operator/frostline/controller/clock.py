"""What time it is while Prometheus does not say so, whatever this machine's own clock says meanwhile."""

from collections.abc import Callable
from typing import Protocol

from frostline.core.outcome import Failed, Partial


class TellsTime(Protocol):
    """The time of Prometheus."""

    def now(self) -> float | Partial | Failed:
        """Return epoch seconds, or why they are not to be had."""


class CarriedClock:
    """The time of Prometheus, and since its last answer that time carried on.

    Args:
        source: Prometheus.
        steady: seconds that only ever go on, from any beginning.
        start: epoch seconds to begin with, until Prometheus has answered.
    """

    def __init__(self, source: TellsTime, steady: Callable[[], float], start: float) -> None:
        self._source = source
        self._steady = steady
        self.set(start)

    def set(self, at: float) -> None:
        """Go on from epoch second `at`."""
        self._ahead = at - self._steady()

    def now(self) -> float | Partial | Failed:
        """Return epoch seconds by Prometheus, or why they are not to be had."""
        answer = self._source.now()
        if not isinstance(answer, Partial | Failed):
            self.set(answer)
        return answer

    def carried(self) -> float:
        """Return epoch seconds, whether or not Prometheus answers."""
        return self._ahead + self._steady()
