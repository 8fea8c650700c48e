"""From a manifest to an objective that can be measured, or to the reasons why not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from frostline.api.governed import policy
from frostline.api.measured import indicator
from frostline.api.objective import Method, ObjectiveSpec, SliceLength
from frostline.api.policy import PolicySpec
from frostline.api.problem import ProblemError, located
from frostline.api.promised import promise
from frostline.api.refusals import objective_refusals, policy_refusals
from frostline.api.terms import Terms, terms
from frostline.api.wording import told
from frostline.core.durations import parse_duration
from frostline.core.finding import Finding
from frostline.core.lint import lint
from frostline.core.objective import PERCENT, Objective
from frostline.core.policy import Policy
from frostline.core.promql import Slices
from frostline.core.window import Calendar, Rolling, Window

_SHORTEST: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=366)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The objective is measured; `findings` says what in its manifest may mislead."""

    terms: Terms
    objective: Objective
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Invalid:
    """The manifest cannot be understood. `problems` begin with the field."""

    problems: tuple[str, ...]


Acceptance: TypeAlias = Accepted | Invalid


def accept(manifest_spec: Any) -> Acceptance:  # noqa: ANN401 - anything can stand in a manifest; this is what finds out
    """Judge the `spec` of a manifest as the API server holds it."""
    try:
        spec = ObjectiveSpec.model_validate(manifest_spec)
    except ValidationError as error:
        return Invalid(tuple(told(problem, ObjectiveSpec) for problem in error.errors(include_url=False)))
    problems = objective_refusals(spec)
    counted = _tried(problems, lambda: indicator(spec.indicator))
    window = _tried(problems, lambda: _window(spec))
    if problems or counted is None or window is None:
        return Invalid(_one_a_field(problems))
    objective = Objective(counted, spec.objective.target, window, _slices(spec))
    return Accepted(terms(spec), objective, lint(promise(spec, objective)))


@dataclass(frozen=True, slots=True)
class AcceptedPolicy:
    """An ErrorBudgetPolicy that can be gone by."""

    spec: PolicySpec
    policy: Policy


def accept_policy(manifest_spec: Any) -> AcceptedPolicy | Invalid:  # noqa: ANN401 - as above
    """Judge the `spec` of an ErrorBudgetPolicy as the API server holds it."""
    try:
        spec = PolicySpec.model_validate(manifest_spec)
    except ValidationError as error:
        return Invalid(tuple(told(problem, PolicySpec) for problem in error.errors(include_url=False)))
    problems = policy_refusals(spec)
    return Invalid(tuple(problems)) if problems else AcceptedPolicy(spec, policy(spec))


def _tried(problems: list[str], make: Callable[[], _T]) -> _T | None:
    """Return what `make` makes; where it finds a problem, add that to `problems`."""
    try:
        return make()
    except ProblemError as problem:
        problems.append(str(problem))
        return None


def _one_a_field(problems: list[str]) -> tuple[str, ...]:
    """Return the first problem of every field: what follows from it would only distract."""
    first: dict[str, str] = {}
    for problem in problems:
        first.setdefault(problem.partition(": ")[0], problem)
    return tuple(first.values())


def _window(spec: ObjectiveSpec) -> Window:
    window = spec.window
    if (window.rolling is None) == (window.calendar is None):
        raise ProblemError("spec.window: give exactly one of rolling and calendar")
    if window.calendar is not None:
        return Calendar(window.calendar, located("spec.window.timeZone", time_zone, window.time_zone or "UTC"))
    length = located("spec.window.rolling", parse_duration, window.rolling or "")
    if not _SHORTEST <= length <= _LONGEST:
        raise ProblemError(f"spec.window.rolling: must be from 1d to 1y, not {window.rolling}")
    return Rolling(length)


def _slices(spec: ObjectiveSpec) -> Slices | None:
    budgeting = spec.budgeting
    if budgeting is None or budgeting.method is Method.OCCURRENCES:
        return None
    assert budgeting.slice_target is not None
    length = parse_duration((budgeting.slice_length or SliceLength.FIVE_MINUTES).value)
    return Slices(int(length.total_seconds()), budgeting.slice_target / PERCENT)


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'there is no time zone "{name}": use an IANA name such as Europe/Berlin, or UTC') from None
