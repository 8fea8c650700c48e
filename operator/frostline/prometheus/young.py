"""Whose rules are young: until these have seen enough, a promise is counted from its counters.

Averages of rates place events up to minutes beside where they were. Buckets that are counted so make up for each other;
one that is counted from rules and one from counters do not. So a promise passes from these to those while nothing bad
is near.
"""

from collections.abc import Container, Mapping
from typing import Final, Protocol, TypeVar

from frostline.core.ledger import open_bucket
from frostline.core.objective import Objective
from frostline.core.recorded import LAG_S, labels_of, matchers
from frostline.names import Recorded
from frostline.prometheus.client import Answer, Asked
from frostline.prometheus.recorded_answers import values_of

_GROWN: Final = "1h"
"""From this age on rules are old enough, whatever happens: what always goes wrong evens out."""

_SEEN: Final = "15m"
"""The same where nothing bad was in sight for ten minutes."""

_QUIET: Final = "10m"

_NEAR: Final = "2m"

Key = TypeVar("Key", bound=tuple[str, str])


class Client(Protocol):
    """What is needed of a Prometheus client."""

    def instant(self, query: str, at: float) -> Asked:
        """Evaluate at one moment."""


class Young:
    """Knows whose rules are young, `most` at a time: where many begin at once the others count as grown."""

    def __init__(self, client: Client, most: int) -> None:
        self._client = client
        self._most = most
        self._young: set[tuple[str, str]] = set()
        self._grown: set[tuple[str, str]] = set()

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Return whether the rules of a promise were young when it was looked at last."""
        return key in self._young

    def look(self, objectives: Mapping[Key, Objective], evaluated: Container[Key], at: int) -> list[Key]:
        """Return which promises have young rules, of those that are `evaluated` at `at`.

        `objectives` are all there are: others are forgotten.
        """
        self._young &= objectives.keys()
        self._grown &= objectives.keys()
        known = self._grown | self._young
        self._meet({key: each for key, each in objectives.items() if key not in known and key in evaluated}, at)
        young = {key: each for key, each in objectives.items() if key in self._young and key in evaluated}
        # What comes right after the edge of a bucket would be near to what was before it.
        if at - open_bucket(at) >= LAG_S:
            self._grow(young, at)
        return [key for key in young if key in self._young]

    def _meet(self, new: Mapping[Key, Objective], at: int) -> None:
        """Take up promises that were not looked at before."""
        grown = self._told(new, _last(f"{Recorded.ALLOWED}{matchers(new)}", _GROWN), at)
        if grown is not None:
            born = [key for key in new if key not in grown]
            self._young.update(born[: self._most - len(self._young)])
            self._grown.update(new.keys() - self._young)

    def _grow(self, young: Mapping[Key, Objective], at: int) -> None:
        """Let go those that are old enough."""
        which = matchers(young)
        valid, bad = f"{Recorded.VALID_5M}{which}", f"{Recorded.BAD_5M}{which}"
        quiet = f"max_over_time({bad}[{_QUIET}]) == 0 and {_last(valid, _SEEN)}"
        grown = self._told(young, f"{quiet} or {_last(f'{Recorded.ALLOWED}{which}', _GROWN)}", at)
        if grown is not None:
            self._young -= grown
            self._grown |= grown

    def _told(self, objectives: Mapping[Key, Objective], query: str, at: int) -> set[Key] | None:
        """Return of which of the objectives there is an answer; None where there is none at all."""
        asked = self._client.instant(query, at) if objectives else None
        if not isinstance(asked, Answer):
            return None
        found = values_of(asked, 0)
        return {key for key, each in objectives.items() if labels_of(key, each) in found}


def _last(metric: str, before: str) -> str:
    return f"last_over_time({metric}[{_NEAR}] offset {before})"
