"""Why rules are not evaluated, as far as Prometheus's own list of rules tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from frostline.core.indicator import Counted
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.recorded import LATE_S
from frostline.names import Recorded, RuleLabel

_ASKED_AGAIN_S: Final = 60
"""The list is long where there are many promises: not in each cycle."""

_OURS: Final = (Recorded.VALID_5M, Recorded.BAD_5M, Recorded.ALLOWED)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

Key = TypeVar("Key", bound=tuple[str, str])


@dataclass(frozen=True, slots=True)
class RuleState:
    """What Prometheus says of one rule: `group` it is in, what went wrong (`error`, empty if nothing), and when."""

    name: str
    labels: Mapping[str, str]
    group: str
    error: str
    evaluated: datetime


class AsksRules(Protocol):
    """What is needed of a Prometheus client."""

    def rules(self, names: Sequence[str]) -> tuple[RuleState, ...] | Partial | Failed:
        """Return the recording rules of these names."""


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """What is known of a promise of which nothing is recorded: when its rules were evaluated last, epoch seconds.

    `without` is what its numerator counts, where valid events are recorded and bad ones are not.
    """

    evaluated: int | None
    without: Counted | None = None


_Known: TypeAlias = Mapping[tuple[str, str], Sequence[RuleState]] | None


class Evaluations:
    """Explains; asks for the list of rules once a minute at most, and only while there is something to explain."""

    def __init__(self, client: AsksRules) -> None:
        self._client = client
        self._asked: int | None = None
        self._known: _Known = None

    def explained(self, missing: Mapping[Key, Unevaluated], at: int) -> dict[Key, Failed]:
        """Return why nothing is recorded of each of these promises, as of `at`."""
        if not missing:
            return {}
        if self._asked is None or not 0 <= at - self._asked < _ASKED_AGAIN_S:
            self._known, self._asked = self._ask(), at
        return {
            key: Failed(Failure.NOT_RECORDED, _sentence("/".join(key), each, _rules_of(key, self._known), at))
            for key, each in missing.items()
        }

    def _ask(self) -> _Known:
        """Return the rules by promise; None where this Prometheus does not tell."""
        rules = self._client.rules([str(each) for each in _OURS])
        if isinstance(rules, Partial | Failed):
            return None
        found: dict[tuple[str, str], list[RuleState]] = {}
        for rule in rules:
            which = rule.labels.get(RuleLabel.NAMESPACE, ""), rule.labels.get(RuleLabel.NAME, "")
            found.setdefault(which, []).append(rule)
        return found


def _rules_of(key: tuple[str, str], known: _Known) -> Sequence[RuleState] | None:
    return None if known is None else known.get(key, ())


def _sentence(which: str, missing: Unevaluated, rules: Sequence[RuleState] | None, at: int) -> str:
    failing = next((rule for rule in rules or () if rule.error), None)
    if failing is not None:
        return f"the rule {failing.name} of {which}, in group {failing.group}, fails: {failing.error}"
    if missing.without is Counted.GOOD:
        return f"of {which} valid events are recorded and no good ones: check the selector of the good events"
    if missing.without is Counted.BAD:
        return f"of {which} valid events are recorded, and no number of bad ones: check what they are counted from"
    if rules is not None and not rules:
        return (
            f"Prometheus does not know the recording rules of {which}: check that they were written (operator's log)"
            " and that it reads them (ruleSelector and ruleNamespaceSelector, or rule_files and a reload)"
        )
    if not rules:
        since = "" if missing.evaluated is None else f" since {_utc(missing.evaluated)}"
        return (
            f"the recording rules of {which} have not been evaluated{since}: check that Prometheus reads what Frostline"
            " writes (ruleSelector, or rule_files) and the health of the rule groups frostline-slos-…"
        )
    newest = max(rules, key=lambda rule: rule.evaluated)
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


def rule_states(data: Mapping[str, Any], names: Sequence[str]) -> tuple[RuleState, ...]:
    """Return the recording rules of these names in an answer of /api/v1/rules, whether or not that was filtered.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the answer has another shape.
    """
    wanted = frozenset(names)
    return tuple(
        RuleState(
            rule["name"],
            dict(rule.get("labels") or {}),
            str(group["name"]),
            " ".join(str(rule.get("lastError") or "").split())[:300],
            _time(rule.get("lastEvaluation")),
        )
        for group in data["groups"]
        for rule in group["rules"]
        if rule["type"] == "recording" and rule["name"] in wanted
    )


def _time(text: str | None) -> datetime:
    """Return a time; one that never was has the year 1 in Go."""
    if not text or text.startswith("0001-"):
        return _NEVER
    # Nanoseconds are more than is read.
    head, dot, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if dot else ""
    found = datetime.fromisoformat(f"{head}{zone}" if dot else text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
