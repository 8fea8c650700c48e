"""What is around operators in a simulated day: time, a Prometheus, an API server, and trouble on the way to it."""

import random
from collections.abc import Awaitable, Callable, Mapping

import aiohttp

from frostline.kubernetes.lease import LEASES
from tests.controller.day.server import Server, refusal
from tests.controller.world.prometheus import Prometheus
from tests.support.objectives import Events

LEASE = ("frostline-system", "frostline")
_MISHAPS = (409, 429, 500, None)
"""Statuses that a write may be refused with; None: it is done, and the answer gets lost."""


class ApiTrouble:
    """What goes wrong between processes and the API server; nothing, to begin with."""

    def __init__(self, dice: random.Random) -> None:
        self.down = False
        self.apart: set[str] = set()
        self.dead: set[str] = set()
        self.refuses: int | None = None
        self.mishaps = 0.0
        self.blind = False
        self._dice = dice
        self._lost = False
        self._interruption: tuple[int, Callable[[str], Awaitable[None]]] | None = None

    def interrupt(self, writes: int, what: Callable[[str], Awaitable[None]]) -> None:
        """Have `what` happen to the leader just before so many more writes have been sent."""
        self._interruption = (writes, what)

    async def before_write(self, name: str) -> None:
        """Stop or kill a process that is about to write, when its time has come."""
        if self._interruption is None:
            return
        writes, what = self._interruption
        self._interruption = None if writes <= 1 else (writes - 1, what)
        if writes <= 1:
            await what(name)

    def on_the_way(self, name: str, method: str, path: str) -> None:
        """Lose or refuse a request."""
        self._lost = False
        if self.down or name in self.apart | self.dead:
            raise aiohttp.ClientConnectionError("connection refused")
        if method == "GET" or LEASES.plural in path:
            return
        if self.refuses is not None:
            raise refusal(self.refuses)
        if self._dice.random() < self.mishaps:
            status = self._dice.choice(_MISHAPS)
            if status is not None:
                raise refusal(status)
            self._lost = True

    def on_the_way_back(self) -> None:
        """Lose an answer."""
        if self._lost:
            raise TimeoutError


class Surroundings:
    """One day's time, Prometheus and API server.

    Attributes:
        fenced: how many writes the fence held back.
        wrong: sentences on what must never happen, and did.
    """

    def __init__(self, start: int, events: Mapping[str, Events], dice: random.Random) -> None:
        self.prometheus = Prometheus(events)
        self.server = Server()
        self.api = ApiTrouble(dice)
        self.start = start
        self.fenced = 0
        self.wrong: list[str] = []
        self.go_to(start)

    def now(self) -> float:
        """Return epoch seconds: everybody's clock."""
        return self.prometheus.time

    def go_to(self, at: float) -> None:
        """Let time pass."""
        self.prometheus.time = float(at)

    def note_write(self, name: str, method: str, path: str) -> None:
        """Take in that the API server is about to take a write, whose the lease must be."""
        lease = self.server.get(LEASES, *LEASE)
        holder = None if lease is None else lease["spec"]["holderIdentity"]
        if holder != name:
            self.wrong.append(f"{name} wrote while {holder} led: {method} {path}")
