"""A Prometheus that has recorded rules: series of rates by promise, answered as the recorded source asks for them."""

import math
import re
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from frostline.core.outcome import Failed, Failure
from frostline.names import Recorded
from frostline.prometheus.client import Answer, Asked, Series
from frostline.prometheus.evaluations import RulePage, RuleState

PHASE = 17
EVERY_S = 30
SILENT = Failed(Failure.SERVER_ERROR, "404")

_METRIC = re.compile(r"slo:frostline_\w+:\w+")
_RANGE = re.compile(r"\[(\d+)([smh])\]")
_SECONDS = {"s": 1, "m": 60, "h": 3_600}

_HOURS_IN_PART = tuple(f"last_over_time({each}" for each in (Recorded.SCRAPED_1H, Recorded.EVALUATED_1H))

LABELS = {"namespace": "shop", "unit": "event", "window": "30d"}

Rate = Callable[[int], float | None]
"""Events a second at a moment; None where nothing is recorded."""


@dataclass
class Promised:
    """What is recorded of one promise. `since`: when its rules were evaluated first."""

    valid: Rate = lambda _at: 1.0
    bad: Rate = lambda _at: 0.1
    since: int = 0
    more: Sequence[Mapping[str, str]] = ({},)


def _always(_at: int) -> float:
    return 0.001


