"""A source that answers at once, in place of Prometheus, so that what is left is what a cycle itself costs."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from bench.fleet import BAD_SHARE, PER_SECOND
from frostline.core.ledger import Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Partial
from frostline.core.selector import Selector
from frostline.prometheus.source import Counted, Key, Missing, Points, Presence

_HANDFUL: Final = 1_000
_ALIKE: Final = 8
"""After so many objectives the answers repeat."""


class InstantSource:
    """Every objective has events all the time; each service its own share of bad ones. `now` is Prometheus's time."""

    handful: int = _HANDFUL

    def __init__(self, now: float) -> None:
        self._now = now
        self._worse = 1.0

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def degrade(self, factor: float) -> None:
        """Have every second service make `factor` times as many bad events from now on."""
        self._worse = factor

    def now(self) -> float | Partial | Failed:
        """Return Prometheus's time."""
        return self._now

    def presence(self, objectives: Mapping[Key, Objective], at: int) -> dict[Key, Presence | Missing]:
        """Return that every series is there."""
        return dict.fromkeys(objectives, Presence(at, 2))

    def window(self, objectives: Mapping[Key, Objective], at: int, window_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of a whole window."""
        return self._counted(objectives, [at], window_s)

    def open(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Counted | Missing]:
        """Return the events of the open bucket."""
        return self._counted(objectives, [at], width_s)

    def closed(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted | Missing]:
        """Return the events of closed buckets."""
        ends = list(range(gap.start + gap.width_s, gap.last + gap.width_s + 1, gap.width_s))
        return self._counted(objectives, ends, gap.width_s)

    def boundaries(self, _buckets: Selector, _at: int) -> tuple[str, ...]:
        """Return no bounds: there are no histograms."""
        return ()

    def _counted(
        self, objectives: Mapping[Key, Objective], ends: list[int], width_s: int
    ) -> dict[Key, Counted | Missing]:
        answers = [self._answer(number, ends, width_s) for number in range(_ALIKE)]
        return {key: answers[number % _ALIKE] for number, key in enumerate(objectives)}

    def _answer(self, number: int, ends: list[int], width_s: int) -> Counted:
        mean = width_s * PER_SECOND * BAD_SHARE * (self._worse if number % 2 else 1.0)
        bad: Points = {end: float(np.random.default_rng((number, end, width_s)).poisson(mean)) for end in ends}
        return Counted(bad, dict.fromkeys(ends, width_s * PER_SECOND))


def merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an API server makes of a JSON merge patch."""
    result = {**old}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            known = result.get(name)
            result[name] = merged(known if isinstance(known, Mapping) else {}, value)
        else:
            result[name] = value
    return result
