"""Two operator processes in one day's surroundings: one leads, one stands by, and what becomes of them."""

import asyncio
import itertools

from frostline.controller.cycle import View
from frostline.controller.effects import REFUSALS
from tests.controller.day.process import Process
from tests.controller.day.surroundings import Surroundings

_STOPPED_S = 20
"""Longer than a lease is trusted by its holder and by the others."""


class Operators:
    """The processes; `around` is what they live in."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self._names = (f"operator-{number}" for number in itertools.count(1))
        self._processes = [Process(around, next(self._names)) for _ in range(2)]

    @property
    def leader(self) -> Process | None:
        """The process in a term of office."""
        return next((each for each in self._processes if each.term is not None), None)

    def views(self) -> tuple[View, ...]:
        """Return what the leader knows of every objective, nothing when nobody leads."""
        leader = self.leader
        return () if leader is None or leader.term is None else leader.term.cycle.views

    async def step(self) -> None:
        """Have everybody look at the lease, the leader first, and the leader work."""
        for each in sorted(self._processes, key=lambda one: one.term is None):
            await each.look()
        for each in self._processes:
            await each.work()

    async def kill(self, name: str) -> None:
        """Have a process end just where it is."""
        self.around.api.dead.add(name)

    def replace_dead(self) -> None:
        """Start another process in place of each dead one."""
        dead = self.around.api.dead
        self._processes = [
            Process(self.around, next(self._names)) if each.name in dead else each for each in self._processes
        ]

    async def stop_for_a_while(self, name: str) -> None:
        """Stop a process just where it is, for long enough that another one takes over and works, and let it go on."""
        self.around.go_to(self.around.now() + _STOPPED_S)
        for each in self._processes:
            if each.name != name:
                await each.look()
                await each.work()

    def cut_off_leader(self) -> None:
        """Let the leader reach the API server no more."""
        if self.leader is not None:
            self.around.api.apart.add(self.leader.name)

    async def resign(self) -> None:
        """Have the leader let go, as in a rollout."""
        if self.leader is not None:
            try:
                await self.leader.resign()
            except REFUSALS:
                # The lease runs out.
                await asyncio.sleep(0)

    def end(self) -> None:
        """End all."""
        for each in self._processes:
            each.end()
