"""What the status of an objective says: rendered from values, compared with what the API server holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from frostline import names
from frostline.api.accept import Acceptance, Accepted, Invalid
from frostline.api.base import JsonObject, as_json
from frostline.api.status import (
    BudgetStatus,
    BurnStatus,
    ConditionStatus,
    CountsStatus,
    DisplayStatus,
    ObjectiveStatus,
    QueriesStatus,
    TargetChange,
)
from frostline.controller import words
from frostline.controller.packed import unpacked
from frostline.controller.released import Released
from frostline.core.assess import Assessment, Figure
from frostline.core.durations import format_duration, promql_duration
from frostline.core.finding import Finding, Severity
from frostline.core.finding import Rule as LintRule
from frostline.core.indicator import Counted, counted
from frostline.core.objective import Objective
from frostline.core.outcome import Measured, NoData, NoTraffic, Rehydrating
from frostline.core.promql import terms, window_terms
from frostline.core.window import HOUR_S, Calendar, bounds

_DURATION: Final = r"(?:\d+(?:ms|[smhdwy]))+"
_RANGE: Final = re.compile(rf"\[{_DURATION}(?::{_DURATION})?\]")
_CHANGES_KEPT: Final = 10
_NOTHING: Final[Mapping[str, Any]] = {}
_DAY_S: Final = 86_400
_QUARTER_HOUR_S: Final = 900
"""Hours of every time zone begin at one of these."""
LATEST_S: Final = _QUARTER_HOUR_S
"""How much later than a quarter of an hour begins it may be told that it has begun."""
_EMPTY: Final = ObjectiveStatus()
_MESSAGE_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True)
class Facts:
    """What a status is made of. `now` is epoch seconds, `stored` the status that the API server holds.

    `findings` is what there is to say beside what the manifest alone tells, `problem` why the policy that it asks for
    cannot be gone by, `released` what becomes of releases.
    """

    generation: int
    acceptance: Acceptance
    assessment: Assessment | None
    stored: Mapping[str, Any]
    now: int
    released: Released
    findings: tuple[Finding, ...] = ()
    problem: str | None = None


def render(facts: Facts) -> JsonObject:
    """Return the whole status. Figures that there is no newer word of are taken over from the stored one."""
    stored = _comparable(_read(facts.stored), facts)
    status = stored.model_copy(update={"observed_generation": facts.generation, "releases": facts.released.rule})
    if isinstance(facts.acceptance, Accepted):
        objective = facts.acceptance.objective
        changes = _target_changes(stored, objective.target, facts.now)
        status = status.model_copy(update={**_promise(objective, facts.now), "target_changes": changes})
    assessment = facts.assessment
    if isinstance(facts.acceptance, Accepted) and assessment is not None and assessment.figure is not None:
        status = status.model_copy(update=_account(facts.acceptance.objective, assessment.figure))
        if assessment.level is not None:
            level = {"level": assessment.level.level, "level_since": words.utc(assessment.level.since)}
            status = status.model_copy(update=level)
    conditions = [_since(condition, stored.conditions, facts.now) for condition in _conditions(facts, status)]
    update = {"conditions": conditions, "display": _display(facts, status, conditions)}
    return dict(as_json(status.model_copy(update=update)))


def gist(facts: Facts, late_s: int = 0) -> tuple[object, ...]:
    """Return all that a status is rendered from but its figures: while it is the same, only figures can differ.

    What depends on the time alone is taken as it was `late_s` seconds, less than `LATEST_S`, ago.
    """
    assessment, acceptance = facts.assessment, facts.acceptance
    outcome = None if assessment is None else assessment.outcome
    level = None if assessment is None or assessment.level is None else (assessment.level.level, assessment.level.since)
    figure = None if assessment is None else assessment.figure
    within = None if figure is None or figure.sli is None else figure.budget.remaining >= 0
    # Of time the text of the queries (calendar windows) and the review depend on it.
    calendar = isinstance(acceptance, Accepted) and isinstance(acceptance.objective.window, Calendar)
    step = 1 if isinstance(outcome, Rehydrating) else _QUARTER_HOUR_S if calendar else _DAY_S
    rest = replace(facts, assessment=None, stored=_NOTHING, now=(facts.now - late_s) // step)
    return rest, outcome, level, figure is None, within


def _read(stored: Mapping[str, Any]) -> ObjectiveStatus:
    try:
        return ObjectiveStatus.model_validate(unpacked(stored))
    except ValidationError:
        # Somebody else wrote it, or an older version: nothing of it can be trusted.
        return _EMPTY


def _comparable(stored: ObjectiveStatus, facts: Facts) -> ObjectiveStatus:
    """Return the stored status without figures, where they are of another indicator or window."""
    if not isinstance(facts.acceptance, Accepted) or stored.queries is None:
        return stored
    same = stored.queries == _queries(facts.acceptance.objective, facts.now)
    if not same and isinstance(facts.acceptance.objective.window, Calendar):
        same = _same_but_for_time(stored, facts)
    return stored if same else _EMPTY.model_copy(update={"conditions": stored.conditions})


def _same_but_for_time(stored: ObjectiveStatus, facts: Facts) -> bool:
    """Return whether the queries are the same but for the part of the calendar period that is over."""
    if not isinstance(facts.acceptance, Accepted) or stored.queries is None or stored.display is None:
        return False
    asked = _queries(facts.acceptance.objective, facts.now)
    shown = stored.display.window == _window_shown(facts.acceptance)
    return shown and _without_ranges(stored.queries) == _without_ranges(asked)


def _without_ranges(queries: QueriesStatus) -> list[str]:
    """Return the texts without lengths of time: that of a calendar window grows."""
    return [_RANGE.sub("[]", text or "") for text in (queries.good, queries.bad, queries.valid)]


def _target_changes(stored: ObjectiveStatus, target: Decimal, now: int) -> list[TargetChange]:
    if stored.target is None or stored.target == target:
        return stored.target_changes
    change = TargetChange(at=words.utc(now), before=stored.target, after=target)
    return [*stored.target_changes, change][-_CHANGES_KEPT:]


def _queries(objective: Objective, now: int) -> QueriesStatus:
    # Whole hours, so that the text of a calendar window changes once an hour and not with each cycle.
    so_far = max(now - bounds(objective.window, now)[0], HOUR_S)
    so_far -= so_far % HOUR_S
    if objective.slices is None:
        of = window_terms(objective.indicator, so_far)
    else:
        of = terms(objective.indicator, objective.slices, so_far)
    bad = counted(objective.indicator) is Counted.BAD
    return QueriesStatus(bad=of.numerator if bad else None, good=None if bad else of.numerator, valid=of.valid)


def _promise(objective: Objective, now: int) -> dict[str, object]:
    return {"target": objective.target, "queries": _queries(objective, now)}


def _account(objective: Objective, figure: Figure) -> dict[str, object]:
    budget = figure.budget
    return {
        "measured_at": words.utc(figure.at),
        "sli": None if figure.sli is None else words.decimal(figure.sli * 100, words.sli_digits(objective)),
        "budget": BudgetStatus(
            remaining_percent=words.decimal(budget.remaining * 100, 2),
            minutes_left=words.decimal(budget.minutes_left, 2),
            minutes_total=words.decimal(budget.minutes_total, 2),
            exhausted_in=None if budget.exhausted_in is None else format_duration(budget.exhausted_in),
        ),
        "burn_rates": [
            BurnStatus(window=promql_duration(window), rate=words.decimal(rate, 2)) for window, rate in figure.burn
        ],
        "counts": CountsStatus(bad=words.decimal(figure.counts.bad, 1), valid=words.decimal(figure.counts.valid, 1)),
        "coverage_percent": words.decimal(figure.counts.coverage * 100, 1) if figure.burn else None,
    }


def _conditions(facts: Facts, status: ObjectiveStatus) -> list[ConditionStatus]:
    conditions = [
        _accepted(facts),
        _measured(facts, status),
        _within(facts, status),
        _condition(
            facts,
            names.Condition.RELEASES_OPEN,
            "True" if facts.released.open else "False",
            facts.released.reason,
            facts.released.sentence,
        ),
    ]
    if not isinstance(facts.acceptance, Invalid) and facts.acceptance.terms.reviewed:
        conditions.append(_review(facts, facts.acceptance.terms.review_due))
    return conditions


def _accepted(facts: Facts) -> ConditionStatus:
    kind = names.Condition.ACCEPTED
    if isinstance(facts.acceptance, Invalid):
        return _condition(facts, kind, "False", names.Reason.INVALID, "; ".join(facts.acceptance.problems))
    if facts.problem is not None:
        return _condition(facts, kind, "False", names.Reason.POLICY_NOT_USABLE, facts.problem)
    # That no review took place is what ReviewCurrent says.
    said = [each for each in (*facts.acceptance.findings, *facts.findings) if each.rule is not LintRule.NEVER_REVIEWED]
    reason = names.Reason.ACCEPTED
    if any(each.severity is Severity.WARNING for each in said):
        reason = names.Reason.WARNINGS
    spoken = (f"{each.severity}: {each}" for each in said)
    return _condition(facts, kind, "True", reason, "; ".join(("is measured", *spoken)))


def _measured(facts: Facts, status: ObjectiveStatus) -> ConditionStatus:
    kind = names.Condition.MEASURED
    if not isinstance(facts.acceptance, Accepted):
        return _condition(
            facts,
            kind,
            "False",
            names.Reason.NOT_ACCEPTED,
            "nothing is measured until the manifest is accepted",
        )
    if facts.assessment is None:
        return _condition(facts, kind, "False", names.Reason.REHYDRATING, "waiting for the first measurement")
    reason, sentence = words.reason_and_sentence(facts.assessment.outcome, status.measured_at)
    if isinstance(facts.assessment.outcome, NoData):
        sentence += "".join(f"; {each.message}" for each in facts.findings if each.rule is LintRule.NO_BOUNDARY)
    measured = isinstance(facts.assessment.outcome, Measured | NoTraffic)
    return _condition(facts, kind, "True" if measured else "False", reason, sentence)


def _within(facts: Facts, status: ObjectiveStatus) -> ConditionStatus:
    kind = names.Condition.WITHIN_OBJECTIVE
    if status.sli is None or status.target is None or status.budget is None:
        return _condition(facts, kind, "Unknown", names.Reason.UNKNOWN, "there is no figure yet")
    sli, target = _shown(facts.acceptance, status.sli), words.plain(status.target)
    percent = words.plain(status.budget.remaining_percent)
    figures = f"SLI {sli} %, target {target} %, {percent} % of the budget left"
    if status.budget.remaining_percent >= 0:
        return _condition(facts, kind, "True", names.Reason.TARGET_MET, figures)
    return _condition(facts, kind, "False", names.Reason.TARGET_MISSED, figures)


def _review(facts: Facts, due: date | None) -> ConditionStatus:
    kind = names.Condition.REVIEW_CURRENT
    if due is None:
        sentence = "no review is on record: set spec.review.last to the day of the next one"
        return _condition(facts, kind, "False", names.Reason.REVIEW_NEVER, sentence)
    if due < words.utc(facts.now).date():
        sentence = f"was due on {due}: review the objective and set spec.review.last"
        return _condition(facts, kind, "False", names.Reason.REVIEW_OVERDUE, sentence)
    return _condition(facts, kind, "True", names.Reason.REVIEW_CURRENT, f"next review is due on {due}")


def _condition(
    facts: Facts, kind: names.Condition, status: str, reason: names.Reason, sentence: str
) -> ConditionStatus:
    return ConditionStatus.model_validate(
        {
            "type": kind.value,
            "status": status,
            "reason": reason.value,
            "message": sentence[:_MESSAGE_CHARACTERS],
            "last_transition_time": datetime.fromtimestamp(facts.now, UTC),
            "observed_generation": facts.generation,
        }
    )


def _since(condition: ConditionStatus, stored: list[ConditionStatus], now: int) -> ConditionStatus:
    """Keep the transition time of a condition that says the same as before, unless that lies in the future."""
    for old in stored:
        same = old.type == condition.type and old.status == condition.status
        if same and old.last_transition_time.timestamp() <= now:
            return condition.model_copy(update={"last_transition_time": old.last_transition_time})
    return condition


def _display(facts: Facts, status: ObjectiveStatus, conditions: list[ConditionStatus]) -> DisplayStatus:
    accepted, measured = conditions[0], conditions[1]
    why = accepted.reason if accepted.status == "False" else measured.reason
    outcome = None if facts.assessment is None else facts.assessment.outcome
    settled = accepted.status == "True" and isinstance(outcome, Measured | NoTraffic | Rehydrating)
    sli = why
    if status.sli is not None:
        sli = f"{_shown(facts.acceptance, status.sli)}%" + ("" if settled else f" ({why})")
    burn = next((each.rate for each in status.burn_rates if each.window == "1h"), None)
    budget = status.budget
    return DisplayStatus(
        sli=sli,
        target=words.NOTHING if status.target is None else f"{words.plain(status.target)}%",
        budget=words.NOTHING if budget is None else f"{round(budget.remaining_percent, 1)}%",
        burn=words.NOTHING if burn is None else f"{burn:.2f}x",
        window=_window_shown(facts.acceptance),
        minutes_left=words.NOTHING if budget is None else f"{round(budget.minutes_left, 1)}",
        exhausted_in=_exhaustion(budget),
        measured=measured.reason,
    )


def _shown(acceptance: Acceptance, sli: Decimal) -> str:
    """Return an SLI with all its digits: JSON drops the zeros at the end of a stored one."""
    if not isinstance(acceptance, Accepted):
        return words.plain(sli)
    return str(words.decimal(float(sli), words.sli_digits(acceptance.objective)))


def _exhaustion(budget: BudgetStatus | None) -> str:
    if budget is None:
        return words.NOTHING
    return "now" if budget.remaining_percent <= 0 else budget.exhausted_in or words.NOTHING


def _window_shown(acceptance: Acceptance) -> str:
    return words.NOTHING if isinstance(acceptance, Invalid) else acceptance.terms.window
