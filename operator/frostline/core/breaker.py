"""The circuit breaker of a source: after failures in a row nothing more is asked but one question a cycle. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FAILURES: Final = 3
"""Failures in a row that open it."""


class State(StrEnum):
    """Whether questions are asked."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    """One question was answered after it had been open: the next failure opens it again."""
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """A state, and how many questions failed in a row."""

    state: State = State.CLOSED
    failures: int = 0

    def answered(self, *, probe: bool) -> "Breaker":
        """Return the breaker after an answer; one to a mere `probe` does not close it yet."""
        if probe and self.state is not State.CLOSED:
            return Breaker(State.HALF_OPEN, self.failures)
        # A probe is far cheaper than a question: that it is answered says little about the others.
        return self if probe else Breaker()

    def failed(self) -> "Breaker":
        """Return the breaker after a failure."""
        failures = self.failures + 1
        opens = self.state is not State.CLOSED or failures >= FAILURES
        return Breaker(State.OPEN if opens else State.CLOSED, failures)
