"""What the app tells Prometheus. Names and buckets stand here once."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

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


class Durations(Collector):
    """A histogram by route and status code that takes in many requests at once, as the client's own cannot."""

    def __init__(self, known: Iterable[tuple[str, str]]) -> None:
        """Every series starts at zero."""
        self._counts = {labels: [0] * (len(BUCKETS) + 1) for labels in known}
        self._seconds = dict.fromkeys(self._counts, 0.0)

    def observe(self, route: str, code: str, seconds: float, times: int) -> None:
        """Count requests that took so many seconds each."""
        self._counts[route, code][bisect_left(BUCKETS, seconds)] += times
        self._seconds[route, code] += seconds * times

    def collect(self) -> Iterator[Metric]:
        """Yield what is exposed."""
        text = "Seconds from request to answer, by route and status code."
        family = HistogramMetricFamily(DURATION, text, labels=["route", "code"])
        bounds = [*map(str, BUCKETS), "+Inf"]
        for labels, counts in self._counts.items():
            family.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), self._seconds[labels])
        yield family


class Metrics:
    """Counters and histograms of one workload, in a registry of its own."""

    def __init__(self, codes_by_route: dict[str, tuple[int, ...]], *, writes_reports: bool) -> None:
        """Every series starts at zero, so that the first error is an increase and not the birth of a series."""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            REQUESTS, "Requests answered, by route and status code.", ["route", "code"], registry=self.registry
        )
        series = [(route, str(code)) for route, codes in codes_by_route.items() for code in codes]
        for labels in series:
            self._requests.labels(*labels)
        self._durations = Durations(series)
        self.registry.register(self._durations)
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

    def answered(self, route: str, code: int, seconds: float, times: int = 1) -> None:
        """Count an answered request, or many alike, and the seconds that each took."""
        self._requests.labels(route, str(code)).inc(times)
        self._durations.observe(route, str(code), seconds, times)

    def report(self, *, on_time: bool, valid: bool) -> None:
        """Count one report. Only for a workload that writes reports."""
        self._reports.labels(ON_TIME if on_time else LATE).inc()
        self._validations.labels(PASSED if valid else FAILED).inc()
