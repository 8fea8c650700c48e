"""The series of each objective, as text that Prometheus scrapes.

At ten thousand objectives each series of one is ten thousand: only what a dashboard or an alert needs has one. They are
written here because the client library, which makes an object of every sample, takes two seconds for so many.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from frostline import names
from frostline.api.accept import Accepted
from frostline.api.terms import Terms
from frostline.controller.cycle import View
from frostline.core.assess import Assessment, Figure
from frostline.core.outcome import Measured, NoTraffic
from frostline.core.rules import window_label

BURN_WINDOWS: Final = {3_600: "1h", 21_600: "6h", 86_400: "1d"}
"""Windows whose burn rates are served, by their seconds; recording rules have more."""

_ESCAPED: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


_Samples: TypeAlias = Iterable[tuple[str, float]]
"""Further labels, and the value."""

_Read: TypeAlias = Callable[[Accepted, Assessment | None], _Samples]


def _info(terms: Terms, window: str) -> _Samples:
    journey = (terms.journey or "").translate(_ESCAPED)
    yield f',journey="{journey}",tier="{terms.tier}",window="{window}"', 1.0


def _burn(figure: Figure) -> _Samples:
    for seconds, rate in figure.burn:
        if seconds in BURN_WINDOWS:
            yield f',window="{BURN_WINDOWS[seconds]}"', rate


def _of_manifest(read: Callable[[Accepted], _Samples]) -> _Read:
    return lambda acceptance, _assessment: read(acceptance)


def _of_figure(read: Callable[[Figure], _Samples]) -> _Read:
    def samples(_acceptance: Accepted, assessment: Assessment | None) -> _Samples:
        return () if assessment is None or assessment.figure is None else read(assessment.figure)

    return samples


def _measured(_acceptance: Accepted, assessment: Assessment | None) -> _Samples:
    return (("", float(assessment is not None and isinstance(assessment.outcome, Measured | NoTraffic))),)


def _level(_acceptance: Accepted, assessment: Assessment | None) -> _Samples:
    if assessment is None or assessment.figure is None or assessment.level is None:
        return ()
    return ((f',level="{assessment.level.level}"', 1.0),)


_METRICS: Final[tuple[tuple[names.Metric, str, _Read], ...]] = (
    (
        names.Metric.OBJECTIVE_INFO,
        "1; what an objective belongs to.",
        _of_manifest(lambda accepted: _info(accepted.terms, window_label(accepted.objective.window))),
    ),
    (
        names.Metric.TARGET_RATIO,
        "Target, 0 to 1.",
        _of_manifest(lambda accepted: (("", float(accepted.objective.target / 100)),)),
    ),
    (names.Metric.MEASURED, "1 when the last cycle measured it.", _measured),
    (
        names.Metric.SLI_RATIO,
        "Good / valid events of the window, 0 to 1.",
        _of_figure(lambda figure: () if figure.sli is None else (("", figure.sli),)),
    ),
    (
        names.Metric.BUDGET_REMAINING_RATIO,
        "Error budget left, at most 1.",
        _of_figure(lambda figure: (("", figure.budget.remaining),)),
    ),
    (
        names.Metric.BUDGET_SECONDS,
        "The whole error budget as time.",
        _of_figure(lambda figure: (("", figure.budget.minutes_total * 60),)),
    ),
    (names.Metric.BURN_RATE, "Burn rate by window.", _of_figure(_burn)),
    (names.Metric.LEVEL, "1 for the level in force.", _level),
)


def exposed(views: Iterable[View]) -> Iterator[bytes]:
    """Yield the series of all accepted objectives in Prometheus's text format, one metric after the other.

    A metric at a time: all lines of ten thousand objectives at once take 30 MB.
    """
    # Names of objects need no escaping: the API server has no others.
    accepted = [
        (f'{{namespace="{view.key.namespace}",name="{view.key.name}"', view.acceptance, view.assessment)
        for view in views
        if isinstance(view.acceptance, Accepted)
    ]
    for name, text, read in _METRICS:
        lines = [f"# HELP {name} {text}\n# TYPE {name} gauge\n"]
        for which, acceptance, assessment in accepted:
            for further, value in read(acceptance, assessment):
                lines.append(f"{name}{which}{further}}} {value!r}\n")
        yield "".join(lines).encode()
