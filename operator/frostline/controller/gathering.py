"""The books of all objectives, and what their sources say of them: one lane a source, side by side."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Final, NamedTuple

from frostline.controller.account import Account, Key, carried
from frostline.controller.clock import CarriedClock
from frostline.controller.lane import Lane
from frostline.controller.sources import Chosen, Sources
from frostline.core.assess import Answer, Assessment, unmeasured
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, NoSource, Partial

_PATIENCE_SHARE: Final = 0.25
"""Share of a cycle for which it waits for its sources; with the answers of one that takes longer the next goes on."""
_GLANCE_S: Final = 0.25


class Wanted(NamedTuple):
    """One objective to measure, and where."""

    uid: str
    objective: Objective
    choice: Chosen | NoSource


class Gathered(NamedTuple):
    """One answer, of the source's time `at` in epoch seconds."""

    at: int
    answer: Answer
    lane: Lane


class Gathering:
    """The accounts of one operator. Blocking; its methods never overlap."""

    def __init__(self, sources: Sources, interval_s: int, clock: CarriedClock) -> None:
        self._sources = sources
        self._patience_s = interval_s * _PATIENCE_SHARE
        self._clock = clock
        self._origins: dict[Key, str] = {}
        self._lanes: dict[Key, Lane] = {}
        self._held: dict[Key, Partial | Failed | NoSource] = {}
        self.accounts: dict[Key, Account] = {}
        self.measures: Counter[str] = Counter()

    @property
    def patience_s(self) -> float:
        """For how long a cycle waits for a source while others have answered."""
        return self._patience_s

    def forget(self, objects: Mapping[Key, object]) -> None:
        """Close the books of objectives that are gone."""
        for memory in (self.accounts, self._origins, self._lanes, self._held):
            for gone in memory.keys() - objects.keys():
                del memory[gone]

    def open(self, wanted: Mapping[Key, Wanted]) -> None:
        """Open books for what is new, and new ones for what is counted elsewhere than before."""
        self.forget(wanted)
        self.measures = Counter()
        for key, each in wanted.items():
            if isinstance(each.choice, NoSource):
                self._held[key] = each.choice
            else:
                self._choose(key, each.choice)
            self.accounts[key] = carried(self.accounts.get(key), each.uid, each.objective)

    def _choose(self, key: Key, chosen: Chosen) -> None:
        if isinstance(self._held.get(key), NoSource):
            del self._held[key]
        if self._origins.get(key, chosen.origin) != chosen.origin:
            # Other events: what was counted of the old ones says nothing of them.
            self.accounts.pop(key, None)
            self._held.pop(key, None)
        self._origins[key] = chosen.origin
        self.measures[chosen.name] += 1
        before = self._lanes.get(key)
        # An old lane may still be writing into the account.
        if before is None or key not in self.accounts or before is chosen.lane or not before.busy:
            self._lanes[key] = chosen.lane

    def gather(self) -> tuple[int, dict[Key, Gathered]]:
        """Ask every source; return the moment of the cycle in epoch seconds, and what was answered in time."""
        lanes = self._sources.lanes()
        groups = self._groups()
        for lane in lanes:
            lane.begin(groups.get(id(lane), {}))
        self._wait(lanes)
        times: list[tuple[int, int]] = []
        found: dict[Key, Gathered] = {}
        for lane in lanes:
            taken = lane.take(self._patience_s)
            if taken is None:
                continue
            if taken.at is not None:
                times.append((taken.at, lane.timing.offset_s))
            for key, account in taken.asked.items():
                if self.accounts.get(key) is not account or self._lanes.get(key) is not lane:
                    continue
                if taken.trouble is not None:
                    self._held[key] = taken.trouble
                elif taken.at is not None:
                    self._held.pop(key, None)
                    found[key] = Gathered(taken.at, taken.answers[key], lane)
        return self._agreed(times), found

    def _agreed(self, times: Sequence[tuple[int, int]]) -> int:
        """Return the moment of a cycle, given what sources evaluated at and by how much that is behind their time."""
        carried = self._clock.carried()
        if not times:
            return int(carried)
        # A tenant's clock that is wrong must not be everybody's: of several that nearest to ours counts.
        at, behind = min(times, key=lambda each: abs(sum(each) - carried))
        self._clock.set(at + behind)
        return at

    def assessment(self, key: Key) -> Assessment | None:
        """Return the verdict on an objective; where it cannot be measured now, the last one, with the reason."""
        account, held = self.accounts.get(key), self._held.get(key)
        if account is None or held is None:
            return None if account is None else account.assessment
        return unmeasured(held, account.assessment)

    def fill(self, until: Callable[[], bool]) -> bool:
        """Read buckets that are not known yet. Returns whether none is left."""
        lanes = self._sources.lanes()
        groups = self._groups()
        asked = [lane.fill(groups[id(lane)], until) for lane in lanes if id(lane) in groups]
        pending: Iterable[Future[bool]] = [each for each in asked if each is not None]
        done: set[Future[bool]] = set()
        while pending:
            ended, pending = wait(pending, None if len(lanes) == 1 else _GLANCE_S)
            done |= ended
            if pending and until():
                ended, pending = wait(pending, self._patience_s)
                done |= ended
                break
        return len(done) == len(asked) and all(each.result() for each in done)

    def _groups(self) -> dict[int, dict[Key, Account]]:
        groups: dict[int, dict[Key, Account]] = defaultdict(dict)
        for key, lane in self._lanes.items():
            if not isinstance(self._held.get(key), NoSource) and key in self.accounts:
                groups[id(lane)][key] = self.accounts[key]
        return dict(groups)

    def _wait(self, lanes: list[Lane]) -> None:
        """Wait for the lanes; for one that was late last time nobody waits, so that it delays the others once."""
        if len(lanes) == 1:
            wait(lanes[0].waits)
            return
        wait([each for lane in lanes if not lane.late for each in lane.waits], self._patience_s)
