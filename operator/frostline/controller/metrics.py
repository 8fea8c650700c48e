"""The operator's own metrics. No user names, no text of manifests but namespace and name."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from frostline import names
from frostline.api.accept import Accepted
from frostline.controller.arming import Arming
from frostline.controller.arming import metric as armed_parts
from frostline.controller.cycle import Cycle, View
from frostline.controller.health import Health
from frostline.controller.tracking import Arrived
from frostline.core.breaker import State
from frostline.core.durations import promql_duration
from frostline.core.outcome import Measured, NoTraffic
from frostline.core.policy import Rule

_WHICH: Final = ["namespace", "name"]


class _Snapshot(Collector):
    """Reads the last cycle when scraped, so that a deleted objective leaves no series behind."""

    def __init__(self, cycle: Cycle, health: Health, arming: Arming) -> None:
        self._cycle = cycle
        self._health = health
        self._arming = arming

    def collect(self) -> Iterable[Metric]:
        """Return the metric families of the last cycle."""
        views = self._cycle.views
        cycles = CounterMetricFamily(names.Metric.CYCLES, "Cycles that ended.")
        cycles.add_metric([], self._health.cycles)
        seconds = GaugeMetricFamily(names.Metric.CYCLE_SECONDS, "Duration of the last cycle.")
        seconds.add_metric([], self._health.last_seconds)
        known = GaugeMetricFamily(
            names.Metric.OBJECTIVES, "Objectives, by whether they are accepted.", labels=["accepted"]
        )
        accepted = sum(isinstance(view.acceptance, Accepted) for view in views)
        known.add_metric(["true"], accepted)
        known.add_metric(["false"], len(views) - accepted)
        gates = GaugeMetricFamily(names.Metric.GATES, "Release gates, by rule.", labels=["rule"])
        rules = Counter(self._cycle.rules())
        for rule in (Rule.WARN, Rule.SLUSH, Rule.FREEZE):
            gates.add_metric([rule.value], rules[rule])
        breakers = GaugeMetricFamily(
            names.Metric.BREAKER, "1 for the state of a source's circuit breaker.", labels=["source", "state"]
        )
        for source, breaker in self._cycle.breakers().items():
            for state in State:
                breakers.add_metric([source, state.value], float(state is breaker))
        return [cycles, seconds, known, gates, breakers, armed_parts(self._arming.state), *_figures(views)]


def _figures(views: tuple[View, ...]) -> list[Metric]:
    target = GaugeMetricFamily(names.Metric.TARGET_RATIO, "Target, 0 to 1.", labels=_WHICH)
    sli = GaugeMetricFamily(names.Metric.SLI_RATIO, "Good / valid events of the window, 0 to 1.", labels=_WHICH)
    left = GaugeMetricFamily(names.Metric.BUDGET_REMAINING_RATIO, "Error budget left, at most 1.", labels=_WHICH)
    burn = GaugeMetricFamily(names.Metric.BURN_RATE, "Burn rate by window.", labels=[*_WHICH, "window"])
    level = GaugeMetricFamily(names.Metric.LEVEL, "1 for the level in force.", labels=[*_WHICH, "level"])
    measured = GaugeMetricFamily(names.Metric.MEASURED, "1 when the last cycle measured it.", labels=_WHICH)
    for view in views:
        if not isinstance(view.acceptance, Accepted):
            continue
        which = list(view.key)
        target.add_metric(which, float(view.acceptance.objective.target / 100))
        assessment = view.assessment
        measured.add_metric(
            which, float(assessment is not None and isinstance(assessment.outcome, Measured | NoTraffic))
        )
        if assessment is None or assessment.figure is None:
            continue
        left.add_metric(which, assessment.figure.budget.remaining)
        if assessment.figure.sli is not None:
            sli.add_metric(which, assessment.figure.sli)
        for window, rate in assessment.figure.burn:
            burn.add_metric([*which, promql_duration(window)], rate)
        if assessment.level is not None:
            level.add_metric([*which, assessment.level.level.value], 1.0)
    return [target, sli, left, burn, level, measured]


class Instruments:
    """The registry and the counters that adapters feed."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._queries = Histogram(
            names.Metric.QUERY_SECONDS,
            "Queries to Prometheus, by source and outcome.",
            labelnames=["source", "outcome"],
            registry=self.registry,
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20),
        )
        self._writes = CounterMetric(
            names.Metric.STATUS_WRITES,
            "Status patches, by outcome.",
            labelnames=["outcome"],
            registry=self.registry,
        )

        self._arrivals = CounterMetric(
            names.Metric.ARRIVALS,
            "Templates that came to run on workloads that were held back, by how.",
            labelnames=["how"],
            registry=self.registry,
        )
        for how in Arrived:
            self._arrivals.labels(how.value)

    def show(self, cycle: Cycle, health: Health, arming: Arming) -> Callable[[], None]:
        """Have the last cycle's figures, the gates that stand, and how far they are armed, read at each scrape.

        Returns what ends that.
        """
        snapshot = _Snapshot(cycle, health, arming)
        self.registry.register(snapshot)
        return lambda: self.registry.unregister(snapshot)

    def show_leadership(self, leads: Callable[[], bool]) -> None:
        """Have it read at each scrape whether this process leads."""
        leader = Gauge(names.Metric.LEADER, "1 while this process leads, 0 on a standby.", registry=self.registry)
        leader.set_function(lambda: float(leads()))

    def queried(self, source: str, outcome: str, seconds: float) -> None:
        """Note one query to a source."""
        self._queries.labels(source, outcome).observe(seconds)

    def dropped(self, source: str) -> None:
        """Forget a source that is gone, so that names do not pile up."""
        self._queries.remove_by_labels({"source": source})

    def wrote(self, outcome: str) -> None:
        """Note one status patch."""
        self._writes.labels(outcome).inc()

    def arrived(self, how: Arrived) -> None:
        """Note that a workload that is held back came to run another template."""
        self._arrivals.labels(how.value).inc()