@dataclass
class Recording:
    """Samples every 30 s, hours every half hour, 17 s after the full minute; `counters`: whether there are any.

    What is later than `until` is not recorded yet, what was `missed` never is.
    """

    promises: Mapping[str, Promised] = field(default_factory=dict)
    states: tuple[RuleState, ...] | Failed = SILENT
    queries: list[str] = field(default_factory=list)
    trouble: Asked | None = None
    asked_rules: int = 0
    counters: bool = True
    until: int = sys.maxsize
    missed: Container[int] = ()
    page: int = 1_000

    def instant(self, query: str, at: float) -> Asked:
        return self._answer(query, [int(at)])

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        return self._answer(query, list(range(int(start), int(end) + 1, step_s)))

    def rules(self, names: Sequence[str], then: str = "") -> RulePage | Failed:
        assert names
        self.asked_rules += 1
        if isinstance(self.states, Failed):
            return self.states
        first = int(then or 0)
        after = first + self.page
        return RulePage(self.states[first:after], str(after) if after < len(self.states) else "")

    def _answer(self, query: str, times: list[int]) -> Asked:
        self.queries.append(query)
        if self.trouble is not None:
            return self.trouble
        metrics = _METRIC.findall(query)
        if not metrics:
            # Counters: a hundred events in every bucket, whoever asks.
            slots = re.findall(r'"(\d+/\d+)"', query) if self.counters else ()
            return Answer(tuple(Series({"frostline_slot": slot}, tuple((t, 100.0) for t in times)) for slot in slots))
        if "count_over_time" in query or query.startswith(_HOURS_IN_PART):
            return Answer(tuple(self._in_part(query, times)))
        if " offset 1h)" in query:
            return Answer(tuple(self._of_an_age(query, times[0])))
        metric = Recorded(metrics[0])
        found = []
        for name, promised in self.promises.items():
            labels = LABELS | {"name": name}
            points = tuple(
                (when, value)
                for when in times
                if (value := self._value(query, metric, promised, when)) is not None and math.isfinite(value)
            )
            if points:
                found += [Series(labels | dict(more), points) for more in promised.more]
        if query.startswith("max(") and found:
            newest = {when: max(dict(each.points).get(when, 0.0) for each in found) for when, _ in found[0].points}
            found = [Series({}, tuple(newest.items()))]
        return Answer(tuple(found))

    def _in_part(self, query: str, times: list[int]) -> Iterator[Series]:
        """Yield when something was missing in the five minutes up to each time, or in the hours around it."""
        missing = self._hour_in_part if query.startswith(_HOURS_IN_PART) else self._five_minutes_in_part
        scrapes = Recorded.VALID_5M in query or query.startswith(_HOURS_IN_PART[0])
        for name, promised in self.promises.items():
            points = tuple((when, 1.0) for when in times if missing(promised, when, scrapes=scrapes))
            if points:
                yield Series(LABELS | {"name": name}, points)

    def _five_minutes_in_part(self, promised: Promised, when: int, *, scrapes: bool) -> bool:
        (valid, evaluated), (valid_before, before), (_, after) = (
            self._samples_up_to(promised, end, 300) for end in (when, when - 300, when + 300)
        )
        if scrapes:
            half = 0 < evaluated <= before / 2 or 0 < evaluated <= after / 2
            return (
                0 < valid < evaluated or bool(valid and before and not valid_before) or bool(half and before and after)
            )
        alone = bool(evaluated) is not bool(before)
        return alone or (0 < evaluated < before and bool(after)) or 0 < evaluated < after

    def _hour_in_part(self, promised: Promised, when: int, *, scrapes: bool) -> bool:
        for at in range(when - 3_600 - (when - PHASE) % 1_800 + 1_800, when + 3_601, 1_800):
            valid, evaluated = self._samples_up_to(promised, at, 3_600)
            if scrapes and 0 < valid < evaluated:
                return True
            if not scrapes and 0 < evaluated < self._samples_up_to(promised, at - 3_600, 3_600)[1]:
                return True
        return False

    def _samples_up_to(self, promised: Promised, end: int, length_s: int) -> tuple[int, int]:
        """Return how many samples there are of valid events in so long a time, and how many of the objective."""
        first, last = max(end - length_s + 1, promised.since), min(end, self.until)
        samples = [at for at in range(first + (PHASE - first) % EVERY_S, last + 1, EVERY_S) if at not in self.missed]
        return sum(promised.valid(at) is not None for at in samples), len(samples)

    def _of_an_age(self, query: str, when: int) -> Iterator[Series]:
        """Yield those whose rules were there an hour before; or, if that is asked, so are, and see nothing bad."""
        for name, promised in self.promises.items():
            grown, seen = (promised.since <= self._sample(Recorded.VALID_5M, when - age) for age in (3_600, 900))
            samples = range(when - 600 + (PHASE - when) % EVERY_S, when + 1, EVERY_S)
            quiet = "max_over_time" in query and not any(promised.bad(at) for at in samples)
            if grown or (seen and quiet):
                yield Series(LABELS | {"name": name}, ((when, 1.0),))

    def _value(self, query: str, metric: Recorded, promised: Promised, when: int) -> float | None:
        if " offset 135s" in query:
            single = self._value(f"last_over_time({metric}[2m])", metric, promised, when - 135)
            around = single is not None and when - self._sample(metric, when) < 60
            if not around:
                return single
        sample = self._sample(metric, when)
        if sample < promised.since:
            return None
        of = promised.bad if metric in (Recorded.BAD_1H, Recorded.BAD_5M) else promised.valid
        if metric is Recorded.ALLOWED:
            of = _always
        if query.startswith(("timestamp(", "max(timestamp(")):
            seen = of(sample)
            return float(sample) if seen is not None and math.isfinite(seen) and when - sample < 300 else None
        hours = metric in (Recorded.BAD_1H, Recorded.VALID_1H)
        if "avg_over_time" in query or hours:
            found = _RANGE.search(query)
            assert found is not None
            length = 3_600 if hours else int(found[1]) * _SECONDS[found[2]]
            last = sample if hours else min(when, self.until)
            first = last - length + 1
            samples = range(first + (PHASE - first) % EVERY_S, last + 1, EVERY_S)
            rates = [rate for at in samples if at not in self.missed and (rate := of(at)) is not None]
            return sum(rates) / len(rates) if rates else None
        while when - sample < 120 and of(sample) is None:
            sample -= EVERY_S
        return of(sample) if when - sample < 120 else None

    def _sample(self, metric: Recorded, when: int) -> int:
        """Return when there was a sample last."""
        every = 1_800 if metric in (Recorded.BAD_1H, Recorded.VALID_1H) else EVERY_S
        sample = (min(when, self.until) - PHASE) // every * every + PHASE
        while sample in self.missed:
            sample -= every
        return sample
