"""A service with a day of traffic behind it, whose budget a test spends and earns again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from e2e.cluster.cluster import Cluster
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.waiting import eventually
from e2e.histories import CounterSeries, openmetrics
from e2e.truth import DAY

STEP = 15
PER_STEP = 1_500.0
TARGET = 99
SPENT = 400_000.0
"""Bad events that are more than the budget of a day: 1 % of 8.6 million."""
EARNED = 2_000_000_000.0
"""Good events that make a whole budget of what is left then, and burn over an hour nothing."""


class Service:
    """Counters of one service in one Prometheus. Of each test its own, so that budgets do not meet."""

    def __init__(self, exporter: LiveExporter, prometheus: Prometheus) -> None:
        self.url = prometheus.url
        self.exporter = exporter
        self.prometheus = prometheus
        self.count(bad=0, valid=0)

    def count(self, *, bad: float, valid: float) -> None:
        """Count events."""
        self.exporter.add("bad_total", bad)
        self.exporter.add("all_total", valid)

    def spend(self) -> None:
        """Let more requests fail than the budget allows."""
        self.count(bad=SPENT, valid=SPENT)

    def earn(self) -> bool:
        """Let so many requests succeed that the damage is nothing any more; each time the budget grows a little."""
        self.count(bad=0, valid=EARNED)
        return True

    def objective(self, name: str, *, protects: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Return a promise on these counters."""
        return {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ServiceLevelObjective",
            "metadata": {"name": name},
            "spec": {
                "indicator": {"ratio": {"bad": "bad_total", "valid": "all_total"}},
                "objective": {"target": TARGET},
                "window": {"rolling": "1d"},
                "owner": "team-shop",
                "protects": protects,
                **more,
            },
        }


@contextmanager
def service(cluster: Cluster, name: str, folder: Path) -> Iterator[Service]:
    """Run a Prometheus with the history of a healthy day, that scrapes live counters each second."""
    prometheus = Prometheus(
        cluster.folder / name, cluster.site.tool, cluster.site.supervisor, name=name, scrape_interval="1s"
    )
    now = int(time.time())
    times = np.arange(now - DAY - STEP, now - STEP, STEP, dtype=np.int64)
    labels = {"job": "history"}
    valid = np.cumsum(np.full(times.shape, PER_STEP))
    told = folder / f"{name}.openmetrics"
    told.write_text(
        openmetrics(
            [
                CounterSeries("all_total", labels, times, valid),
                CounterSeries("bad_total", labels, times, np.zeros(times.shape)),
            ]
        )
    )
    with LiveExporter() as exporter:
        prometheus.add_target("live", exporter.address)
        try:
            prometheus.write_history(told)
            running = Service(exporter, prometheus)
            # Of a counter that is seen for the first time nobody knows when it was zero.
            eventually(lambda: prometheus.query('bad_total{job="live"}'), 60)
            yield running
        finally:
            prometheus.stop()


def deployment(name: str, image: str, **more: Any) -> dict[str, Any]:
    """Return a Deployment of one container."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, **more}, "spec": spec}


def apply(kubectl: RunsKubectl, namespace: str | None, *manifests: dict[str, Any]) -> None:
    """Apply manifests as the administrator."""
    where = ("-n", namespace) if namespace else ()
    kubectl("apply", *where, "-f", "-", input=yaml.safe_dump_all(manifests))
