"""The series of each objective, as text that Prometheus scrapes.

At ten thousand objectives each series of one is ten thousand: only what a dashboard or an alert needs has one. They are
written here because the client library, which makes an object of every sample, takes two seconds for so many.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from frostline import names
from frostline.api.accept import Accepted
from frostline.controller.cycle import View
from frostline.core.assess import Assessment
from frostline.core.outcome import Measured, NoTraffic
from frostline.core.rules import window_label

BURN_WINDOWS: Final = {3_600: "1h", 21_600: "6h", 86_400: "1d"}
"""Windows whose burn rates are served, by their seconds; recording rules have more."""

_ESCAPED: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True, slots=True)
class _Series:
    """A metric of one objective: `read` returns (further labels, value) of each of its series."""

    name: names.Metric
    text: str
    read: Callable[[Accepted, Assessment | None], Iterable[tuple[str, float]]]


def _info(acceptance: Accepted, _: Assessment | None) -> Iterator[tuple[str, float]]:
    spec, window = acceptance.spec, window_label(acceptance.objective.window)
    journey = (spec.journey or "").translate(_ESCAPED)
    yield f',journey="{journey}",tier="{spec.tier}",window="{window}"', 1.0


def _target(acceptance: Accepted, _: Assessment | None) -> Iterator[tuple[str, float]]:
    yield "", float(acceptance.objective.target / 100)


def _measured(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[str, float]]:
    yield "", float(assessment is not None and isinstance(assessment.outcome, Measured | NoTraffic))


def _sli(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[str, float]]:
    if assessment is not None and assessment.figure is not None and assessment.figure.sli is not None:
        yield "", assessment.figure.sli


def _left(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[str, float]]:
    if assessment is not None and assessment.figure is not None:
        yield "", assessment.figure.budget.remaining


def _whole(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[str, float]]:
    if assessment is not None and assessment.figure is not None:
        yield "", assessment.figure.budget.minutes_total * 60


def _burn(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[str, float]]:
    if assessment is not None and assessment.figure is not None:
        for seconds, rate in assessment.figure.burn:
            if seconds in BURN_WINDOWS:
                yield f',window="{BURN_WINDOWS[seconds]}"', rate


def _level(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[str, float]]:
    if assessment is not None and assessment.figure is not None and assessment.level is not None:
        yield f',level="{assessment.level.level}"', 1.0


_OF_EACH: Final = (
    _Series(names.Metric.OBJECTIVE_INFO, "1; what an objective belongs to.", _info),
    _Series(names.Metric.TARGET_RATIO, "Target, 0 to 1.", _target),
    _Series(names.Metric.MEASURED, "1 when the last cycle measured it.", _measured),
    _Series(names.Metric.SLI_RATIO, "Good / valid events of the window, 0 to 1.", _sli),
    _Series(names.Metric.BUDGET_REMAINING_RATIO, "Error budget left, at most 1.", _left),
    _Series(names.Metric.BUDGET_SECONDS, "The whole error budget as time.", _whole),
    _Series(names.Metric.BURN_RATE, "Burn rate by window.", _burn),
    _Series(names.Metric.LEVEL, "1 for the level in force.", _level),
)


def exposed(views: Iterable[View]) -> bytes:
    """Return the series of all accepted objectives in Prometheus's text format, one metric after the other."""
    return "".join(_lines(tuple(views))).encode()


def _lines(views: tuple[View, ...]) -> Iterator[str]:
    # Names of objects need no escaping: the API server has no others.
    accepted = [
        (f'namespace="{view.key.namespace}",name="{view.key.name}"', view.acceptance, view.assessment)
        for view in views
        if isinstance(view.acceptance, Accepted)
    ]
    for series in _OF_EACH:
        name = series.name.value
        yield f"# HELP {name} {series.text}\n# TYPE {name} gauge\n"
        for which, acceptance, assessment in accepted:
            for further, value in series.read(acceptance, assessment):
                yield f"{name}{{{which}{further}}} {value!r}\n"
