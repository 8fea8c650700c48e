"""What whoever is warned or refused reads: one line that says what happened, and what to do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from frostline.core.durations import format_duration
from frostline.core.gate import Gate
from frostline.core.policy import OverrideClass
from frostline.core.projection import Operational

LONGEST_WARNING: Final = 120
"""Characters that the API server carries in a warning without cutting it."""

_SHOWN: Final = 3
_LONGEST_NAME: Final = 60
_PASSING: Final = {
    Operational.RESOURCES: "resources",
    Operational.PROBES: "probes",
    Operational.SCHEDULING: "scheduling",
}


def warnings(gate: Gate) -> tuple[str, ...]:
    """Return what a release costs while the rule is Warn, each at most `LONGEST_WARNING` characters."""
    if not gate.claims:
        return (f"Releases of {_clipped(str(gate.workload))} are to be low in risk and high in value now.",)
    first = gate.claims[0]
    return tuple(
        _clipped(text, LONGEST_WARNING)
        for text in (
            f"{first.level}: {first.budget} of the error budget is left. What this release breaks spends it.",
            f"The promise is SLO {first.objective}{_more(gate.claims)}: release what is low in risk, high in value.",
        )
    )


def held(gate: Gate, what: Sequence[str], objections: Mapping[str, str], at: float | None) -> str:
    """Return the refusal of a release.

    Args:
        gate: what holds it back.
        what: what in the workload changed, in words.
        objections: why each override of the workload does not count, by its name.
        at: epoch second of the request; None where it carries none.

    """
    return _one_line(
        (
            f"{_workload(gate)} is held back ({gate.rule} since {_minute(gate.since)}):"
            f" this changes {_listed(what, 'changes')}.",
            _because(gate, at),
            _passing(gate),
            _by_exception(gate, objections),
        )
    )


def kept(gate: Gate) -> str:
    """Return the refusal of a deletion."""
    return (
        f"{_workload(gate)} is held back ({gate.rule} since {_minute(gate.since)}): deleting it is refused, since only"
        f" what ran before could be created again. {_because(gate, None)} Scaling to 0 passes."
        " To delete it all the same: the group frostline:bypass (kubectl delete --as=YOU --as-group=frostline:bypass)."
    )


def _because(gate: Gate, at: float | None) -> str:
    if not gate.claims:
        return _clipped(gate.message, 400)
    first = gate.claims[0]
    lifts = "when it lifts cannot be said yet"
    if gate.lifts_about is not None:
        lifts = f"it may lift about {_minute(gate.lifts_about)}"
    return (
        f"SLO {_clipped(first.objective)}{_more(gate.claims)} is {first.level} since {_minute(first.since)} with"
        f" {first.budget} of its error budget left ({_age(first.measured_at, at)}); {lifts}."
    )


def _age(measured_at: int | None, at: float | None) -> str:
    if measured_at is None:
        return "never measured"
    figure = f"figure of {_minute(measured_at)}"
    if at is None or at < measured_at:
        return figure
    return f"{figure}, {format_duration(timedelta(seconds=at - measured_at))} old"


def _passing(gate: Gate) -> str:
    sources = [each.source for each in gate.good]
    back = f"kubectl rollout undo -n {gate.workload.namespace} {gate.workload}"
    parts = [f"{back} (good: {_listed(sources, 'others')})"] if sources else []
    parts += ["scale", "restart"]
    parts += [word for group, word in _PASSING.items() if group not in gate.shape.withheld]
    return f"What passes: {', '.join(parts)}."


def _by_exception(gate: Gate, objections: Mapping[str, str]) -> str:
    classes = "/".join(each for each in OverrideClass if each in gate.override_classes)
    if not classes:
        return "No override counts for it now."
    command = f"frostline override -n {gate.workload.namespace} {gate.workload} --class {classes} --reason … --ticket …"
    if not objections:
        return f"By exception: {command} (an override just created counts once its STATE is Live)."
    told = [f"override {_clipped(name)} {_clipped(why, 100)}" for name, why in objections.items()]
    return f"Does not count: {_listed(told, 'overrides', '; ')}. A new one: {command}."


def _listed(texts: Sequence[str], of: str, separator: str = ", ") -> str:
    shown = separator.join(_clipped(each, 130) for each in texts[:_SHOWN])
    more = len(texts) - _SHOWN
    return f"{shown} and {more} more {of}" if more > 0 else shown


def _one_line(sentences: Sequence[str]) -> str:
    """Return sentences as one line, whatever names and images are in them."""
    return " ".join(" ".join(sentences).split())


def _workload(gate: Gate) -> str:
    return f"{gate.workload} in {gate.workload.namespace}"


def _more(claims: Sequence[object]) -> str:
    return f" (and {len(claims) - 1} more)" if len(claims) > 1 else ""


def _clipped(text: str, longest: int = _LONGEST_NAME) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _minute(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
