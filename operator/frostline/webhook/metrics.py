"""The webhook's own metrics. No user names, no names of workloads."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

import frostline
from frostline import names
from frostline.core.verdict import Passed, Verdict
from frostline.kubernetes.follow import Follower
from frostline.webhook.certificate import ServingCertificate
from frostline.webhook.index import Index

_BUCKETS: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Instruments:
    """The registry and what the parts of the webhook count."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            names.WebhookMetric.DECISIONS,
            "Decisions, by verdict and why.",
            labelnames=["verdict", "why"],
            registry=self.registry,
        )
        self._requests = Counter(
            names.WebhookMetric.REQUESTS,
            "Requests to the webhook, by HTTP status.",
            labelnames=["code"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            names.WebhookMetric.SECONDS,
            "From the body of a request to its answer.",
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._dropped = Counter(
            names.WebhookMetric.AUDIT_DROPPED,
            "Records of decisions lost because the queue was full, by kind of record.",
            labelnames=["record"],
            registry=self.registry,
        )
        self._events = Counter(
            names.WebhookMetric.EVENTS,
            "Events about decisions, by outcome.",
            labelnames=["outcome"],
            registry=self.registry,
        )
        self._refused_certificates = Counter(
            names.WebhookMetric.CERTIFICATES_REFUSED,
            "Serving certificates that were not taken, by reason.",
            labelnames=["reason"],
            registry=self.registry,
        )
        build = Gauge(names.WebhookMetric.BUILD_INFO, "1; the version that runs.", ["version"], registry=self.registry)
        build.labels(frostline.__version__).set(1)
        ProcessCollector(registry=self.registry)

    def show(self, index: Index, follower: Follower, certificate: ServingCertificate) -> None:
        """Have the state of the parts read at each scrape."""
        gates = Gauge(names.WebhookMetric.GATES, "Gates in the index.", registry=self.registry)
        gates.set_function(lambda: len(index))
        synced = Gauge(names.WebhookMetric.INDEX_SYNCED, "1 once the index was complete.", registry=self.registry)
        synced.set_function(lambda: float(follower.synced.is_set()))
        heard = Gauge(
            names.WebhookMetric.INDEX_HEARD, "When the API server was last heard of gates.", registry=self.registry
        )
        heard.set_function(lambda: follower.heard_at or 0.0)
        expiry = Gauge(
            names.WebhookMetric.CERTIFICATE_EXPIRY, "When the serving certificate ends.", registry=self.registry
        )
        expiry.set_function(lambda: certificate.expires_at or 0.0)

    def decided(self, verdict: Verdict) -> None:
        """Note a decision."""
        self._decisions.labels("Passed" if isinstance(verdict, Passed) else "Refused", str(verdict.why)).inc()

    def answered(self, code: int, begun: float) -> None:
        """Note an answer to a request whose body was there at `begun` (perf_counter)."""
        self._requests.labels(str(code)).inc()
        self._seconds.observe(time.perf_counter() - begun)

    def dropped(self, record: str) -> None:
        """Note a record that was lost."""
        self._dropped.labels(record).inc()

    def event(self, outcome: str) -> None:
        """Note an Event that was written, failed or was a repetition."""
        self._events.labels(outcome).inc()

    def certificate_refused(self, reason: str) -> None:
        """Note a certificate that was not taken."""
        self._refused_certificates.labels(reason).inc()
