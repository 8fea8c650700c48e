"""A client with a circuit breaker and a time budget: a source that fails costs a few questions, not a cycle."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from frostline.core.breaker import Breaker, State
from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus.client import Asked
from frostline.prometheus.evaluations import RulePage

_OF_THE_SOURCE: Final = frozenset(
    {Failure.UNREACHABLE, Failure.TIMEOUT, Failure.REFUSED, Failure.SERVER_ERROR, Failure.NOT_PROMETHEUS}
)
"""Failures that the next question would have, too; the others are the question's own."""


_VERSION_S: Final = 3_600.0
"""How often it is asked which version it is."""


class Client(Protocol):
    """What is guarded."""

    @property
    def url(self) -> str:
        """Its base URL."""

    def instant(self, query: str, at: float) -> Asked:
        """Evaluate at one moment."""

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        """Evaluate at several moments."""

    def now(self) -> float | Partial | Failed:
        """Return its own time."""

    def rules(self, names: Sequence[str], then: str = "") -> RulePage | Partial | Failed:
        """Return what it says of its recording rules of these names: the first page, or the one of `then`."""

    def version(self) -> str | Failed:
        """Return what it says that it is."""

    def close(self) -> None:
        """Close its connections."""


class GuardedClient:
    """Asks while that is worth it. Several threads may ask at once."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._breaker = Breaker()
        self._deadline: float | None = None
        self._budget_s = 0.0
        self._last = ""
        self._version_due = -math.inf
        self.version: str | None = None

    @property
    def url(self) -> str:
        """Its base URL."""
        return self._client.url

    @property
    def state(self) -> State:
        """Whether questions are asked."""
        return self._breaker.state

    def begin(self, budget_s: float) -> None:
        """Ask for `budget_s` seconds from now on, and then no more."""
        self._budget_s = budget_s
        self._deadline = self._clock() + budget_s

    def now(self) -> float | Partial | Failed:
        """Return its own time. Asked for in any state: this is the one question by which an open breaker is tried."""
        asked = self._client.now()
        self._note(asked, probe=True)
        if not isinstance(asked, Partial | Failed) and self._clock() >= self._version_due:
            self._version_due = self._clock() + _VERSION_S
            version = self._client.version()
            # Not every server tells it: that is no failure.
            self.version = None if isinstance(version, Failed) else version
        return asked

    def instant(self, query: str, at: float) -> Asked:
        """Evaluate at one moment."""
        return self._refusal() or self._noted(self._client.instant(query, at))

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        """Evaluate at several moments."""
        return self._refusal() or self._noted(self._client.range(query, start=start, end=end, step_s=step_s))

    def rules(self, names: Sequence[str], then: str = "") -> RulePage | Partial | Failed:
        """Return what it says of its recording rules, a page; a server that has no such list is not at fault."""
        return self._refusal() or self._client.rules(names, then)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _refusal(self) -> Failed | None:
        if self._breaker.state is State.OPEN:
            said = f"{self._breaker.failures} questions in a row failed; each cycle tries one. {self._last}"
            return Failed(Failure.NOT_ASKED, said)
        if self._deadline is not None and self._clock() > self._deadline:
            said = (
                f"{self.url} has used up the {self._budget_s:g} s that a round may take: give it fewer objectives,"
                " or more concurrency"
            )
            return Failed(Failure.NOT_ASKED, said)
        return None

    def _noted(self, asked: Asked) -> Asked:
        self._note(asked, probe=False)
        return asked

    def _note(self, asked: object, *, probe: bool) -> None:
        with self._lock:
            if isinstance(asked, Failed) and asked.failure in _OF_THE_SOURCE:
                self._last = asked.detail
                self._breaker = self._breaker.failed()
            else:
                self._breaker = self._breaker.answered(probe=probe)
