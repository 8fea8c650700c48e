"""The recorded source with a past: what was before the rules, or while they were not evaluated, is read directly."""

import sys
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, Protocol, TypeVar

from frostline.core.indicator import Counted as Sense
from frostline.core.indicator import counted
from frostline.core.ledger import COARSE_S, Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.patches import MOST_NEAR, Patches, beside_holes, near, that_matter
from frostline.core.recorded import MOVED_S
from frostline.core.selector import Selector
from frostline.names import Recorded
from frostline.prometheus.direct import Client as DirectClient
from frostline.prometheus.direct import DirectSource
from frostline.prometheus.evaluations import AsksRules
from frostline.prometheus.recorded import RecordedSource
from frostline.prometheus.runs import put_in, runs
from frostline.prometheus.source import Counted, Latest, Missing, Points, Spread, joined
from frostline.prometheus.young import Young

_WAITS: Final = Failed(
    Failure.NOT_RECORDED,
    "its rules began to be evaluated just now, and many others did: what was before is read from the counters in turn",
)

_UNREADABLE: Final = frozenset({Failure.TOO_MUCH, Failure.BAD_QUERY, Failure.NOT_A_NUMBER})

Key = TypeVar("Key", bound=tuple[str, str])


class _Unseen(NamedTuple):
    """Ends of buckets that the rules of a promise did not see, and `also` of patchy ones, and those near to either."""

    ends: tuple[int, ...]
    also: frozenset[int]

    @property
    def all(self) -> list[int]:
        """Both, in order."""
        return sorted({*self.ends, *self.also})


class Client(DirectClient, AsksRules, Protocol):
    """What the source needs of a Prometheus client."""


