"""The direct source: counts events in the raw counters, many objectives in one query."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from frostline.core.increments import is_unclear
from frostline.core.indicator import Indicator, TimeShare
from frostline.core.ledger import COARSE_S, FINE_S, Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.patches import Patches
from frostline.core.promql import (
    SLOT_LABEL,
    STEP_S,
    Slices,
    Terms,
    any_sample,
    batch,
    newest_sample,
    plain_terms,
    series_count,
    terms,
    window_terms,
)
from frostline.core.selector import Selector
from frostline.prometheus.client import Answer, Asked
from frostline.prometheus.runs import put_in, runs
from frostline.prometheus.source import Counted, Latest, Missing, Points, Presence, Spread, joined

BATCH_TERMS: Final = 48
"""Terms of one query: `or` costs the square of their number in Prometheus."""

_MOST_HOURS: Final = 12
"""Hours from the first to the last that counters were reset in, of which five minutes each are asked for."""

_PERSONAL: Final = frozenset({Failure.BAD_QUERY, Failure.TOO_MUCH})
"""Failures that one objective can bring upon a batch: the batch is asked again in halves."""

_MOST_LOOKS: Final = 7 * 24 * 60
"""How often one query may look at a value: each minute of a week."""

_TOO_OFTEN: Final = Failed(Failure.TOO_MUCH, "minutes and slices of a long window are read bucket by bucket")

Key = TypeVar("Key", bound=Hashable)
_Chunk: TypeAlias = list[tuple[Any, tuple[str, ...]]]
_Answers: TypeAlias = dict[Any, tuple[Points, ...] | Missing]


class Client(Protocol):
    """What the source needs of a Prometheus client."""

    def instant(self, query: str, at: float) -> Asked:
        """Evaluate at one moment."""

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        """Evaluate at several moments."""


_Terms: TypeAlias = Callable[[Objective], tuple[str, ...]]
_Ask: TypeAlias = Callable[[str], Asked]


class DirectSource:
    """Reads counters. Every method returns, per key, what was counted or the reason why there is nothing."""

    def __init__(self, client: Client, spread: Spread = map) -> None:
        self._client = client
        self._spread_over = spread

    @property
    def averages_after_s(self) -> int | None:
        """How long after its end a bucket is read as an average: never, what is counted stays where it is."""
        return None

    @property
    def settled_after_s(self) -> int | None:
        """How long after its end a bucket has been read for good: scrapes may come late."""
        return None

    @property
    def handful(self) -> int:
        """How many objectives one query holds."""
        return BATCH_TERMS // 2

    def latest(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Latest | Missing]:
        """Return how the valid series are there at `at`, and the events of the `width_s` seconds up to it."""
        return joined(self.presence(objectives, at), self.open(objectives, at, width_s))

    def presence(self, objectives: Mapping[Key, Objective], at: int) -> dict[Key, Presence | Missing]:
        """Return whether and how the valid series are there at `at`."""
        asked = self._spread(
            objectives,
            lambda objective: (newest_sample(objective.indicator), series_count(objective.indicator)),
            lambda query: self._client.instant(query, at),
        )
        return {key: _presence(points) for key, points in asked.items()}

    def window(self, objectives: Mapping[Key, Objective], at: int, window_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of the whole window up to `at` in one look, right but for edges and births."""
        short = {key: each for key, each in objectives.items() if not _looks_too_often(each, window_s)}
        asked = self._spread(
            short,
            lambda objective: _pair(window_terms(objective.indicator, window_s)),
            lambda query: self._client.instant(query, at),
        )
        return dict.fromkeys(objectives, _TOO_OFTEN) | {key: _counted(points) for key, points in asked.items()}

    def open(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of the `width_s` seconds up to `at`."""
        return self.closed(objectives, Gap(at - width_s, at - width_s, width_s))

    def closed(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return the events of every bucket of `gap`, by the end of the bucket."""
        found = self._buckets(objectives, gap, plain_terms)
        for run, keys in _unclear(found, gap.width_s).items():
            # A key that failed in one run has no answer as a whole.
            group = {key: objectives[key] for key in keys if isinstance(found[key], Counted)}
            for key, exact in self._exactly(group, run).items():
                found[key] = put_in(run, found[key], exact)
        return found

    def _exactly(self, objectives: Mapping[Key, Objective], run: Gap) -> dict[Key, Counted | Missing]:
        """Return the events of buckets in which counters were reset or born.

        Of hours each five minutes are asked for: in so little a counter is reset once at most, and then rarely has
        more after it than it had before, which only `increase` can tell. Many hours in a row would cost too much.
        """
        if run.width_s != COARSE_S or len(run.ends) > _MOST_HOURS:
            return self._buckets(objectives, run, terms)
        within = Gap(run.start, run.last + run.width_s - FINE_S, FINE_S)
        return {key: _by_hour(answer, run) for key, answer in self._buckets(objectives, within, terms).items()}

    def recent(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return what `closed` does."""
        return self.closed(objectives, gap)

    def unmoved(self, objectives: Mapping[Key, Objective], gap: Gap) -> Mapping[Key, Points]:
        """Return nothing: what is counted stays where it is."""
        del objectives, gap
        return {}

    def patchy(self, objectives: Mapping[Key, Objective], gap: Gap) -> Mapping[Key, Patches]:
        """Return nothing: counters tell what happened between two scrapes, however far apart."""
        del objectives, gap
        return {}

    def idle(self, objectives: Mapping[Key, Objective], gap: Gap) -> frozenset[Key]:
        """Return those of which nothing was there to be counted in all of `gap`, as far as one look tells."""
        end = gap.last + gap.width_s
        terms_of = {key: any_sample(each.indicator, end - gap.start) for key, each in objectives.items()}
        asked = self._ask_all(
            {key: (term,) for key, term in terms_of.items() if term is not None},
            lambda query: self._client.instant(query, end),
        )
        return frozenset(key for key, points in asked.items() if isinstance(points, tuple) and not points[0])

    def _buckets(
        self, objectives: Mapping[Key, Objective], gap: Gap, of: Callable[[Indicator, Slices | None, int], Terms]
    ) -> dict[Key, Counted | Missing]:
        def ask(query: str) -> Asked:
            first, last = gap.start + gap.width_s, gap.last + gap.width_s
            if first == last:
                return self._client.instant(query, last)
            return self._client.range(query, start=first, end=last, step_s=gap.width_s)

        asked = self._spread(
            objectives, lambda objective: _pair(of(objective.indicator, objective.slices, gap.width_s)), ask
        )
        return {key: _counted(points) for key, points in asked.items()}

    def boundaries(self, buckets: Selector, at: int) -> tuple[str, ...] | Missing:
        """Return the bucket bounds, as the label `le` spells them, of the series that `buckets` selects at `at`."""
        asked = self._client.instant(f"count by(le) ({buckets})", at)
        if not isinstance(asked, Answer):
            return asked
        return tuple(series.labels["le"] for series in asked.series if "le" in series.labels)

    def _spread(
        self, objectives: Mapping[Key, Objective], expressions: _Terms, ask: _Ask
    ) -> dict[Key, tuple[Points, ...] | Missing]:
        return self._ask_all({key: expressions(objective) for key, objective in objectives.items()}, ask)

    def _ask_all(self, wanted: Mapping[Key, tuple[str, ...]], ask: _Ask) -> dict[Key, tuple[Points, ...] | Missing]:
        results: dict[Key, tuple[Points, ...] | Missing] = {}
        for answers in self._spread_over(lambda chunk: dict(_halving(chunk, ask)), _chunks(list(wanted.items()))):
            results.update(answers)
        return results


def _looks_too_often(objective: Objective, window_s: int) -> bool:
    """Return whether a look at each minute, or at each slice, of the window is too much for one query."""
    if objective.slices is not None:
        return True
    return isinstance(objective.indicator, TimeShare) and window_s > _MOST_LOOKS * STEP_S


def _unclear(found: Mapping[Key, Counted | Missing], width_s: int) -> dict[Gap, list[Key]]:
    """Return the runs of buckets for which the plain terms could not tell, each with the keys that they are of."""
    found_in: dict[Gap, list[Key]] = defaultdict(list)
    for key, answer in found.items():
        if isinstance(answer, Counted):
            both = (*answer.numerator.items(), *answer.valid.items())
            for run in runs(sorted({end for end, value in both if is_unclear(value)}), width_s):
                found_in[run].append(key)
    return found_in


def _by_hour(answer: Counted | Missing, hours: Gap) -> Counted | Missing:
    """Return the sums over those buckets of each hour that have a count."""
    if not isinstance(answer, Counted):
        return answer

    def summed(points: Points) -> Points:
        found: dict[int, float] = defaultdict(float)
        for end, value in points.items():
            found[end + (hours.start - end) % hours.width_s] += value
        return dict(found)

    return Counted(summed(answer.numerator), summed(answer.valid))


def _pair(of: Terms) -> tuple[str, str]:
    return of.numerator, of.valid


def _chunks(pending: list[tuple[Key, tuple[str, ...]]]) -> Iterator[list[tuple[Key, tuple[str, ...]]]]:
    if not pending:
        return
    size = max(1, BATCH_TERMS // len(pending[0][1]))
    for first in range(0, len(pending), size):
        yield pending[first : first + size]


def _halving(chunk: list[tuple[Key, tuple[str, ...]]], ask: _Ask) -> Iterator[tuple[Key, tuple[Points, ...] | Missing]]:
    """Ask for a chunk in one query; where it fails for what may be one member's fault, ask for its halves."""
    asked = ask(
        batch(
            (f"{member}/{index}", term) for member, (_, wanted) in enumerate(chunk) for index, term in enumerate(wanted)
        )
    )
    if isinstance(asked, Answer):
        slots = {series.labels.get(SLOT_LABEL): series for series in asked.series}
        for member, (key, wanted) in enumerate(chunk):
            found = [slots.get(f"{member}/{index}") for index in range(len(wanted))]
            if any(series is not None and series.broken for series in found):
                yield (
                    key,
                    Failed(Failure.NOT_A_NUMBER, "a counter that the indicator reads is NaN or infinite"),
                )
            else:
                yield (
                    key,
                    tuple({int(when): value for when, value in series.points} if series else {} for series in found),
                )
    elif len(chunk) > 1 and isinstance(asked, Failed) and asked.failure in _PERSONAL:
        middle = len(chunk) // 2
        yield from _halving(chunk[:middle], ask)
        yield from _halving(chunk[middle:], ask)
    else:
        yield from ((key, asked) for key, _ in chunk)


def _counted(points: tuple[Points, ...] | Missing) -> Counted | Missing:
    return points if isinstance(points, Partial | Failed) else Counted(*points)


def _presence(points: tuple[Points, ...] | Missing) -> Presence | Missing:
    if isinstance(points, Partial | Failed):
        return points
    newest, series = (next(iter(each.values()), None) for each in points)
    return Presence(None if newest is None else int(newest), 0 if series is None else int(series))
