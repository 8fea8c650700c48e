"""From a manifest to an objective that can be measured, or to the reasons why not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import ValidationError

from frostline.api.objective import Indicator as IndicatorSpec
from frostline.api.objective import ObjectiveSpec
from frostline.core.durations import parse_duration
from frostline.core.indicator import Counted, Indicator, latency
from frostline.core.objective import PERCENT, Objective
from frostline.core.selector import parse_selector

_MILLISECOND: Final = timedelta(milliseconds=1)
_SHORTEST: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The objective is measured. `notes` says what of the manifest is recorded but has no effect yet."""

    spec: ObjectiveSpec
    objective: Objective
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotServed:
    """The manifest is right, and asks for what this version does not do. `problems` begin with the field."""

    spec: ObjectiveSpec
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invalid:
    """The manifest cannot be understood. `problems` begin with the field."""

    problems: tuple[str, ...]


Acceptance: TypeAlias = Accepted | NotServed | Invalid


class _ProblemError(ValueError):
    pass


_T = TypeVar("_T")


def accept(manifest_spec: Any) -> Acceptance:  # noqa: ANN401 - anything can stand in a manifest; this is what finds out
    """Judge the `spec` of a manifest as the API server holds it."""
    try:
        spec = ObjectiveSpec.model_validate(manifest_spec)
    except ValidationError as error:
        return Invalid(tuple(_located(problem) for problem in error.errors(include_url=False)))
    try:
        if spec.review is not None:
            _at("spec.review.every", parse_duration, spec.review.every)
        if unserved := tuple(_unserved(spec)):
            return NotServed(spec, unserved)
        objective = Objective(_indicator(spec.indicator), _target(spec), _window(spec))
    except _ProblemError as problem:
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


def _unserved(spec: ObjectiveSpec) -> list[str]:
    found = []
    if spec.indicator.threshold is not None:
        found.append("spec.indicator.threshold: is not served yet; express it as ratio or latency")
    if spec.indicator.query is not None:
        found.append("spec.indicator.query: is not served yet; express it as ratio or latency")
    if spec.window.calendar is not None:
        found.append("spec.window.calendar: is not served yet; use rolling, such as 30d")
    return found


def _notes(spec: ObjectiveSpec) -> list[str]:
    notes = []
    if spec.protects:
        notes.append("protects is recorded, releases are not held back by this version")
    if spec.policy_ref is not None:
        notes.append(f"policyRef {spec.policy_ref} is not read by this version, the built-in policy applies")
    return notes


def _indicator(spec: IndicatorSpec) -> Indicator:
    if spec.latency is not None and spec.ratio is not None:
        raise _ProblemError("spec.indicator: give exactly one of ratio and latency")
    if spec.latency is not None:
        histogram = _at("spec.indicator.latency.histogram", parse_selector, spec.latency.histogram)
        if any(matcher.label == "le" for matcher in histogram.matchers):
            raise _ProblemError("spec.indicator.latency.histogram: must not match le; threshold chooses the bucket")
        threshold = _at("spec.indicator.latency.threshold", parse_duration, spec.latency.threshold)
        if threshold < _MILLISECOND:
            raise _ProblemError("spec.indicator.latency.threshold: must be at least 1ms")
        return latency(histogram, threshold // _MILLISECOND)
    ratio = spec.ratio
    if ratio is None:
        raise _ProblemError("spec.indicator: give exactly one of ratio and latency")
    valid = _at("spec.indicator.ratio.valid", parse_selector, ratio.valid)
    if ratio.bad is not None and ratio.good is None:
        return Indicator(_at("spec.indicator.ratio.bad", parse_selector, ratio.bad), Counted.BAD, valid)
    if ratio.good is not None and ratio.bad is None:
        return Indicator(_at("spec.indicator.ratio.good", parse_selector, ratio.good), Counted.GOOD, valid)
    raise _ProblemError("spec.indicator.ratio: give exactly one of good and bad")


def _target(spec: ObjectiveSpec) -> Decimal:
    target = spec.objective.target
    if not 0 < target < PERCENT:
        raise _ProblemError(f"spec.objective.target: must be above 0 and below 100, not {target}; 100 leaves no budget")
    return target


def _window(spec: ObjectiveSpec) -> timedelta:
    if spec.window.rolling is None:
        raise _ProblemError("spec.window: give exactly one of rolling and calendar")
    window = _at("spec.window.rolling", parse_duration, spec.window.rolling)
    if not _SHORTEST <= window <= _LONGEST:
        raise _ProblemError(f"spec.window.rolling: must be from 1d to 1y, not {spec.window.rolling}")
    return window


def _at(field: str, parse: Callable[[str], _T], text: str) -> _T:
    try:
        return parse(text)
    except ValueError as error:
        raise _ProblemError(f"{field}: {error}") from None