class Backfilled:
    """Reads what rules recorded, and counters for buckets that the rules of the promise did not see, or in part only.

    What is now comes from the rules, too: where they are not evaluated nothing is measured. While they are young they
    tell that alone, and what is counted comes from the counters.
    """

    def __init__(self, client: Client, spread: Spread = map) -> None:
        self._recorded = RecordedSource(client, spread)
        self._direct = DirectSource(client, spread)
        self._young = Young(client, most=self._direct.handful)
        # The end of the newest bucket that counters may be read of where rules saw it, too: set by each look at now.
        self._kept_until = sys.maxsize

    @property
    def averages_after_s(self) -> int | None:
        """How long after its end a bucket is read as an average."""
        return self._recorded.averages_after_s

    @property
    def settled_after_s(self) -> int | None:
        """How long after its end a bucket has been read for good."""
        return self._recorded.settled_after_s

    @property
    def handful(self) -> int:
        """How many objectives one query about the past holds."""
        return self._recorded.handful

    def latest(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Latest | Missing]:
        """Return what is recorded at `at` and of the `width_s` seconds up to it, or why nothing is."""
        # What is newer is read as averages again, or has to go with those that are.
        self._kept_until = at - width_s - MOVED_S
        found = self._recorded.latest(objectives, at, width_s)
        there = {key: each.presence for key, each in found.items() if isinstance(each, Latest)}
        young = self._young.look(objectives, there, at)
        events = self._direct.open({key: objectives[key] for key in young}, at, width_s)
        return found | joined({key: there[key] for key in young}, events)

    def closed(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return the events of every bucket of `gap`, by the end of the bucket."""
        old, direct = self._apart(objectives, gap)
        found, before = self._known(old, gap)
        return direct | self._filled(found, old, self._beside(found, old, gap, before), gap)

    def recent(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return what rules and, where these are young, counters say; what was before the rules waits for its turn."""
        old, direct = self._apart(objectives, gap)
        found, before = self._known(old, gap)
        return direct | found | dict.fromkeys(before, _WAITS)

    def _apart(
        self, objectives: Mapping[Key, Objective], gap: Gap
    ) -> tuple[Mapping[Key, Objective], dict[Key, Counted | Missing]]:
        """Return those whose rules are not young, and what was counted of the others."""
        young = {key: each for key, each in objectives.items() if key in self._young}
        return {key: each for key, each in objectives.items() if key not in young}, self._direct.closed(young, gap)

    def unmoved(self, objectives: Mapping[Key, Objective], gap: Gap) -> Mapping[Key, Points]:
        """Return the bad events of the buckets of `gap`, by their ends, as they were recorded when these ended."""
        return self._recorded.unmoved({key: each for key, each in objectives.items() if key not in self._young}, gap)

    def patchy(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Patches] | Missing:
        """Return the buckets of `gap` that rules saw in part only, of those objectives that have some."""
        return self._recorded.patchy({key: each for key, each in objectives.items() if key not in self._young}, gap)

    def _known(
        self, objectives: Mapping[Key, Objective], gap: Gap
    ) -> tuple[dict[Key, Counted | Missing], dict[Key, tuple[int, ...]]]:
        """Return what was recorded, and per objective the ends of the buckets that its rules did not see."""
        found = self._recorded.closed(objectives, gap)
        ends = gap.ends
        holes = {
            key: missing
            for key, answer in found.items()
            if isinstance(answer, Counted)
            and (missing := [end for end in ends if gap.width_s == COARSE_S or end not in answer.valid])
        }
        if not holes:
            return found, {}
        edges = range(gap.start, ends[-1] + 1, gap.width_s)
        evaluated = self._recorded.evaluated({key: objectives[key] for key in holes}, edges)
        if isinstance(evaluated, Partial | Failed):
            return found | dict.fromkeys(holes, evaluated), {}
        seen = self._seen_at(edges, {key: objectives[key] for key in holes})
        if isinstance(seen, Partial | Failed):
            return found | dict.fromkeys(holes, seen), {}
        before = {
            key: tuple(
                end
                for end in of
                # The rate of an hour that rules or series were there for a part of is no count of that hour.
                if not {end, end - gap.width_s} <= (seen if end in _valid(found[key]) else evaluated)[key]
            )
            for key, of in holes.items()
        }
        return found, {key: of for key, of in before.items() if of}

    def _beside(
        self,
        found: dict[Key, Counted | Missing],
        objectives: Mapping[Key, Objective],
        gap: Gap,
        before: Mapping[Key, tuple[int, ...]],
    ) -> dict[Key, _Unseen]:
        """Return the buckets that rules did not see with those that counters have to be asked of beside them."""
        there = {key: objectives[key] for key, answer in found.items() if _valid(answer)}
        ends = {end for key in there for end in _valid(found[key])}
        patchy = self._recorded.patchy(there, _around(ends, gap.width_s)) if ends else {}
        if isinstance(patchy, Partial | Failed):
            if not _too_heavy(patchy, gap):
                found |= dict.fromkeys(there, patchy)
            patchy = {}
        beside: dict[Key, _Unseen] = {}
        for key in dict.fromkeys((*before, *patchy)):
            answer, unseen = found[key], before.get(key, ())
            if isinstance(answer, Counted):
                bad = _bad(objectives[key], answer)
                matter = that_matter(patchy[key], objectives[key], gap, answer.valid, bad) if key in patchy else set()
                matter |= set(beside_holes(unseen, answer.valid, gap.width_s))
                matter = {end for end in matter if end <= self._kept_until} - {*unseen}
                seen = {*near({*unseen, *matter}, bad, gap.width_s, self._kept_until), *matter}
                also = frozenset(seen & {*gap.ends})
                if unseen or also:
                    beside[key] = _Unseen(unseen, also)
        return beside

    def _seen_at(self, edges: range, objectives: Mapping[Key, Objective]) -> dict[Key, frozenset[int]] | Missing:
        if edges.step != COARSE_S:
            return dict.fromkeys(objectives, frozenset(edges))
        return self._recorded.evaluated(objectives, edges, Recorded.VALID_5M)

    def _filled(
        self,
        found: dict[Key, Counted | Missing],
        objectives: Mapping[Key, Objective],
        before: Mapping[Key, _Unseen],
        gap: Gap,
    ) -> dict[Key, Counted | Missing]:
        wanted: dict[Gap, dict[Key, Objective]] = defaultdict(dict)
        for turn, (key, unseen) in enumerate(before.items()):
            if turn >= self.handful:
                found[key] = _WAITS
                continue
            for run in runs(unseen.all, gap.width_s):
                wanted[run][key] = objectives[key]
        for run, group in wanted.items():
            # Most that is new to its rules is new as a whole, and to look is far cheaper than to count.
            idle = self._direct.idle(group, run)
            events = self._direct.closed({key: each for key, each in group.items() if key not in idle}, run)
            for key in group:
                answer = events.get(key, Counted({}, {}))
                if _too_heavy(answer, gap) and not {*before[key].ends} & {*run.ends}:
                    continue
                found[key] = put_in(run, found[key], _with(answer, found[key], before[key].ends, run))
        return found

    def window(self, objectives: Mapping[Key, Objective], at: int, window_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of the whole window up to `at` in one look, right but for edges and births."""
        if not objectives:
            return {}
        hours = range(at - window_s + COARSE_S, at - window_s + COARSE_S + 1)
        evaluated = self._recorded.evaluated(objectives, hours)
        if isinstance(evaluated, Partial | Failed):
            return dict.fromkeys(objectives, evaluated)
        young = [key for key in objectives if not evaluated[key]]
        found = self._recorded.window({key: each for key, each in objectives.items() if evaluated[key]}, at, window_s)
        return found | self._direct.window({key: objectives[key] for key in young}, at, window_s)

    def boundaries(self, buckets: Selector, at: int) -> tuple[str, ...] | Missing:
        """Return the bucket bounds, as the label `le` spells them, of the series that `buckets` selects at `at`."""
        return self._direct.boundaries(buckets, at)


def _around(ends: Collection[int], width_s: int) -> Gap:
    """Return the buckets from the first to the last of those with these `ends`, and those near them."""
    around = MOST_NEAR * width_s
    return Gap(min(ends) - width_s - around, max(ends) - width_s + around, width_s)


def _bad(objective: Objective, answer: Counted) -> Points:
    if counted(objective.indicator) is Sense.BAD:
        return {end: answer.numerator.get(end, 0.0) for end in answer.valid}
    return {end: valid - answer.numerator.get(end, 0.0) for end, valid in answer.valid.items()}


def _too_heavy(answer: Counted | Missing, gap: Gap) -> bool:
    """Return whether a question will not be answered: often that is why there are rules, and averages will do.

    One that takes too long may be answered for less of a gap.
    """
    if not isinstance(answer, Failed):
        return False
    return answer.failure in _UNREADABLE or (answer.failure is Failure.TIMEOUT and len(gap.ends) == 1)


def _with(
    answer: Counted | Missing, recorded: Counted | Missing, unseen: Collection[int], run: Gap
) -> Counted | Missing:
    """Return an answer with what was recorded of the buckets of `run` before it begins: counters are not kept for long.

    Not what was recorded of `unseen` ones; and later on a bucket without a count is one without scrapes.
    """
    if not isinstance(answer, Counted) or not isinstance(recorded, Counted):
        return answer
    begins = min(answer.valid, default=sys.maxsize)
    kept = [end for end in run.ends if end < begins and end not in unseen]
    numerator, valid = ({end: of[end] for end in kept if end in of} for of in (recorded.numerator, recorded.valid))
    return Counted({**answer.numerator, **numerator}, {**answer.valid, **valid})


def _valid(answer: Counted | Missing) -> Points:
    return answer.valid if isinstance(answer, Counted) else {}
