"""A gate in front of every write of a connection: it shuts by itself when leadership runs out."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Final, Protocol

import aiohttp

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class NotLeadingError(aiohttp.ClientError):
    """A write that was not sent, since another process may lead by now."""


class Fence(Protocol):
    """Whether writes may go out."""

    def check(self) -> None:
        """Return when a write may be sent now.

        Raises:
            NotLeadingError: it may not.
        """


def lease_clock() -> float:
    """Return seconds that nobody sets, and that go on while the machine sleeps where the system can count those."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class LeaseFence:
    """Open until the deadline of the last renewal."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._deadline = float("-inf")

    def extend(self, deadline: float) -> None:
        """Let writes pass until `deadline`."""
        self._deadline = deadline

    def shut(self) -> None:
        """Let nothing pass any more."""
        self._deadline = float("-inf")

    @property
    def open(self) -> bool:
        """Whether writes pass now."""
        return self._clock() < self._deadline

    def check(self) -> None:
        """Return while the deadline lies ahead; else raise NotLeadingError."""
        late = self._clock() - self._deadline
        if late >= 0:
            since = "leadership was given up" if late == float("inf") else f"the lease ran out {late:.1f} s ago"
            raise NotLeadingError(f"not sent, as another operator may lead: {since}")


def guarding(fence: Fence) -> aiohttp.TraceConfig:
    """Return what makes an HTTP session ask the fence before each write.

    It asks when the connection stands and the next thing is to send: a process that was stopped while it waited
    for a connection, or for its turn, sends nothing when it wakes.
    """

    async def before_sending(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, request: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        if request.method not in _READS:
            fence.check()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(before_sending)
    return tracing
