"""The direct source: counts events in the raw counters, many objectives in one query."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, TypeVar

from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.promql import SLOT_LABEL, Terms, batch, newest_sample, series_count, terms, window_terms
from frostline.core.selector import Selector
from frostline.prometheus.client import Answer, Asked

BATCH_TERMS: Final = 48
"""Terms of one query: `or` costs the square of their number in Prometheus."""

_PERSONAL: Final = frozenset({Failure.BAD_QUERY, Failure.TOO_MUCH})
"""Failures that one objective can bring upon a batch: the batch is asked again in halves."""

Key = TypeVar("Key", bound=Hashable)
Points: TypeAlias = Mapping[int, float]
"""Values by evaluation time in epoch seconds; a moment without a series is absent."""

Missing: TypeAlias = Partial | Failed


class Client(Protocol):
    """What the source needs of a Prometheus client."""

    def instant(self, query: str, at: float) -> Asked:
        """Evaluate at one moment."""

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        """Evaluate at several moments."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Events counted in the time up to each evaluation time."""

    numerator: Points
    valid: Points


@dataclass(frozen=True, slots=True)
class Presence:
    """Valid series at one moment: time of the `newest` sample, None without one for five minutes; how many `series`."""

    newest: int | None
    series: int


_Terms: TypeAlias = Callable[[Objective], tuple[str, ...]]
_Ask: TypeAlias = Callable[[str], Asked]


class DirectSource:
    """Reads counters. Every method returns, per key, what was counted or the reason why there is nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

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
        asked = self._spread(
            objectives,
            lambda objective: _pair(window_terms(objective.indicator, window_s)),
            lambda query: self._client.instant(query, at),
        )
        return {key: _counted(points) for key, points in asked.items()}

    def open(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of the `width_s` seconds up to `at`."""
        asked = self._spread(
            objectives,
            lambda objective: _counting(objective, width_s),
            lambda query: self._client.instant(query, at),
        )
        return {key: _counted(points) for key, points in asked.items()}

    def closed(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return the events of every bucket of `gap`, by the end of the bucket."""
        asked = self._spread(
            objectives,
            lambda objective: _counting(objective, gap.width_s),
            lambda query: self._client.range(
                query, start=gap.start + gap.width_s, end=gap.last + gap.width_s, step_s=gap.width_s
            ),
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
        results: dict[Key, tuple[Points, ...] | Missing] = {}
        pending = [(key, expressions(objective)) for key, objective in objectives.items()]
        for chunk in _chunks(pending):
            results.update(_halving(chunk, ask))
        return results


def _counting(objective: Objective, width_s: int) -> tuple[str, str]:
    return _pair(terms(objective.indicator, objective.slices, width_s))


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
