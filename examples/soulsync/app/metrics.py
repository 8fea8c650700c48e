"""What the app tells Prometheus. Names and buckets stand here once."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

# Counters end in _total and histograms in _bucket, _count and _sum when exposed.
REQUESTS: Final = "soulsync_http_requests"
DURATION: Final = "soulsync_http_request_duration_seconds"
REPORTS: Final = "soulsync_reports"
VALIDATIONS: Final = "soulsync_reports_validated"

# 0.3 and 0.8 are there because promises are made at 300 ms and 800 ms: a threshold needs a bucket that ends at it.
BUCKETS: Final = (0.05, 0.1, 0.3, 0.8, 2.0)

ON_TIME: Final = "on_time"
LATE: Final = "late"
PASSED: Final = "passed"
FAILED: Final = "failed"


class Metrics:
    """Counters and histograms of one workload, in a registry of its own."""

    def __init__(self, codes_by_route: dict[str, tuple[int, ...]], *, writes_reports: bool) -> None:
        """Every series starts at zero, so that the first error is an increase and not the birth of a series."""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            REQUESTS, "Requests answered, by route and status code.", ["route", "code"], registry=self.registry
        )
        self._duration = Histogram(
            DURATION,
            "Seconds from request to answer, by route and status code.",
            ["route", "code"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        for route, codes in codes_by_route.items():
            for code in codes:
                self._requests.labels(route, str(code))
                self._duration.labels(route, str(code))
        if writes_reports:
            self._reports = Counter(
                REPORTS, "Reports finished, on time (under 10 minutes) or late.", ["result"], registry=self.registry
            )
            self._validations = Counter(
                VALIDATIONS, "Reports made, by the result of their validation.", ["result"], registry=self.registry
            )
            for result in (ON_TIME, LATE):
                self._reports.labels(result)
            for result in (PASSED, FAILED):
                self._validations.labels(result)

    def answered(self, route: str, code: int, seconds: float) -> None:
        """Count one answered request and the seconds it took."""
        self._requests.labels(route, str(code)).inc()
        self._duration.labels(route, str(code)).observe(seconds)

    def report(self, *, on_time: bool, valid: bool) -> None:
        """Count one report. Only for a workload that writes reports."""
        self._reports.labels(ON_TIME if on_time else LATE).inc()
        self._validations.labels(PASSED if valid else FAILED).inc()
