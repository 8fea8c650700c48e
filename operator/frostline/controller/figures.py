"""What a scrape reads of the last cycle about the fleet as a whole, and about what is held back."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
from frostline.core.breaker import State
from frostline.core.outcome import Outcome, Rehydrating
from frostline.core.policy import Level, Rule

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
