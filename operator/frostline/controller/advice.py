"""What there is to say about accepted objectives beside their figures: warnings that need live numbers or neighbours.

The rules are those of the core. Kept here is which of the live ones stand, so that a number that sways around its
bound does not make a status sway; after a restart the status itself tells.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from frostline import names
from frostline.api.accept import Acceptance, Accepted
from frostline.controller.account import Account, Key
from frostline.core.assess import well_covered
from frostline.core.finding import Finding, Rule
from frostline.core.indicator import Counters, Indicator
from frostline.core.lint import Fields, crowded
from frostline.core.lint_live import MANY_SERIES, few_events, many_series, no_boundary
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Measured, NoData, Partial
from frostline.core.selector import Selector
from frostline.core.view import Counts
from frostline.core.window import bounds

_BUCKET_LABEL: Final = "le"
_AT_ONCE: Final = 1_000
"""Objectives whose figures are looked at in one cycle; of more, all in so many cycles as it takes."""
_LIVE: Final = (Rule.FEW_EVENTS, Rule.HIGH_CARDINALITY, Rule.NO_BOUNDARY)


class Live(Protocol):
    """What is asked of the source of an objective's measurements, at the time that they are of."""

    def __call__(self, buckets: Selector, /) -> tuple[str, ...] | Partial | Failed:
        """Return the bucket bounds that a histogram has."""


@dataclass(slots=True)
class _Memory:
    """The live findings about one objective.

    `asked` once its histogram's bounds have been read, `judged` once its figures have been looked at.
    """

    uid: str
    indicator: Indicator
    fields: Fields
    standing: dict[Rule, Finding]
    wants_bounds: bool
    asked: bool = False
    judged: bool = False

    def judge(self, rule: Rule, found: Finding | None) -> None:
        """Have the finding stand, or none of that rule."""
        if found is None:
            self.standing.pop(rule, None)
        else:
            self.standing[rule] = found


@dataclass(slots=True)
class Advice:
    """Findings about the objectives of one operator: `look` once a cycle, then ask `about` each."""

    _memories: dict[Key, _Memory] = field(default_factory=dict)
    _journeys: Counter[tuple[str, str]] = field(default_factory=Counter)
    _looks: int = 0

    def look(
        self,
        live: Mapping[Key, Live],
        accounts: Mapping[Key, Account],
        objects: Mapping[Key, tuple[Acceptance, Mapping[str, Any]]],
    ) -> None:
        """Take in what a cycle saw; `objects` has what was made of each manifest, and its status as it was read.

        Those in `live` were measured in this cycle: for each, the source is asked once for a histogram whose bucket
        is not found.
        """
        accepted = {key: each for key, (each, _) in objects.items() if isinstance(each, Accepted)}
        self._journeys = Counter(
            (key.namespace, each.terms.journey) for key, each in accepted.items() if each.terms.journey is not None
        )
        for gone in self._memories.keys() - accepted.keys():
            del self._memories[gone]
        turns = -(-len(accepted) // _AT_ONCE)
        self._looks += 1
        for place, (key, each) in enumerate(accepted.items(), self._looks):
            account = accounts[key]
            memory = self._memories.get(key)
            if memory is None or (memory.uid, memory.indicator) != (account.uid, each.objective.indicator):
                memory = self._memories[key] = _remembered(each, account, objects[key][1])
            if place % turns == 0 or not memory.judged or Rule.NO_BOUNDARY in memory.standing:
                _judge_counts(memory, account)
            if key in live:
                _judge_bound(memory, account, live[key])

    def about(self, key: Key, acceptance: Acceptance) -> tuple[Finding, ...]:
        """Return what is to be said about one objective, beside what its manifest alone tells."""
        if not isinstance(acceptance, Accepted):
            return ()
        journey = acceptance.terms.journey
        many = None if journey is None else crowded(journey, self._journeys[key.namespace, journey])
        memory = self._memories.get(key)
        # In one order, whichever was found first: a sentence must not sway.
        live = () if memory is None else (memory.standing[rule] for rule in _LIVE if rule in memory.standing)
        return (*(() if many is None else (many,)), *live)


def _remembered(accepted: Accepted, account: Account, status: Mapping[str, Any]) -> _Memory:
    """Return what the status says that the last operator found."""
    said = _accepted_message(status)
    where = accepted.terms.fields
    few = few_events(accepted.objective, 0.0, standing=True)
    many = many_series(where.valid, MANY_SERIES, standing=True)
    standing = {Rule.FEW_EVENTS: few, Rule.HIGH_CARDINALITY: many}
    return _Memory(
        account.uid,
        accepted.objective.indicator,
        where,
        {rule: each for rule, each in standing.items() if each is not None and f"({rule})" in said},
        wants_bounds=f"({Rule.NO_BOUNDARY})" in said,
    )


def _accepted_message(status: Mapping[str, Any]) -> str:
    conditions = status.get("conditions")
    for each in conditions if isinstance(conditions, list) else ():
        if isinstance(each, Mapping) and each.get("type") == names.Condition.ACCEPTED:
            return str(each.get("message"))
    return ""


def _judge_counts(memory: _Memory, account: Account) -> None:
    objective, assessment = account.objective, account.assessment
    if account.series:
        stands = Rule.HIGH_CARDINALITY in memory.standing
        memory.judge(Rule.HIGH_CARDINALITY, many_series(memory.fields.valid, account.series, standing=stands))
    if assessment is None or assessment.figure is None or not isinstance(assessment.outcome, Measured):
        return
    memory.judged = True
    memory.judge(Rule.NO_BOUNDARY, None)
    valid = _whole_window(objective, assessment.figure.counts)
    if valid is not None:
        stands = Rule.FEW_EVENTS in memory.standing
        memory.judge(Rule.FEW_EVENTS, few_events(objective, valid, standing=stands))


def _whole_window(objective: Objective, counts: Counts) -> float | None:
    """Return how many events a whole window holds; None where too little of it is known, or slices are counted."""
    start, end = bounds(objective.window, counts.end)
    length = end - start
    if objective.slice_s is not None or not well_covered(objective, counts):
        return None
    return counts.valid * length / counts.covered_s


def _judge_bound(memory: _Memory, account: Account, live: Live) -> None:
    """Ask once which buckets there are, where the one that the objective asks for has never been seen."""
    missing = account.assessment is not None and isinstance(account.assessment.outcome, NoData)
    if memory.asked or not (missing or memory.wants_bounds):
        return
    buckets = _buckets(memory.indicator)
    if buckets is None:
        memory.asked = True
        return
    selector, wanted = buckets
    there = live(selector)
    if isinstance(there, Partial | Failed):
        return
    memory.asked = True
    where = memory.fields.bound or memory.fields.numerator
    memory.judge(Rule.NO_BOUNDARY, no_boundary(where, wanted, there))


def _buckets(indicator: Indicator) -> tuple[Selector, str] | None:
    """Return the buckets of a classic histogram and the bound that is asked for; None for other indicators."""
    if not isinstance(indicator, Counters):
        return None
    numerator = indicator.numerator
    bounds_asked = [matcher.value for matcher in numerator.matchers if matcher.label == _BUCKET_LABEL]
    if len(bounds_asked) != 1:
        return None
    others = tuple(matcher for matcher in numerator.matchers if matcher.label != _BUCKET_LABEL)
    # Several spellings of one bound: the first has no point to escape.
    return Selector(numerator.metric, others), bounds_asked[0].partition("|")[0]
