"""Thirty days of counters as the app would have left them, and the exact budgets that follow from them.

Nothing is random: events are spread by the running total of their weights, so the same end gives the same file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from e2e.demo import promises
from e2e.demo.promises import Promise
from examples.soulsync.app import metrics

Counts = NDArray[np.int64]
Values = NDArray[np.floating]

# As often as a scraper would have come, where figures of minutes are asked for; rarer where only hours count.
RECENT_SECONDS = 32 * 3_600
RECENT_STEP_SECONDS = 60
STEP_SECONDS = 300
WINDOW_SECONDS = 30 * 86_400
# The window moves on while the demo runs: what leaves it must have been there.
LEAD_IN_SECONDS = 3_600
BUSIEST_HOUR_UTC = 20

GETMATCHES_PER_SECOND = 0.35
MESSAGES_PER_SECOND = 0.4
REPORTS_PER_SECOND = 0.2
UNKNOWN_USERS = 0.03

# Share of the fast requests that each bucket below the threshold has seen.
SHARE_BY_BUCKET = {0.05: 0.35, 0.1: 0.8, 0.3: 0.98}
TYPICAL_SECONDS = 0.07


@dataclass(frozen=True)
class Exact:
    """The answer that Prometheus must come to: events of the last 30 days, and the share of budget left in percent."""

    bad: int
    valid: int
    target: float

    @property
    def remaining_percent(self) -> float:
        """100 - (100 - SLI) / (100 - target) x 100."""
        return 100 - (100 * self.bad / self.valid) / (100 - self.target) * 100


@dataclass(frozen=True)
class Series:
    """One counter: its family, type, sample name, labels, and its value at every timestamp of the history."""

    family: str
    kind: str
    name: str
    labels: Mapping[str, str]
    values: Counts | Values


@dataclass(frozen=True)
class History:
    """Series over common timestamps (Unix seconds), and what they say about each promise."""

    timestamps: Counts
    series: tuple[Series, ...]
    exact: Mapping[str, Exact]

    def write(self, path: Path) -> int:
        """Write the history as OpenMetrics text and return the number of samples."""
        stamps = [f" {stamp}\n" for stamp in self.timestamps.tolist()]
        with path.open("w", encoding="utf-8") as file:
            for (family, kind), members in groupby(self.series, key=lambda one: (one.family, one.kind)):
                file.write(f"# TYPE {family} {kind}\n")
                for one in members:
                    labels = ",".join(f'{name}="{value}"' for name, value in one.labels.items())
                    start = f"{one.name}{{{labels}}} "
                    pairs = zip(one.values.tolist(), stamps, strict=True)
                    file.writelines(f"{start}{value}{stamp}" for value, stamp in pairs)
            file.write("# EOF\n")
        return len(self.series) * len(self.timestamps)


@dataclass(frozen=True)
class Spread:
    """Where events fall: the timestamps at which counters are read, before the end and in the 30 days."""

    end: int

    @property
    def timestamps(self) -> Counts:
        """Unix seconds of the samples; the last one is the end."""
        old = np.arange(-WINDOW_SECONDS - LEAD_IN_SECONDS, -RECENT_SECONDS, STEP_SECONDS, dtype=np.int64)
        recent = np.arange(-RECENT_SECONDS, 1, RECENT_STEP_SECONDS, dtype=np.int64)
        return self.end + np.concatenate((old, recent))

    def traffic(self, per_second: float) -> Counts:
        """Events up to each timestamp since the one before, `per_second` on average: most of them in the evening."""
        stamps = self.timestamps
        hours = (stamps % 86_400) / 3_600
        # Counters start at zero: nothing comes before the first timestamp.
        elapsed = np.diff(stamps, prepend=stamps[0])
        shape = elapsed * (1 + 0.7 * np.cos((hours - BUSIEST_HOUR_UTC) / 24 * 2 * np.pi))
        return whole(shape / shape.sum() * per_second * elapsed.sum())

    def bad(self, promise: Promise, valid: Counts) -> Counts:
        """Bad events in each step, as the promise says its budget was spent. Raises ValueError if there is no room."""
        ages = (self.end - self.timestamps) / 86_400
        budget = (100 - promise.target) / 100 * valid.sum()
        expected = promise.background * budget * valid / valid.sum()
        for incident in promise.incidents:
            inside = (ages <= incident.days_ago) & (ages > incident.days_ago - incident.minutes / 1_440)
            if not valid[inside].any():
                raise ValueError(f"{promise.slo}: no traffic in the incident {incident.days_ago} days ago")
            expected += np.where(inside, valid, 0) / valid[inside].sum() * incident.share * budget
        events = np.minimum(whole(expected), valid)
        if abs(events.sum() - expected.sum()) > 1:
            raise ValueError(
                f"{promise.slo}: its incidents need more bad events than there was traffic; make them longer or smaller"
            )
        return events

    def exact(self, promise: Promise, bad: Counts, valid: Counts) -> Exact:
        """Bad and valid events in the window that ends with the history."""
        inside = self.timestamps > self.end - WINDOW_SECONDS
        return Exact(int(bad[inside].sum()), int(valid[inside].sum()), promise.target)


def whole(expected: Values) -> Counts:
    """Turn expected events per step into whole ones whose running total never strays by one from the expected."""
    totals = np.floor(np.cumsum(expected) + 1e-6).astype(np.int64)
    events: Counts = np.diff(totals, prepend=0)
    return events


def build(end: int) -> History:
    """Return the history of the four workloads that ends at `end` (Unix seconds)."""
    spread = Spread(end)
    series: list[Series] = []
    exact: dict[str, Exact] = {}

    def judge(promise: Promise, valid: Counts) -> Counts:
        bad = spread.bad(promise, valid)
        exact[promise.slo] = spread.exact(promise, bad, valid)
        return bad

    asked = spread.traffic(GETMATCHES_PER_SECOND)
    unknown = whole(asked * UNKNOWN_USERS)
    refused = judge(promises.GETMATCHES_AVAILABILITY, asked - unknown)
    matched = asked - unknown - refused
    slow = judge(promises.GETMATCHES_LATENCY, matched)
    series += requests("gateway", "getMatches", {200: matched, 404: unknown, 503: refused})
    series += durations("gateway", "getMatches", matched, slow, threshold=0.8)
    # What the gateway refused, user-profile had refused before.
    series += requests("user-profile", "getProfile", {200: matched, 404: unknown, 503: refused})

    sent = spread.traffic(MESSAGES_PER_SECOND)
    lost = judge(promises.SENDMESSAGE_ACKNOWLEDGED, sent)
    slow = judge(promises.SENDMESSAGE_LATENCY, sent - lost)
    series += requests("realtime-chat", "sendMessage", {200: sent - lost, 503: lost})
    series += durations("realtime-chat", "sendMessage", sent - lost, slow, threshold=0.3)

    reports = spread.traffic(REPORTS_PER_SECOND)
    late = judge(promises.REPORT_FRESHNESS, reports)
    failed = judge(promises.REPORT_CORRECTNESS, reports)
    series += requests("matching", "writeReport", {200: reports})
    series += results(metrics.REPORTS, {metrics.ON_TIME: reports - late, metrics.LATE: late})
    series += results(metrics.VALIDATIONS, {metrics.PASSED: reports - failed, metrics.FAILED: failed})

    ordered = tuple(sorted(series, key=lambda one: one.family))
    return History(spread.timestamps, ordered, exact)


def target_labels(job: str) -> dict[str, str]:
    """Labels that Prometheus adds to whatever it scrapes from this workload; history carries the same."""
    return {"job": job, "instance": f"{job}-0"}


def requests(job: str, route: str, by_code: Mapping[int, Counts]) -> Iterator[Series]:
    """Request counters of one workload, one per status code."""
    for code, events in by_code.items():
        labels = target_labels(job) | {"route": route, "code": str(code)}
        yield Series(metrics.REQUESTS, "counter", f"{metrics.REQUESTS}_total", labels, events.cumsum())


def results(family: str, by_result: Mapping[str, Counts]) -> Iterator[Series]:
    """Counters of the reports that matching wrote, one per result."""
    for result, events in by_result.items():
        labels = target_labels("matching") | {"result": result}
        yield Series(family, "counter", f"{family}_total", labels, events.cumsum())


def durations(job: str, route: str, answered: Counts, slow: Counts, *, threshold: float) -> Iterator[Series]:
    """Latency histogram of the successful requests of one workload, `slow` of them above the threshold (seconds)."""
    labels = target_labels(job) | {"route": route, "code": "200"}
    fast = (answered - slow).cumsum()
    count = answered.cumsum()

    def one(suffix: str, values: Counts | Values, extra: Iterable[tuple[str, str]] = ()) -> Series:
        return Series(metrics.DURATION, "histogram", f"{metrics.DURATION}_{suffix}", labels | dict(extra), values)

    for bound in metrics.BUCKETS:
        if bound < threshold:
            values = np.floor(fast * SHARE_BY_BUCKET[bound]).astype(np.int64)
        else:
            values = fast if bound == threshold else count
        yield one("bucket", values, [("le", str(bound))])
    yield one("bucket", count, [("le", "+Inf")])
    yield one("count", count)
    yield one("sum", np.round(count * TYPICAL_SECONDS, 3))
