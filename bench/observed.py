"""What can be seen of an operator from outside: its processor time, memory, probes and metrics."""

import os
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from frostline import names

_SAMPLE: Final = re.compile(r"^(\w+)(?:\{([^}]*)\})? (\S+)", re.MULTILINE)
_LOOK_S: Final = 0.5
_SCRAPE_S: Final = 15.0


@dataclass
class Sums:
    """What one scrape says of the fleet."""

    cycles: float = 0.0
    cycle_seconds: float = 0.0
    writes: float = 0.0
    queries: float = 0.0
    measured: float = 0.0
    remaining: dict[str, float] = field(default_factory=dict)


def scrape(url: str) -> Sums | None:
    """Return what /metrics says; None when nobody answers."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, OSError):
        return None
    sums = Sums()
    for name, labels, value in _SAMPLE.findall(text):
        if name == f"{names.Metric.CYCLES}_total":
            sums.cycles = float(value)
        elif name == names.Metric.CYCLE_SECONDS:
            sums.cycle_seconds = float(value)
        elif name == f"{names.Metric.STATUS_WRITES}_total":
            sums.writes += float(value)
        elif name == f"{names.Metric.QUERY_SECONDS}_count":
            sums.queries += float(value)
        elif name == names.Metric.MEASURED:
            sums.measured += float(value)
        elif name == names.Metric.BUDGET_REMAINING_RATIO:
            sums.remaining[labels] = float(value)
    return sums


@dataclass
class Seen:
    """A stretch of time; cycles in seconds, the others per second, `lag` the slowest answer of a probe in seconds."""

    cycles: list[float]
    cores: float
    rss_mb: float
    writes: float
    queries_a_cycle: float
    lag: float


def watch(url: str, pid: int, cycles: int) -> Seen:
    """Look at an operator until it has run so many cycles."""
    first = last = _scraped(url)
    begun, cpu = time.monotonic(), cpu_seconds(pid)
    durations: list[float] = []
    lag, scraped = 0.0, begun
    while last.cycles - first.cycles < cycles:
        time.sleep(_LOOK_S)
        lag = max(lag, _probe(url))
        if time.monotonic() - scraped >= _SCRAPE_S:
            scraped, before = time.monotonic(), last.cycles
            last = _scraped(url)
            if last.cycles > before:
                durations.append(last.cycle_seconds)
    passed = time.monotonic() - begun
    return Seen(
        cycles=durations,
        cores=(cpu_seconds(pid) - cpu) / passed,
        rss_mb=resident_mb(pid),
        writes=(last.writes - first.writes) / passed,
        queries_a_cycle=(last.queries - first.queries) / (last.cycles - first.cycles),
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


def _scraped(url: str) -> Sums:
    sums = scrape(url)
    if sums is None:
        raise TimeoutError(f"{url}/metrics does not answer")
    return sums


def _probe(url: str) -> float:
    begun = time.monotonic()
    with urllib.request.urlopen(f"{url}/healthz", timeout=30) as answer:
        answer.read()
    return time.monotonic() - begun
