"""Rules as Prometheus evaluates them, and the three that each promise has of its own.

Everything longer than five minutes, and every alert, is a rule that all promises share (`shared_rules`, `alerts`):
3·N rules and about thirty, where thresholds are joined by label.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Final, TypeAlias

from frostline.core import increments
from frostline.core.durations import promql_duration
from frostline.core.indicator import Counted, Counters, Expressions, Indicator, NativeHistogram, TimeShare, counted
from frostline.core.objective import Objective
from frostline.core.promql import STEP_S, Slices, Terms, filled, terms
from frostline.core.selector import Selector, quote
from frostline.core.window import Rolling, Window
from frostline.names import Recorded, RuleLabel

BASE_S: Final = 300
"""Time that the rules of a promise look back, in seconds: `rate5m` in the names of what they record."""

BASE_INTERVAL_S: Final = 30

MOST_RULES: Final = 20
"""Rules of one group: what Mimir takes unless told otherwise."""

_BELIEVED: Final = "1h"
"""Good series that are gone mean that everything is bad, where they were there until then; else they mean nothing."""

Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A recording rule; an alert where `alert` says so, which `for_s` seconds pass before."""

    name: str
    expression: str
    labels: Labels = ()
    alert: bool = False
    for_s: int = 0
    annotations: Labels = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, every `interval_s` seconds."""

    name: str
    interval_s: int
    rules: tuple[Rule, ...]


class Alerting(StrEnum):
    """Which burn alerts a promise has."""

    BURN = "Burn"
    """Two windows each, several burn rates: pages and tickets."""
    PACE = "Pace"
    """Yellow and red."""
    NONE = "None"
    """Not Off, which YAML reads as a truth value."""

    @property
    def label(self) -> str:
        """The value of the label `alerting`: burn, pace, none."""
        return self.value.lower()


class Unit(StrEnum):
    """What an indicator counts."""

    EVENT = "event"
    MINUTE = "minute"
    SLICE = "slice"
    """Five minutes."""


@dataclass(frozen=True, slots=True)
class Promise:
    """An accepted objective with what people route its alerts by.

    Attributes:
        tier: 1 to 3.
        minimum_bad: what must have been bad before anybody is paged, as `unit` counts; None for the usual.
        review_due: the last day on which its next review is in time; None where none is on record.
    """

    namespace: str
    name: str
    objective: Objective
    journey: str | None = None
    tier: int = 3
    owner: str | None = None
    alerting: Alerting = Alerting.BURN
    minimum_bad: int | None = None
    review_due: date | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name


def window_label(window: Window) -> str:
    """Return the value of the label `window`: 30d; week, month or quarter."""
    if isinstance(window, Rolling):
        return promql_duration(int(window.length.total_seconds()))
    return window.period.value.lower()


def unit(objective: Objective) -> Unit:
    """Return what is counted against the budget."""
    return _unit(objective.slice_s)


def unit_label(slice_s: int | None) -> str:
    """Return the value of the label `unit` where slices of so many seconds are counted; None: where events are."""
    return _unit(slice_s).value


def _unit(slice_s: int | None) -> Unit:
    if slice_s is None:
        return Unit.EVENT
    return Unit.MINUTE if slice_s == STEP_S else Unit.SLICE


def own_rules(promise: Promise) -> tuple[Rule, Rule, Rule]:
    """Return the rules of one promise: valid and bad events a second, and the objective.

    Bad and valid carry next to nothing but the name, so that a new owner or journey does not begin a new history; a
    new window or unit does, and the objective carries them, too, so that what is no more finds no partner.
    """
    which = ((RuleLabel.NAMESPACE.value, promise.namespace), (RuleLabel.NAME.value, promise.name))
    what = (
        (RuleLabel.UNIT.value, unit(promise.objective).value),
        (RuleLabel.WINDOW.value, window_label(promise.objective.window)),
    )
    counts = (*which, *what)
    people = (
        (RuleLabel.JOURNEY.value, promise.journey or promise.name),
        (RuleLabel.TIER.value, str(promise.tier)),
        *(((RuleLabel.OWNER.value, promise.owner),) if promise.owner else ()),
    )
    choices = (
        (RuleLabel.ALERTING.value, promise.alerting.label),
        *(((RuleLabel.MINIMUM_BAD.value, str(promise.minimum_bad)),) if promise.minimum_bad is not None else ()),
        *(((RuleLabel.REVIEW_DUE.value, promise.review_due.isoformat()),) if promise.review_due is not None else ()),
    )
    objective = promise.objective
    of = recorded_terms(objective.indicator, objective.slices)
    bad = _bad(promise, of.numerator)
    return (
        Rule(Recorded.VALID_5M, f"{of.valid} / {BASE_S}", counts),
        Rule(Recorded.BAD_5M, bad, counts),
        Rule(
            Recorded.ALLOWED,
            f"vector({_plain(objective.allowed)})",
            (*which, *people, *what, *choices),
        ),
    )


def recorded_terms(indicator: Indicator, slices: Slices | None) -> Terms:
    """Return the events of the last five minutes as rules count them.

    Shares of time and slices are looked at on full minutes, or at the ends of full slices, as the direct source does:
    what is recorded at any moment is about the last five of them, or the last slice, that were over by then.
    """
    if slices is not None:
        return terms(indicator, slices, BASE_S)
    match indicator:
        case Counters(numerator=numerator, valid=valid, one_bucket=one_bucket):
            return Terms(
                f"sum({increments.rising(numerator, valid, BASE_S, one_bucket=one_bucket)})",
                f"sum({increments.rising(valid, valid, BASE_S)})",
            )
        case NativeHistogram(histogram=histogram, threshold_ms=threshold):
            whole = f"sum({increments.rising(histogram, histogram, BASE_S)})"
            return Terms(increments.under(whole, threshold), f"histogram_count({whole})")
        case TimeShare():
            return terms(indicator, None, BASE_S)
        case Expressions(bad=bad, valid=valid_expression):
            fill = partial(filled, width_s=BASE_S, count=_risen)
            return Terms(f"sum({fill(bad)})", f"sum({fill(valid_expression)})")


def _risen(selector: Selector) -> str:
    return increments.rising(selector, selector, BASE_S)


def _bad(promise: Promise, numerator: str) -> str:
    """Return bad events a second, given that the valid ones were recorded a moment before.

    Absent bad series are no bad events. Absent good ones are bad events only if there were good ones before: else the
    selector may be wrong, nothing is recorded, and that is no data.
    """
    which = f"{{{RuleLabel.NAMESPACE}={quote(promise.namespace)},{RuleLabel.NAME}={quote(promise.name)}}}"
    valid = f"sum({Recorded.VALID_5M}{which})"
    if counted(promise.objective.indicator) is Counted.BAD:
        # Minutes and slices are bad or not: there is a number wherever something was looked at.
        if promise.objective.slice_s is not None:
            return f"{numerator} / {BASE_S}"
        return f"{numerator} / {BASE_S} and {valid} or 0 * {valid}"
    before = f"count(last_over_time({Recorded.BAD_5M}{which}[{_BELIEVED}]))"
    return f"clamp_min({valid} - ({numerator} / {BASE_S} or 0 * {valid} and {before}), 0)"


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
