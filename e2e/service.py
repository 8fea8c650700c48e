"""Services with a day of traffic behind them, whose budgets a test spends and earns again."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from e2e.cluster.cluster import Cluster
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.fixtures import JOB, RunsKubectl
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.waiting import eventually
from e2e.histories import CounterSeries, openmetrics
from e2e.truth import DAY

STEP = 60
PER_STEP = 6_000.0
TARGET = 99
SPENT = 400_000.0
"""Bad events that are more than the budget of a day: 1 % of 8.6 million."""
EARNED = 2_000_000_000.0
"""Good events that make a whole budget of what is left then, and burn over an hour nothing."""
MOST = 80
"""Services that there are for all tests of a run."""


class Service:
    """Counters of one service. Of each test its own, so that budgets do not meet."""

    def __init__(self, name: str, exporter: LiveExporter, prometheus: Prometheus) -> None:
        self.name = name
        self.prometheus = prometheus
        self._exporter = exporter

    @property
    def url(self) -> str:
        """The URL of its Prometheus."""
        return self.prometheus.url

    @property
    def bad(self) -> str:
        """The selector of its bad events."""
        return f'bad_total{{service="{self.name}"}}'

    @property
    def valid(self) -> str:
        """The selector of all its events."""
        return f'all_total{{service="{self.name}"}}'

    def count(self, *, bad: float, valid: float) -> None:
        """Count events."""
        self._exporter.add("bad_total", bad, service=self.name)
        self._exporter.add("all_total", valid, service=self.name)

    def spend(self) -> None:
        """Let more requests fail than the budget allows."""
        self.count(bad=SPENT, valid=SPENT)

    def is_spent(self) -> bool:
        """Say whether Prometheus knows that more failed than the budget allows."""
        return any(float(each["value"][1]) >= SPENT for each in self.prometheus.query(self.bad))

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
                "indicator": {"ratio": {"bad": self.bad, "valid": self.valid}},
                "objective": {"target": TARGET},
                "window": {"rolling": "1d"},
                "owner": "team-shop",
                "protects": protects,
                **more,
            },
        }


@contextmanager
def services(
    cluster: Cluster,
    folder: Path,
    *,
    name: str = "prometheus-of-services",
    most: int = MOST,
    rules: Sequence[Path] = (),
) -> Iterator[Iterator[Service]]:
    """Run a Prometheus with the history of many healthy days, that scrapes live counters each second.

    `most` is how many services there are, `rules` are files that Prometheus evaluates.
    """
    prometheus = Prometheus(
        cluster.folder / name, cluster.site.tool, cluster.site.supervisor, name=name, scrape_interval="1s", rules=rules
    )
    now = int(time.time())
    times = np.arange(now - DAY - STEP, now, STEP, dtype=np.int64)
    valid = np.cumsum(np.full(times.shape, PER_STEP))
    named = [f"service-{number}" for number in range(most)]
    with LiveExporter() as exporter:
        history = []
        for each in named:
            # The live counters go on where the history ends: one series, as of a service that was always scraped.
            labels = {"job": JOB, "instance": exporter.address, "service": each}
            history.append(CounterSeries("all_total", labels, times, valid))
            history.append(CounterSeries("bad_total", labels, times, np.zeros(times.shape)))
            exporter.set("all_total", float(valid[-1]), service=each)
            exporter.set("bad_total", 0.0, service=each)
        told = folder / f"{name}.openmetrics"
        told.write_text(openmetrics(history))
        prometheus.add_target(JOB, exporter.address)
        try:
            prometheus.write_history(told)
            eventually(lambda: len(prometheus.query(f"timestamp(bad_total) > {now}")) == most, 60, "all are scraped")
            yield itertools.starmap(Service, ((each, exporter, prometheus) for each in named))
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
