"""Answers about recorded series, sorted by promise and turned into counts."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from frostline.core.indicator import Counted as Sense
from frostline.core.indicator import counted
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure
from frostline.core.recorded import WHOSE, Labels, in_part, labels_of
from frostline.core.rules import BASE_S, Unit
from frostline.prometheus.client import Answer, Series
from frostline.prometheus.source import Counted, Missing, Points

Key = TypeVar("Key", bound=tuple[str, str])


_named = itemgetter(*WHOSE)

# Tens of thousands at once: to look up a member of an enumeration takes as long as all that is done with it.
_SLICE: Final = Unit.SLICE.value
_BAD: Final = Sense.BAD


class Both(NamedTuple):
    """Of bad and of valid events: values by labels and time."""

    bad: Mapping[Labels, Points]
    valid: Mapping[Labels, Points]


def _whose(series: Series) -> Labels:
    try:
        return Labels._make(_named(series.labels))
    except KeyError:
        return Labels(*[series.labels.get(name, "") for name in WHOSE])


class Newest(NamedTuple):
    """Of the series of one promise: the newest of the times that they have as values, and how many there are.

    `labels` names those that they have beside the ones that tell promises apart; of several series only.
    """

    at: int | None
    series: int
    labels: frozenset[str] = frozenset()


NOTHING: Final = Newest(None, 0)


def newest(answer: Answer) -> dict[Labels, Newest]:
    """Return what there is of each promise: one series, unless it is recorded twice."""
    # Ten thousand answers at once: nothing of a series stays here that is not asked for.
    found: dict[Labels, Newest] = {}
    several: set[Labels] = set()
    for series in answer.series:
        whose, at = _whose(series), max((int(value) for _, value in series.points), default=None)
        if whose in found:
            several.add(whose)
            at = max((each for each in (at, found[whose].at) if each is not None), default=None)
        found[whose] = Newest(at, found.get(whose, NOTHING).series + 1)
    for series in answer.series if several else ():
        whose = _whose(series)
        if whose in several:
            before = found[whose]
            found[whose] = before._replace(labels=before.labels | (series.labels.keys() - {*WHOSE}))
    return found


def times_of(answer: Answer, after_s: int) -> dict[Labels, frozenset[int]]:
    """Return at which times there was a value of each promise, less the seconds by which was asked later."""
    found: dict[Labels, frozenset[int]] = defaultdict(frozenset)
    for series in answer.series:
        found[_whose(series)] |= {int(when) - after_s for when, _ in series.points}
    return found


def values_of(answer: Answer, after_s: int) -> dict[Labels, Points]:
    """Return values by promise and by time, less the seconds by which was asked later."""
    # What is recorded twice is refused by the look at what is there (`presence`).
    return {_whose(series): {int(when) - after_s: value for when, value in series.points} for series in answer.series}


def doubled(answer: Answer, found: Mapping[Labels, Points]) -> frozenset[Labels]:
    """Return the promises that have more than one series in an answer from which `found` was taken."""
    if len(answer.series) == len(found):
        return frozenset()
    return frozenset(labels for labels, count in Counter(map(_whose, answer.series)).items() if count > 1)


def multiplied(of: Mapping[Labels, Points], factor: int) -> dict[Labels, dict[int, float]]:
    """Return rates as counts of so many seconds."""
    return {labels: {when: value * factor for when, value in points.items()} for labels, points in of.items()}


def parts(
    of: Mapping[Labels, Points], at: int, width_s: int, edges: Mapping[Labels, Points] | None = None
) -> dict[Labels, Points]:
    """Return the events of the open bucket, as far as rates over five minutes tell, and those of the one before it.

    `edges` has the rates at its start and five minutes before that; without, `of` has those at its start.
    """
    begun = at - width_s
    found: dict[Labels, Points] = {}
    for labels, points in of.items():
        if at not in points:
            continue
        known = points if edges is None else edges.get(labels, {})
        earlier = known if edges is None else points
        now, before, last, first = (
            None if rate is None else rate * BASE_S
            for rate in (points[at], known.get(begun), earlier.get(at - BASE_S), known.get(begun - BASE_S))
        )
        # A slice is not over before its end.
        open_yet = labels.unit == _SLICE and width_s < BASE_S
        part = 0.0 if open_yet else in_part(now or 0.0, before, width_s, earlier=last, long_before=first)
        found[labels] = {at: part} if before is None else {begun: before, at: part}
    return found


def each_of(objectives: Mapping[Key, Objective], both: Both) -> dict[Key, Counted | Missing]:
    """Return for each objective what was counted for its labels."""
    found: dict[Key, Counted | Missing] = {}
    for key, objective in objectives.items():
        labels = labels_of(key, objective)
        found[key] = _in_its_sense(objective, both.bad.get(labels, {}), both.valid.get(labels, {}))
    return found


def _in_its_sense(objective: Objective, bad: Points, valid: Points) -> Counted:
    """Return counts with the numerator that the indicator has.

    Rules record bad events wherever they record valid ones: where they did not there is no data.
    """
    both = {when: value for when, value in valid.items() if when in bad}
    if counted(objective.indicator) is _BAD:
        return Counted(bad, both)
    return Counted({when: max(value - bad[when], 0.0) for when, value in both.items()}, both)


def twice(key: tuple[str, str], there: Newest) -> Failed:
    """Return what there is to say of a promise that several series record."""
    return Failed(
        Failure.RECORDED_TWICE,
        f"{there.series} series record {'/'.join(key)}, apart by {', '.join(sorted(there.labels))}: ask for one of them"
        " only, or where they are deduplicated",
    )
