"""Bringing parts of the cluster to the state they should be in, from whatever state they are in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from e2e.cluster.errors import PartError
from e2e.cluster.ports import free_ports, is_taken
from e2e.cluster.processes import Command, Processes
from e2e.cluster.state import State
from e2e.cluster.waiting import becomes

Ports = Mapping[str, int]

# A part that was left running is given this long to answer before it is started anew.
PATIENCE_SECONDS = 15.0
START_SECONDS = 120.0
PORT_ATTEMPTS = 4
# How Go and Python word it when a port was lost to somebody else between choosing and using it.
PORT_LOST = "address already in use"


@dataclass(frozen=True)
class Part:
    """One process of the cluster, described by what it should be."""

    name: str
    # Names of the ports that it listens on; their numbers are chosen at the first start and kept.
    listens: tuple[str, ...]
    command: Callable[[Ports], Command]
    healthy: Callable[[Ports], bool]


class Supervisor:
    """Starts what does not run, runs otherwise than it should, or does not answer; leaves the rest alone."""

    def __init__(self, processes: Processes, state: State) -> None:
        self.processes = processes
        self._state = state

    def ports(self, part: Part) -> Ports:
        """Return the ports of a part by name, chosen now if they never were."""
        stored = self._state.ports(part.name)
        return stored if set(stored) == set(part.listens) else self._choose_ports(part)

    def ensure(self, *parts: Part) -> list[str]:
        """Bring parts up side by side and wait until each is healthy.

        Returns:
            names of those that had to be started.

        Raises:
            PartError: one ended, or was not healthy in time; carries the end of its log.

        """
        started = [self.begin(part) for part in parts]
        return [part.name for part, fresh in zip(parts, started, strict=True) if self.finish(part, fresh=fresh)]

    def begin(self, part: Part) -> bool:
        """Start a part unless it runs as it should, without waiting for it. Says whether it did."""
        record = self.processes.running(part.name)
        if record and record.fingerprint == part.command(self.ports(part)).fingerprint():
            return False
        self._start(part)
        return True

    def finish(self, part: Part, *, fresh: bool) -> bool:
        """Wait until a part is healthy, starting it anew if need be.

        Args:
            part: what should be healthy.
            fresh: whether `begin` has just started it.

        Returns:
            whether it was started, now or by that `begin`.

        Raises:
            PartError: it ended, or was not healthy in time; carries the end of its log.

        """
        if not fresh:
            if self._settles(part, PATIENCE_SECONDS):
                return False
            self._start(part)
        for _ in range(PORT_ATTEMPTS):
            if self._settles(part, START_SECONDS):
                return True
            if self.processes.running(part.name):
                raise PartError(self._complaint(part, f"was not ready within {START_SECONDS:g} s"))
            if PORT_LOST not in self.processes.log_end(part.name, lines=50).lower():
                raise PartError(self._complaint(part, "ended by itself"))
            self._choose_ports(part)
            self._start(part)
        raise PartError(self._complaint(part, f"lost its port to another program {PORT_ATTEMPTS} times"))

    def healthy(self, part: Part) -> bool:
        """Say whether a part runs and answers now."""
        return self.processes.running(part.name) is not None and part.healthy(self.ports(part))

    def _settles(self, part: Part, timeout: float) -> bool:
        """Wait until a part is healthy or dead, and say whether it is healthy."""
        ports = self.ports(part)
        becomes(lambda: self.processes.running(part.name) is None or part.healthy(ports), timeout)
        return self.healthy(part)

    def _start(self, part: Part) -> None:
        self.processes.stop(part.name)
        if any(is_taken(port) for port in self.ports(part).values()):
            self._choose_ports(part)
        self.processes.start(part.command(self.ports(part)))

    def _choose_ports(self, part: Part) -> Ports:
        chosen = dict(zip(part.listens, free_ports(len(part.listens)), strict=True))
        self._state.put_ports(part.name, chosen)
        return chosen

    def _complaint(self, part: Part, what: str) -> str:
        log = self.processes.log(part.name)
        return f"{part.name} {what}; {log} ends with:\n{self.processes.log_end(part.name)}"
