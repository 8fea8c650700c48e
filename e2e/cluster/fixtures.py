"""Types of what the fixtures in e2e/conftest.py give, for the signatures of tests."""

import subprocess
from dataclasses import dataclass
from typing import Protocol

from e2e.cluster.exporter import LiveExporter
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.webhook_process import WebhookProcess

JOB = "live"


class RunsKubectl(Protocol):
    """Runs kubectl on the cluster of the session."""

    def __call__(
        self, *arguments: str, input: str | None = None, check: bool = True, timeout: float = 180.0
    ) -> subprocess.CompletedProcess[str]: ...


class RunsOperator(Protocol):
    """Starts an operator that is stopped after the test."""

    def __call__(
        self,
        prometheus_url: str,
        *namespaces: str,
        flags: tuple[str, ...] = (),
        environment: tuple[tuple[str, str], ...] = (),
        wait: bool = True,
    ) -> OperatorProcess: ...


class RunsWebhook(Protocol):
    """Starts a webhook that is stopped after the test."""

    def __call__(self, *flags: str, secret: str | None = None, wait: bool = True) -> WebhookProcess: ...


class Asks(Protocol):
    """Has the API server ask this webhook and no other, by a configuration that differs from its own as given."""

    def __call__(self, process: WebhookProcess, **client_config: str) -> None: ...


@dataclass(frozen=True)
class ScrapedExporter:
    """A live exporter and the Prometheus that scrapes it each second, under job="live"."""

    exporter: LiveExporter
    prometheus: Prometheus

    @property
    def url(self) -> str:
        """The URL of the Prometheus."""
        return self.prometheus.url
