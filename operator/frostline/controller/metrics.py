"""The operator's own metrics. No user names, no text of manifests but what names an objective and its journey."""

import time
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

import frostline
from frostline import names
from frostline.controller.arming import Arming
from frostline.controller.cycle import Cycle
from frostline.controller.figures import Snapshot
from frostline.controller.health import Health
from frostline.controller.rule_delivery import Delivered
from frostline.controller.series import exposed
from frostline.controller.tracking import Arrived

_QUERY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20)
_CYCLE_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120)
_LAG_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 15)


class Instruments:
    """The registry and the counters that adapters feed."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shown: Cycle | None = None
        self._queries = Histogram(
            names.Metric.QUERY_SECONDS,
            "Queries to Prometheus, by source and outcome.",
            labelnames=["source", "outcome"],
            registry=self.registry,
            buckets=_QUERY_BUCKETS,
        )
        self._cycles = Histogram(
            names.Metric.CYCLE_SECONDS, "Duration of cycles.", registry=self.registry, buckets=_CYCLE_BUCKETS
        )
        self._lag = Histogram(
            names.Metric.EVENT_LOOP_LAG_SECONDS,
            "By how much wake-ups of the event loop come late.",
            registry=self.registry,
            buckets=_LAG_BUCKETS,
        )
        self._lists = Gauge(
            names.Metric.LIST_TIMESTAMP_SECONDS,
            "When all objects of a kind were last listed.",
            labelnames=["resource"],
            registry=self.registry,
        )
        self._writes = Counter(
            names.Metric.STATUS_WRITES,
            "Status patches, by outcome.",
            labelnames=["outcome"],
            registry=self.registry,
        )
        self._enforcement = Counter(
            names.Metric.ENFORCEMENT_WRITES,
            "Writes of gates, and of marks on workloads and namespaces, by outcome.",
            labelnames=["object", "outcome"],
            registry=self.registry,
        )
        self._arrivals = Counter(
            names.Metric.ARRIVALS,
            "Templates that came to run on workloads that were held back, by how.",
            labelnames=["how"],
            registry=self.registry,
        )
        for how in Arrived:
            self._arrivals.labels(how.value)
        self._rules = Counter(
            names.Metric.RULE_WRITES,
            "Writes of files or objects with rules, by outcome.",
            labelnames=["outcome"],
            registry=self.registry,
        )
        for outcome in Delivered:
            self._rules.labels(outcome.value)
        build = Gauge(names.Metric.BUILD_INFO, "1; the version that runs.", ["version"], registry=self.registry)
        build.labels(frostline.__version__).set(1)
        ProcessCollector(registry=self.registry)

    def cycled(self, seconds: float) -> None:
        """Note one cycle."""
        self._cycles.observe(seconds)

    def lagged(self, seconds: float) -> None:
        """Note by how much the event loop was late."""
        self._lag.observe(seconds)

    def listed(self, resource: str) -> None:
        """Note that all objects of a kind, given by its plural, were listed now."""
        self._lists.labels(resource).set(time.time())

    def show(self, cycle: Cycle, health: Health, arming: Arming) -> Callable[[], None]:
        """Have the last cycle's figures, the gates that stand, and how far they are armed, read at each scrape.

        Returns what ends that.
        """
        snapshot = Snapshot(cycle, health, arming)
        self.registry.register(snapshot)
        self._shown = cycle

        def hide() -> None:
            self.registry.unregister(snapshot)
            self._shown = None

        return hide

    def exposition(self) -> bytes:
        """Return everything in Prometheus's text format, the series of each objective included."""
        shown = self._shown
        # Of the cycle as it is now: a deleted objective leaves no series behind.
        return b"".join((generate_latest(self.registry), *(() if shown is None else exposed(shown.views))))

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

    def enforced(self, written: str, outcome: str) -> None:
        """Note one write of a gate (`written` is gate), or of marks (workload, namespace)."""
        self._enforcement.labels(written, outcome).inc()

    def delivered(self, outcome: Delivered) -> None:
        """Note one write of a file or an object with rules."""
        self._rules.labels(outcome.value).inc()

    def arrived(self, how: Arrived) -> None:
        """Note that a workload that is held back came to run another template."""
        self._arrivals.labels(how.value).inc()
