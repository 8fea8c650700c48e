"""Answers about recorded series, sorted by promise and turned into counts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from frostline.core.indicator import Counted as Sense
from frostline.core.indicator import counted
from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure
from frostline.core.recorded import WHOSE, Labels, in_part, labels_of
from frostline.core.rules import BASE_S, Unit
from frostline.prometheus.client import Answer, Series
from frostline.prometheus.source import Counted, Missing, Points

Key = TypeVar("Key", bound=tuple[str, str])


class Both(NamedTuple):
    """Of bad and of valid events: values by labels and time."""

    bad: Mapping[Labels, Points]
    valid: Mapping[Labels, Points]


def ends_of(gap: Gap) -> range:
    """Return the ends of the buckets of a gap."""
    return range(gap.start + gap.width_s, gap.last + gap.width_s + 1, gap.width_s)


def _whose(series: Series) -> Labels:
    return Labels(*[series.labels.get(name, "") for name in WHOSE])


def by_labels(answer: Answer) -> dict[Labels, list[Series]]:
    """Return the series of each promise: one, unless it is recorded twice."""
    found: dict[Labels, list[Series]] = defaultdict(list)
    for series in answer.series:
        found[_whose(series)].append(series)
    return found


def values_of(answer: Answer, after_s: int) -> dict[Labels, Points]:
    """Return values by promise and by time, less the seconds by which was asked later."""
    # What is recorded twice is refused by the look at what is there (`presence`).
    return {_whose(series): {int(when) - after_s: value for when, value in series.points} for series in answer.series}


def multiplied(of: Mapping[Labels, Points], factor: int) -> dict[Labels, dict[int, float]]:
    """Return rates as counts of so many seconds."""
    return {labels: {when: value * factor for when, value in points.items()} for labels, points in of.items()}


def parts(of: Mapping[Labels, Points], at: int, width_s: int) -> dict[Labels, Points]:
    """Return the events of the open bucket, as far as rates over five minutes tell."""
    found: dict[Labels, Points] = {}
    for labels, points in of.items():
        if at not in points:
            continue
        # A slice is not over before its end.
        if labels.unit == Unit.SLICE and width_s < BASE_S:
            found[labels] = {at: 0.0}
            continue
        before = points.get(at - width_s)
        found[labels] = {at: in_part(points[at] * BASE_S, None if before is None else before * BASE_S, width_s)}
    return found


def better(single: Mapping[Labels, Points], around: Mapping[Labels, Points]) -> dict[Labels, Points]:
    """Return averages around the ends of buckets in place of single evaluations, where there are any."""
    found: dict[Labels, Points] = {}
    for labels, points in single.items():
        of = around.get(labels, {}) if labels.unit == Unit.EVENT else {}
        found[labels] = {when: of.get(when, value) for when, value in points.items()}
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
    if counted(objective.indicator) is Sense.BAD:
        return Counted(bad, both)
    return Counted({when: max(value - bad[when], 0.0) for when, value in both.items()}, both)


def newest_of(series: Iterable[Series]) -> int | None:
    """Return the newest of the times that series have as their values."""
    return max((int(value) for each in series for _, value in each.points), default=None)


def twice(key: tuple[str, str], series: Sequence[Series]) -> Failed:
    """Return what there is to say of a promise that several series record."""
    by = sorted({name for each in series for name in each.labels} - {*WHOSE})
    return Failed(
        Failure.RECORDED_TWICE,
        f"{len(series)} series record {'/'.join(key)}, apart by {', '.join(by)}: ask for one of them only, or where"
        " they are deduplicated",
    )
