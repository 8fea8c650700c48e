"""What a scrape reads of the last cycle, so that a deleted objective leaves no series behind.

At ten thousand objectives each series of one is ten thousand: only what a dashboard or an alert needs has one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from frostline import names
from frostline.api.accept import Accepted
from frostline.controller.arming import Arming
from frostline.controller.arming import metric as armed_parts
from frostline.controller.cycle import Cycle, View
from frostline.controller.gates import HeldGate
from frostline.controller.health import Health
from frostline.core.assess import Assessment
from frostline.core.breaker import State
from frostline.core.outcome import Measured, NoTraffic, Outcome, Rehydrating
from frostline.core.policy import Level, Rule
from frostline.core.rules import window_label

BURN_WINDOWS: Final = {3_600: "1h", 21_600: "6h", 86_400: "1d"}
"""Windows whose burn rates are served, by their seconds; recording rules have more."""

_WHICH: Final = ["namespace", "name"]


class Snapshot(Collector):
    """Makes metric families of what the operator knows at the moment of a scrape."""

    def __init__(self, cycle: Cycle, health: Health, arming: Arming) -> None:
        self._cycle = cycle
        self._health = health
        self._arming = arming

    def collect(self) -> Iterable[Metric]:
        """Return the metric families of the last cycle."""
        # Scrapes run beside the cycle: what it puts in their place is read once.
        views, gates = self._cycle.views, self._cycle.gates
        cycles = CounterMetricFamily(names.Metric.CYCLES, "Cycles that ended.")
        cycles.add_metric([], self._health.cycles)
        interval = GaugeMetricFamily(names.Metric.CYCLE_INTERVAL_SECONDS, "Time between cycles, as configured.")
        interval.add_metric([], self._health.interval_s)
        yield from (cycles, interval, armed_parts(self._arming.state), _breakers(self._cycle.breakers()))
        yield from _fleet(views)
        yield from _figures(views)
        yield from _holding(gates)


def _breakers(states: Mapping[str, State]) -> Metric:
    family = GaugeMetricFamily(
        names.Metric.BREAKER, "1 for the state of a source's circuit breaker.", labels=["source", "state"]
    )
    for source, breaker in states.items():
        for state in State:
            family.add_metric([source, state.value], float(state is breaker))
    return family


def _fleet(views: tuple[View, ...]) -> Iterator[Metric]:
    known = GaugeMetricFamily(names.Metric.OBJECTIVES, "Objectives, by whether they are accepted.", labels=["accepted"])
    accepted = sum(isinstance(view.acceptance, Accepted) for view in views)
    known.add_metric(["true"], accepted)
    known.add_metric(["false"], len(views) - accepted)
    assessments = [view.assessment for view in views if view.assessment is not None]
    by_level = GaugeMetricFamily(
        names.Metric.OBJECTIVES_BY_LEVEL, "Objectives, by the level in force.", labels=["level"]
    )
    at = Counter(each.level.level for each in assessments if each.level is not None)
    for level in Level:
        by_level.add_metric([level.value], at[level])
    by_outcome = GaugeMetricFamily(
        names.Metric.OBJECTIVES_BY_OUTCOME, "Accepted objectives, by how measuring went last.", labels=["outcome"]
    )
    went = Counter(type(each.outcome) for each in assessments)
    for outcome in get_args(Outcome):
        by_outcome.add_metric([outcome.__name__], went[outcome])
    filled = GaugeMetricFamily(
        names.Metric.LEDGER_KNOWN_RATIO, "Share of the ledgers' time that has been read, 0 to 1; 1 once all is."
    )
    unknown = sum(1.0 - each.outcome.known for each in assessments if isinstance(each.outcome, Rehydrating))
    filled.add_metric([], 1.0 - unknown / len(assessments) if assessments else 1.0)
    yield from (known, by_level, by_outcome, filled)


@dataclass(frozen=True, slots=True)
class _Series:
    """A metric of one objective: `read` returns (values of the further labels, value) of each of its series."""

    name: names.Metric
    text: str
    read: Callable[[Accepted, Assessment | None], Iterable[tuple[Iterable[str], float]]]
    labels: tuple[str, ...] = ()


def _info(acceptance: Accepted, _: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    spec, window = acceptance.spec, window_label(acceptance.objective.window)
    yield (spec.journey or "", str(spec.tier), window), 1.0


def _target(acceptance: Accepted, _: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    yield (), float(acceptance.objective.target / 100)


def _measured(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    yield (), float(assessment is not None and isinstance(assessment.outcome, Measured | NoTraffic))


def _sli(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    if assessment is not None and assessment.figure is not None and assessment.figure.sli is not None:
        yield (), assessment.figure.sli


def _left(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    if assessment is not None and assessment.figure is not None:
        yield (), assessment.figure.budget.remaining


def _whole(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    if assessment is not None and assessment.figure is not None:
        yield (), assessment.figure.budget.minutes_total * 60


def _burn(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    if assessment is not None and assessment.figure is not None:
        for seconds, rate in assessment.figure.burn:
            if seconds in BURN_WINDOWS:
                yield (BURN_WINDOWS[seconds],), rate


def _level(_: Accepted, assessment: Assessment | None) -> Iterator[tuple[Iterable[str], float]]:
    if assessment is not None and assessment.figure is not None and assessment.level is not None:
        yield (assessment.level.level.value,), 1.0


_OF_EACH: Final = (
    _Series(names.Metric.OBJECTIVE_INFO, "1; what an objective belongs to.", _info, ("journey", "tier", "window")),
    _Series(names.Metric.TARGET_RATIO, "Target, 0 to 1.", _target),
    _Series(names.Metric.MEASURED, "1 when the last cycle measured it.", _measured),
    _Series(names.Metric.SLI_RATIO, "Good / valid events of the window, 0 to 1.", _sli),
    _Series(names.Metric.BUDGET_REMAINING_RATIO, "Error budget left, at most 1.", _left),
    _Series(names.Metric.BUDGET_SECONDS, "The whole error budget as time.", _whole),
    _Series(names.Metric.BURN_RATE, "Burn rate by window.", _burn, ("window",)),
    _Series(names.Metric.LEVEL, "1 for the level in force.", _level, ("level",)),
)


def _figures(views: tuple[View, ...]) -> Iterator[Metric]:
    """Yield one family after the other: all samples of a large fleet at once would take 60 MB."""
    for series in _OF_EACH:
        family = GaugeMetricFamily(series.name, series.text, labels=[*_WHICH, *series.labels])
        for view in views:
            if isinstance(view.acceptance, Accepted):
                for values, value in series.read(view.acceptance, view.assessment):
                    family.add_metric([*view.key, *values], value)
        yield family


def _holding(gates: Iterable[HeldGate]) -> Iterator[Metric]:
    standing = GaugeMetricFamily(names.Metric.GATES, "Release gates, by rule.", labels=["rule"])
    since = GaugeMetricFamily(
        names.Metric.HELD_SINCE,
        "Since when an objective has releases of a workload warned or held, and how.",
        labels=[*_WHICH, "kind", "workload", "rule"],
    )
    counted: Counter[Rule] = Counter()
    for gate in gates:
        counted[gate.spec.rule] += 1
        workload = gate.workload
        for claim in gate.spec.by:
            labels = [workload.namespace, claim.objective, workload.kind, workload.name, claim.rule.value]
            since.add_metric(labels, claim.since.timestamp())
    for rule in (Rule.WARN, Rule.SLUSH, Rule.FREEZE):
        standing.add_metric([rule.value], counted[rule])
    yield from (standing, since)
