"""From a manifest to an objective that can be measured, or to the reasons why not."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from frostline.api.measured import indicator
from frostline.api.objective import Method, ObjectiveSpec, SliceLength
from frostline.api.problem import ProblemError, located
from frostline.core.durations import parse_duration
from frostline.core.objective import PERCENT, Objective
from frostline.core.promql import Slices
from frostline.core.window import Calendar, Rolling, Window

_SHORTEST: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The objective is measured. `notes` says what of the manifest is recorded but has no effect yet."""

    spec: ObjectiveSpec
    objective: Objective
    notes: tuple[str, ...]


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
        return Invalid(tuple(_located(problem) for problem in error.errors(include_url=False)))
    try:
        if spec.review is not None:
            located("spec.review.every", parse_duration, spec.review.every)
        objective = Objective(indicator(spec.indicator), _target(spec), _window(spec), _slices(spec))
    except ProblemError as problem:
        return Invalid((str(problem),))
    return Accepted(spec, objective, tuple(_notes(spec)))


def review_due(spec: ObjectiveSpec) -> date | None:
    """Return the day until which the next review is due, or None where no review took place or none is asked."""
    if spec.review is None or spec.review.last is None:
        return None
    try:
        return spec.review.last + parse_duration(spec.review.every)
    except OverflowError:
        return date.max


def _located(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a TypedDict of Any
    where = ".".join(str(part) for part in ("spec", *problem["loc"]))
    return f"{where}: {problem['msg']}"


def _notes(spec: ObjectiveSpec) -> list[str]:
    notes = []
    if spec.protects:
        notes.append("protects is recorded, releases are not held back by this version")
    if spec.policy_ref is not None:
        notes.append(f"policyRef {spec.policy_ref} is not read by this version, the built-in policy applies")
    return notes


def _target(spec: ObjectiveSpec) -> Decimal:
    target = spec.objective.target
    if not 0 < target < PERCENT:
        raise ProblemError(f"spec.objective.target: must be above 0 and below 100, not {target}; 100 leaves no budget")
    return target


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
    if budgeting.slice_target is None:
        raise ProblemError("spec.budgeting.sliceTarget: Timeslices need it, in percent, such as 95")
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
