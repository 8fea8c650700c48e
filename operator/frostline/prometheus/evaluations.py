"""Why rules are not evaluated, as far as Prometheus's own list of rules tells."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from frostline.core.indicator import Counted
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.recorded import LATE_S
from frostline.names import Recorded, RuleLabel

_ASKED_AGAIN_S: Final = 60
"""The list is long where there are many promises: not in each cycle."""

_MOST_PAGES: Final = 1_000
"""Pages of one list: more than a hundred thousand promises have. A server may go on for ever."""

_TOKEN_CHARACTERS: Final = 256
"""Of what asks for the next page: a digest where Prometheus made it."""

_OURS: Final = (Recorded.VALID_5M, Recorded.BAD_5M, Recorded.ALLOWED)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

Key = TypeVar("Key", bound=tuple[str, str])


@dataclass(frozen=True, slots=True)
class RuleState:
    """What Prometheus says of one rule: whose it is, its `group`, what went wrong (`error`, else empty), and when.

    `promise` is the namespace and the name in its labels, empty where it has none.
    """

    name: str
    promise: tuple[str, str]
    group: str
    error: str
    evaluated: datetime


@dataclass(frozen=True, slots=True)
class RulePage:
    """A part of the list of rules, of so many `groups`; `then` asks for the next one, and is empty after the last."""

    rules: tuple[RuleState, ...]
    then: str = ""
    groups: int = 0


class AsksRules(Protocol):
    """What is needed of a Prometheus client."""

    def rules(self, names: Sequence[str], then: str = "") -> RulePage | Partial | Failed:
        """Return the recording rules of these names: the first page, or the one that `then` asks for."""


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """What is known of a promise of which nothing is recorded: when its rules were evaluated last, epoch seconds.

    `without` is what its numerator counts, where valid events are recorded and bad ones are not.
    """

    evaluated: int | None
    without: Counted | None = None


class _Told(NamedTuple):
    """What Prometheus says of the rules of one promise: which one fails, and which one was evaluated last."""

    failing: RuleState | None
    newest: RuleState


_Known: TypeAlias = Mapping[tuple[str, str], _Told] | None


class Evaluations:
    """Explains; asks for the list of rules once a minute at most, and only while there is something to explain.

    Of ten thousand promises that list is tens of megabytes: it is read page by page, and kept no longer than needed.
    """

    def __init__(self, client: AsksRules) -> None:
        self._client = client
        self._asked: int | None = None
        self._known: _Known = None

    def explained(self, missing: Mapping[Key, Unevaluated], at: int) -> dict[Key, Failed]:
        """Return why nothing is recorded of each of these promises, as of `at`."""
        if not missing:
            self.forget()
            return {}
        if self._asked is None or not 0 <= at - self._asked < _ASKED_AGAIN_S:
            self._known, self._asked = self._ask(), at
        known = self._known
        told = known or {}
        return {
            key: Failed(Failure.NOT_RECORDED, _sentence("/".join(key), each, known, told.get(key), at))
            for key, each in missing.items()
        }

    def forget(self) -> None:
        """Forget the list, as there is nothing to explain."""
        self._known = self._asked = None

    def _ask(self) -> _Known:
        """Return the rules by promise; None where this Prometheus does not tell."""
        found: dict[tuple[str, str], _Told] = {}
        then = ""
        for _ in range(_MOST_PAGES):
            page = self._client.rules([str(each) for each in _OURS], then)
            if isinstance(page, Partial | Failed):
                return None
            for rule in page.rules:
                found[rule.promise] = _with(found.get(rule.promise), rule)
            then = page.then
            if not then:
                return found
        return None


def _with(told: _Told | None, rule: RuleState) -> _Told:
    """Return what is told with one more rule."""
    failing = rule if rule.error else None
    if told is None:
        return _Told(failing, rule)
    return _Told(told.failing or failing, max(told.newest, rule, key=lambda each: each.evaluated))


def _sentence(which: str, missing: Unevaluated, known: _Known, told: _Told | None, at: int) -> str:
    failing = None if told is None else told.failing
    if failing is not None:
        return f"the rule {failing.name} of {which}, in group {failing.group}, fails: {failing.error}"
    if missing.without is Counted.GOOD:
        return f"of {which} valid events are recorded and no good ones: check the selector of the good events"
    if missing.without is Counted.BAD:
        return f"of {which} valid events are recorded, and no number of bad ones: check what they are counted from"
    if known is not None and told is None:
        return (
            f"Prometheus does not know the recording rules of {which}: check that they were written (operator's log)"
            " and that it reads them (ruleSelector and ruleNamespaceSelector, or rule_files and a reload)"
        )
    if told is None:
        since = "" if missing.evaluated is None else f" since {_utc(missing.evaluated)}"
        return (
            f"the recording rules of {which} have not been evaluated{since}: check that Prometheus reads what Frostline"
            " writes (ruleSelector, or rule_files) and the health of the rule groups frostline-slos-…"
        )
    newest = told.newest
    if newest.evaluated <= _NEVER:
        return f"Prometheus has read the recording rules of {which} (group {newest.group}) and not evaluated them yet"
    last = int(newest.evaluated.timestamp())
    if at - last > LATE_S:
        return (
            f"Prometheus has not evaluated the recording rules of {which} since {_utc(last)}:"
            f" group {newest.group} overruns its interval, see prometheus_rule_group_last_duration_seconds"
        )
    return (
        f"the recording rules of {which} are evaluated (group {newest.group}), and what they record is not there yet:"
        " it takes a minute after they are read; else ask where it is written to"
    )


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def rule_page(data: Mapping[str, Any], names: Sequence[str]) -> RulePage:
    """Return the recording rules of these names in an answer of /api/v1/rules, whether or not that was filtered.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the answer has another shape.
    """
    wanted = frozenset(names)
    then = data.get("groupNextToken") or ""
    if not isinstance(then, str) or len(then) > _TOKEN_CHARACTERS:
        raise ValueError("groupNextToken is no token")
    rules = tuple(
        RuleState(
            sys.intern(rule["name"]),
            _promise(rule.get("labels") or {}),
            str(group["name"]),
            " ".join(str(rule.get("lastError") or "").split())[:300],
            _time(rule.get("lastEvaluation")),
        )
        for group in data["groups"]
        for rule in group["rules"]
        if rule["type"] == "recording" and rule["name"] in wanted
    )
    return RulePage(rules, then, len(data["groups"]))


def _promise(labels: Mapping[str, str]) -> tuple[str, str]:
    return str(labels.get(RuleLabel.NAMESPACE, "")), str(labels.get(RuleLabel.NAME, ""))


def _time(text: str | None) -> datetime:
    """Return a time; one that never was has the year 1 in Go."""
    if not text or text.startswith("0001-"):
        return _NEVER
    # Nanoseconds are more than is read.
    head, dot, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if dot else ""
    found = datetime.fromisoformat(f"{head}{zone}" if dot else text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
