"""The recorded source: reads what the rules record, for all objectives at once.

A query asks for one recorded metric, so that a cycle takes as many queries for ten thousand objectives as for ten.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeVar

from frostline.core.durations import promql_duration
from frostline.core.indicator import counted
from frostline.core.ledger import COARSE_S, FINE_S, Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Partial
from frostline.core.patches import Patches
from frostline.core.recorded import (
    AFTER_S,
    EVENTS,
    LAG_S,
    LATE_S,
    SEEN_S,
    Labels,
    also,
    labels_of,
    matchers,
    telescoped,
)
from frostline.core.rules import Unit
from frostline.core.selector import Selector
from frostline.names import Recorded, RuleLabel
from frostline.prometheus.client import Answer, Asked
from frostline.prometheus.direct import DirectSource
from frostline.prometheus.evaluations import AsksRules, Evaluations, Unevaluated
from frostline.prometheus.patchy import patches
from frostline.prometheus.recorded_answers import (
    NOTHING,
    Both,
    Newest,
    doubled,
    each_of,
    multiplied,
    newest,
    parts,
    times_of,
    twice,
    values_of,
)
from frostline.prometheus.source import Counted, Latest, Missing, Points, Presence, Spread, joined

HANDFUL: Final = 250
"""Objectives of one query about the past: 84 hours of each are 0.6 MB, and 12 MB while they are read."""

_NEAR: Final = "2m"
"""How much older than the end of a bucket the sample may be that is taken for it: a few evaluations."""

_NEWEST_S: Final = 60
"""Age of the newest of the samples that are averaged: until then there are too few."""

_WRITTEN_S: Final = 60
"""How long after a moment what rules recorded of it is there."""

_LOOK_S: Final = 300
"""How often to look for a sample: for so long one can be seen."""

_SHORT: Final = (Recorded.BAD_5M, Recorded.VALID_5M)
_LONG: Final = (Recorded.BAD_1H, Recorded.VALID_1H)
_NO_EVENTS: Final = f'{RuleLabel.UNIT}!="{Unit.EVENT}"'

Key = TypeVar("Key", bound=tuple[str, str])


class Client(AsksRules, Protocol):
    """What the source needs of a Prometheus client."""

    def instant(self, query: str, at: float) -> Asked:
        """Evaluate at one moment."""

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        """Evaluate at several moments."""


class RecordedSource:
    """Reads recorded series. Keys are (namespace, name). A promise whose rules are not evaluated is a failure."""

    def __init__(self, client: Client, spread: Spread = map) -> None:
        self._client = client
        self._spread = spread
        self._known_edges: tuple[str, int, Mapping[Labels, Points]] | None = None
        self._evaluations = Evaluations(client)

    @property
    def averages_after_s(self) -> int | None:
        """How long after its end a bucket is read as an average."""
        return LAG_S - _NEWEST_S

    @property
    def settled_after_s(self) -> int | None:
        """How long after its end a bucket has been read for good: what rules recorded stays as it is."""
        return LAG_S

    @property
    def handful(self) -> int:
        """How many objectives one query about the past holds."""
        return HANDFUL

    def latest(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Latest | Missing]:
        """Return what is recorded at `at` and of the `width_s` seconds up to it, or why nothing is.

        Of a promise that has both counts at `at`, once each, they tell all; only of others is looked what is there.
        """
        if not objectives:
            return {}
        asked = self._open(matchers(objectives), at, width_s)
        if isinstance(asked, Partial | Failed):
            return dict.fromkeys(objectives, asked)
        opened, several = asked
        counts = each_of(objectives, opened)
        well = {
            key: there
            for key, count in counts.items()
            if (there := _there(count, at)) is not None and not (several and labels_of(key, objectives[key]) in several)
        }
        rest = {key: each for key, each in objectives.items() if key not in well}
        return joined(well | self.presence(rest, at), counts)

    def presence(self, objectives: Mapping[Key, Objective], at: int) -> dict[Key, Presence | Missing]:
        """Return when the valid events were last recorded, or why nothing is recorded, as of `at`."""
        if not objectives:
            self._evaluations.forget()
            return {}
        which = matchers(objectives)
        told: list[Mapping[Labels, Newest]] = []
        valid = f"{Recorded.VALID_5M}{which}"
        # Of bad events it is enough that there is a number: to look at the times of all costs twice as much.
        for query in (
            f"timestamp({Recorded.ALLOWED}{which})",
            f"timestamp({valid}) and {valid} < Inf > -Inf",
            f"{Recorded.BAD_5M}{which}",
        ):
            asked = self._client.instant(query, at)
            if not isinstance(asked, Answer):
                return dict.fromkeys(objectives, asked)
            told.append(newest(asked))
        allowed, there, bad = told
        found: dict[Key, Presence | Missing] = {}
        missing: dict[Key, Unevaluated] = {}
        for key, objective in objectives.items():
            labels = labels_of(key, objective)
            evaluated, seen = allowed.get(labels, NOTHING).at, there.get(labels, NOTHING)
            if evaluated is None or at - evaluated > LATE_S:
                missing[key] = Unevaluated(evaluated)
            elif seen.series and bad.get(labels, NOTHING).at is None:
                missing[key] = Unevaluated(evaluated, counted(objective.indicator))
            elif seen.series > 1:
                found[key] = twice(key, seen)
            else:
                found[key] = Presence(seen.at, seen.series)
        return found | self._evaluations.explained(missing, at)

    def closed(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return the events of every bucket of `gap`, by the end of the bucket."""
        if not objectives:
            return {}
        which = matchers(objectives)
        counts = self._hours(which, gap) if gap.width_s == COARSE_S else self._fine(which, gap)
        return (
            dict.fromkeys(objectives, counts) if isinstance(counts, Partial | Failed) else each_of(objectives, counts)
        )

    def recent(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return what `closed` does."""
        return self.closed(objectives, gap)

    def unmoved(self, objectives: Mapping[Key, Objective], gap: Gap) -> Mapping[Key, Points]:
        """Return the bad events of the buckets of `gap`, by their ends, as they were recorded when these ended."""
        asked = self._values(_last(Recorded.BAD_5M, matchers(objectives)), gap.ends, AFTER_S)
        if isinstance(asked, Partial | Failed):
            return {}
        events = multiplied(asked[0], FINE_S)
        found = ((key, events.get(labels_of(key, objective))) for key, objective in objectives.items())
        return {key: points for key, points in found if points is not None}

    def patchy(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Patches] | Missing:
        """Return the buckets of `gap` that rules saw in part only, of those objectives that have some."""
        return patches(self._client, objectives, gap)

    def window(self, objectives: Mapping[Key, Objective], at: int, window_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of the whole window up to `at` in one look, right but for edges and births."""
        members = list(objectives.items())
        found: dict[Key, Counted | Missing] = {}
        for first in range(0, len(members), HANDFUL):
            found |= self._summed(dict(members[first : first + HANDFUL]), at, window_s)
        return found

    def boundaries(self, buckets: Selector, at: int) -> tuple[str, ...] | Missing:
        """Return what the direct source does: bounds of raw buckets are not recorded."""
        return DirectSource(self._client).boundaries(buckets, at)

    def evaluated(
        self, objectives: Mapping[Key, Objective], times: range, of: Recorded = Recorded.ALLOWED
    ) -> dict[Key, frozenset[int]] | Missing:
        """Return at which of `times`, a step apart, the rules of each objective gave something, whatever it counts."""
        asked = self._several(_last(of, matchers(objectives)), times, AFTER_S)
        if not isinstance(asked, Answer):
            return asked
        found = times_of(asked, AFTER_S)
        return {key: found.get(labels_of(key, objective), frozenset()) for key, objective in objectives.items()}

    def _open(self, which: str, at: int, width_s: int) -> tuple[Both, frozenset[Labels]] | Missing:
        """Return the events of the open bucket, and which promises are recorded more than once."""
        edges = self._edges(which, at, at - width_s)
        if isinstance(edges, Partial | Failed):
            return edges

        def ask(metric: Recorded) -> tuple[dict[Labels, Points], frozenset[Labels]] | Missing:
            if metric is Recorded.BAD_5M:
                # Both are compared: the earlier one must not have seen more than the later one can have by now.
                return self._values(_last(metric, which), range(at - FINE_S, at + 1, FINE_S), SEEN_S)
            return self._values(_last(metric, which), range(at - width_s, at + 1, width_s), AFTER_S)

        found, several = [], frozenset[Labels]()
        for at_edges, asked in zip((edges, None), self._spread(ask, _SHORT), strict=True):
            if isinstance(asked, Partial | Failed):
                return asked
            values, twice_there = asked
            several |= twice_there
            found.append(parts(values, at, width_s, at_edges))
        return Both(*found), several

    def _edges(self, which: str, at: int, begun: int) -> Mapping[Labels, Points] | Missing:
        """Return the rates of bad events at the start of the open bucket, and five minutes before it.

        They stay the same while it is open: asked for once the rules have had their time.
        """
        if self._known_edges is not None and self._known_edges[:2] == (which, begun):
            return self._known_edges[2]
        times = range(begun - FINE_S, begun + 1, FINE_S)
        asked = self._values(_last(Recorded.BAD_5M, which), times, AFTER_S)
        if isinstance(asked, Partial | Failed):
            return asked
        # Nearly all of a large fleet have none.
        none = dict.fromkeys(times, 0.0)
        found = {labels: none if points == none else points for labels, points in asked[0].items()}
        if at - begun >= _WRITTEN_S:
            self._known_edges = which, begun, found
        return found

    def _fine(self, which: str, gap: Gap) -> Both | Missing:
        found = self._pair(_SHORT, lambda metric: _five_minutes(metric, which), gap.ends, LAG_S)
        return found if isinstance(found, Partial | Failed) else Both(*(multiplied(of, FINE_S) for of in found))

    def _hours(self, which: str, gap: Gap) -> Both | Missing:
        """Return hours. What is recorded of events ends a little before they do: that is made good at both ends."""
        ends = gap.ends
        before = self._before(which, ends[-1])
        if before is None or isinstance(before, Partial | Failed):
            return Both({}, {}) if before is None else before
        hours = self._pair(_LONG, lambda metric: _hour(metric, which), ends, LAG_S)
        edges = self._between(also(which, EVENTS), range(gap.start, ends[-1] + 1, ends[-1] - gap.start), before)
        if isinstance(hours, Partial | Failed):
            return hours
        if isinstance(edges, Partial | Failed):
            return edges
        return Both(
            *(
                {
                    labels: telescoped(counts, at_edges.get(labels, {}), gap)
                    for labels, counts in multiplied(of, COARSE_S).items()
                }
                for of, at_edges in zip(hours, edges, strict=True)
            )
        )

    def _between(self, which: str, ends: range, length_s: int) -> Both | Missing:
        """Return the events of the `length_s` seconds up to each of `ends`, from averages of five-minute rates."""
        if length_s == 0:
            return Both({}, {})
        look = promql_duration(length_s)
        found = self._pair(_SHORT, lambda metric: f"avg_over_time({metric}{which}[{look}])", ends, LAG_S)
        return found if isinstance(found, Partial | Failed) else Both(*(multiplied(of, length_s) for of in found))

    def _before(self, which: str, end: int) -> int | Missing | None:
        """Return how many seconds before `end`, less the lag, hours were last recorded; None where they were not."""
        end += LAG_S
        asked = self._client.range(
            f"max(timestamp({Recorded.VALID_1H}{which}))", start=end - COARSE_S + _LOOK_S, end=end, step_s=_LOOK_S
        )
        if not isinstance(asked, Answer):
            return asked
        newest = [value for series in asked.series for _, value in series.points]
        return end - int(max(newest)) if newest else None

    def _summed(self, objectives: Mapping[Key, Objective], at: int, window_s: int) -> dict[Key, Counted | Missing]:
        which = matchers(objectives)
        hour = at - LAG_S - (at - LAG_S) % COARSE_S
        hours_s = (hour - (at - window_s)) // COARSE_S * COARSE_S
        before = self._before(which, hour) if hours_s > 0 else None
        if before is None or isinstance(before, Partial | Failed):
            return dict.fromkeys(objectives, Counted({}, {}) if before is None else before)
        look = f"{promql_duration(hours_s)}:1h"
        whole = self._pair(
            _LONG,
            lambda metric: f"sum_over_time(last_over_time({metric}{which}[1h] offset -{LAG_S}s)[{look}])",
            range(hour, hour + 1),
            0,
        )
        rest = self._between(which, range(at - LAG_S, at - LAG_S + 1), at - LAG_S - hour + before)
        if isinstance(whole, Partial | Failed):
            return dict.fromkeys(objectives, whole)
        if isinstance(rest, Partial | Failed):
            return dict.fromkeys(objectives, rest)
        sums = [
            {
                labels: {at: sum(each.values()) + sum(more.get(labels, {}).values())}
                for labels, each in multiplied(of, COARSE_S).items()
            }
            for of, more in zip(whole, rest, strict=True)
        ]
        return each_of(objectives, Both(*sums))

    def _pair(
        self, metrics: tuple[Recorded, Recorded], of: Callable[[Recorded], str], times: range, after_s: int
    ) -> Both | Missing:
        """Evaluate an expression of each metric at `times`, `after_s` later; return values by labels and time."""
        both = []
        for asked in self._spread(lambda metric: self._values(of(metric), times, after_s), metrics):
            if isinstance(asked, Partial | Failed):
                return asked
            both.append(asked[0])
        return Both(*both)

    def _values(
        self, expression: str, times: range, after_s: int
    ) -> tuple[dict[Labels, Points], frozenset[Labels]] | Missing:
        """Return values by labels and time, and of which labels there are several series.

        Of ten thousand series an answer is tens of megabytes: none is kept.
        """
        asked = self._several(expression, times, after_s)
        if not isinstance(asked, Answer):
            return asked
        found = values_of(asked, after_s)
        return found, doubled(asked, found)

    def _several(self, expression: str, times: range, after_s: int) -> Asked:
        first, last = times[0] + after_s, times[-1] + after_s
        if first == last:
            return self._client.instant(expression, first)
        return self._client.range(expression, start=first, end=last, step_s=times.step)


def _five_minutes(metric: Recorded, which: str) -> str:
    """Return what was recorded of five minutes, asked for `LAG_S` later: the average around them, once it all was.

    A single evaluation loses events between the last scrape of one range and the first of the next, and makes up
    for them by extrapolation: fair for many events, and for a few ones wrong. Minutes and slices are counted whole.
    """
    events = also(which, EVENTS)
    single = f"[{_NEAR}] offset {LAG_S - AFTER_S}s)"
    around = f"avg_over_time({metric}{events}[5m]) and last_over_time({metric}{events}[{_NEWEST_S}s])"
    # Added to nothing it loses its name, as an average does: of one promise comes one series.
    return f"({around} and last_over_time({metric}{events}{single}) or last_over_time({metric}{which}{single} + 0"


def _hour(metric: Recorded, which: str) -> str:
    """Return what was recorded of an hour, asked for `LAG_S` later, as events a second.

    Minutes and slices are counted whole: those of an hour are those of its five minutes, each as it ended.
    """
    short = _SHORT[_LONG.index(metric)]
    whole = f"last_over_time({short}{also(which, _NO_EVENTS)}[{_NEAR}] offset -{AFTER_S}s)"
    # A minute short of the hour: older versions of Prometheus count what lies at the start of a range, too.
    summed = f"sum_over_time({whole}[59m:5m] offset {LAG_S}s) / {COARSE_S // FINE_S}"
    return f"last_over_time({metric}{also(which, EVENTS)}[1h]) or {summed}"


def _last(metric: Recorded, which: str) -> str:
    return f"last_over_time({metric}{which}[{_NEAR}])"


def _there(count: Counted | Missing, at: int) -> Presence | None:
    """Return that one series is there, where both counts were recorded at `at` or a little before it."""
    seen = isinstance(count, Counted) and at in count.valid and at in count.numerator
    return Presence(at, 1) if seen else None
