"""What can be seen of an operator and of its Prometheus from outside: processor time, memory, probes, metrics."""

import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from frostline import names

_SAMPLE: Final = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)$")
_LOOK_S: Final = 0.5
_SCRAPE_S: Final = 15.0
"""How often the operator's metrics are read: as often as a Prometheus would, for that is a part of what it costs."""


@dataclass
class Sums:
    """What one scrape says of the fleet; `cycle_seconds` is the sum over all cycles."""

    cycles: float = 0.0
    cycle_seconds: float = 0.0
    writes: float = 0.0
    queries: float = 0.0
    measured: float = 0.0
    remaining: dict[str, float] = field(default_factory=dict)


def scrape(url: str) -> Sums | None:
    """Return what /metrics says; None when nobody answers."""
    try:
        text = _read(f"{url}/metrics")
    except (urllib.error.URLError, OSError):
        return None
    sums = Sums()
    sums.cycles = sum(_values(text, f"{names.Metric.CYCLES}_total "))
    sums.cycle_seconds = sum(_values(text, f"{names.Metric.CYCLE_SECONDS}_sum "))
    sums.writes = sum(_values(text, f"{names.Metric.STATUS_WRITES}_total"))
    sums.queries = sum(_values(text, f"{names.Metric.QUERY_SECONDS}_count"))
    for outcome in ("Measured", "NoTraffic"):
        sums.measured += sum(_values(text, f'{names.Metric.OBJECTIVES_BY_OUTCOME}{{outcome="{outcome}"}}'))
    sums.remaining = dict(_samples(text, f"{names.Metric.BUDGET_REMAINING_RATIO}{{"))
    return sums


def rule_seconds(url: str) -> float:
    """Return how many seconds a Prometheus took for its rules last, all groups together."""
    return sum(_values(_read(f"{url}/metrics"), "prometheus_rule_group_last_duration_seconds{"))


def rules_missed(url: str) -> float:
    """Return how many evaluations of groups a Prometheus has left out since it started."""
    return sum(_values(_read(f"{url}/metrics"), "prometheus_rule_group_iterations_missed_total{"))


@dataclass
class Seen:
    """A stretch of time; cycles in seconds, the others per second, `lag` the slowest answer of a probe in seconds."""

    cycles: list[float]
    cores: float
    rss_mb: float
    writes: float
    queries_a_cycle: float
    lag: float


def watch(url: str, pid: int, *, cycles: float = float("inf"), at_most_s: float) -> Seen:
    """Look at an operator until it has run so many cycles, or so many seconds have passed."""
    first = last = _scraped(url)
    begun, cpu = time.monotonic(), cpu_seconds(pid)
    durations: list[float] = []
    lag, scraped = 0.0, begun
    while last.cycles - first.cycles < cycles and time.monotonic() - begun < at_most_s:
        time.sleep(_LOOK_S)
        lag = max(lag, _probe(url))
        if time.monotonic() - scraped >= _SCRAPE_S:
            scraped, before = time.monotonic(), last
            last = _scraped(url)
            ended = int(last.cycles - before.cycles)
            durations += [(last.cycle_seconds - before.cycle_seconds) / ended] * ended if ended else []
    passed = time.monotonic() - begun
    return Seen(
        # One that has not ended by now has taken so long at least.
        cycles=durations or [passed],
        cores=(cpu_seconds(pid) - cpu) / passed,
        rss_mb=resident_mb(pid),
        writes=(last.writes - first.writes) / passed,
        queries_a_cycle=(last.queries - first.queries) / max(1.0, last.cycles - first.cycles),
        lag=lag,
    )


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the memory that a process holds, in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


def _samples(text: str, prefix: str) -> Iterator[tuple[str, float]]:
    """Yield the labels and the value of each sample whose line begins with `prefix`."""
    at = text.find(f"\n{prefix}")
    while at >= 0:
        end = text.find("\n", at + 1)
        sample = _SAMPLE.match(text[at + 1 : end])
        if sample is not None:
            yield sample[2] or "", float(sample[3])
        at = end if text.startswith(prefix, end + 1) else text.find(f"\n{prefix}", end)


def _values(text: str, prefix: str) -> list[float]:
    return [value for _, value in _samples(text, prefix)]


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def _scraped(url: str) -> Sums:
    sums = scrape(url)
    if sums is None:
        raise TimeoutError(f"{url}/metrics does not answer")
    return sums


def _probe(url: str) -> float:
    begun = time.monotonic()
    _read(f"{url}/healthz")
    return time.monotonic() - begun
