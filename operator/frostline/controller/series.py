"""The series of each objective, as text that Prometheus scrapes.

At ten thousand objectives each series of one is ten thousand: only what a dashboard or an alert needs has one. They are
written here because the client library, which makes an object of every sample, takes two seconds for so many.
"""

from collections.abc import Iterable, Iterator
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


_METRICS: Final = (
    (names.Metric.OBJECTIVE_INFO, "1; what an objective belongs to."),
    (names.Metric.TARGET_RATIO, "Target, 0 to 1."),
    (names.Metric.MEASURED, "1 when the last cycle measured it."),
    (names.Metric.SLI_RATIO, "Good / valid events of the window, 0 to 1."),
    (names.Metric.BUDGET_REMAINING_RATIO, "Error budget left, at most 1."),
    (names.Metric.BUDGET_SECONDS, "The whole error budget as time."),
    (names.Metric.BURN_RATE, "Burn rate by window."),
    (names.Metric.LEVEL, "1 for the level in force."),
)
_INFO, _TARGET, _MEASURED, _SLI, _LEFT, _WHOLE, _BURN, _LEVEL = range(len(_METRICS))


def _samples(acceptance: Accepted, assessment: Assessment | None) -> Iterator[tuple[int, str, float]]:
    """Yield all samples of one objective: the place of the metric in `_METRICS`, further labels, value."""
    terms, window = acceptance.terms, window_label(acceptance.objective.window)
    journey = (terms.journey or "").translate(_ESCAPED)
    yield _INFO, f',journey="{journey}",tier="{terms.tier}",window="{window}"', 1.0
    yield _TARGET, "", float(acceptance.objective.target / 100)
    yield _MEASURED, "", float(assessment is not None and isinstance(assessment.outcome, Measured | NoTraffic))
    if assessment is None or assessment.figure is None:
        return
    figure = assessment.figure
    if figure.sli is not None:
        yield _SLI, "", figure.sli
    yield _LEFT, "", figure.budget.remaining
    yield _WHOLE, "", figure.budget.minutes_total * 60
    for seconds, rate in figure.burn:
        if seconds in BURN_WINDOWS:
            yield _BURN, f',window="{BURN_WINDOWS[seconds]}"', rate
    if assessment.level is not None:
        yield _LEVEL, f',level="{assessment.level.level}"', 1.0


def exposed(views: Iterable[View]) -> bytes:
    """Return the series of all accepted objectives in Prometheus's text format, one metric after the other."""
    lines = [[f"# HELP {name} {text}\n# TYPE {name} gauge\n"] for name, text in _METRICS]
    prefixes = [f"{name}{{namespace=" for name, _ in _METRICS]
    for view in views:
        if isinstance(view.acceptance, Accepted):
            # Names of objects need no escaping: the API server has no others.
            which = f'"{view.key.namespace}",name="{view.key.name}"'
            for place, further, value in _samples(view.acceptance, view.assessment):
                lines[place].append(f"{prefixes[place]}{which}{further}}} {value!r}\n")
    return "".join("".join(block) for block in lines).encode()
