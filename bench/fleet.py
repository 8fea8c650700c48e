"""Fleets of objectives that differ in their series and in nothing that would make one cheaper than another."""

import copy
from typing import Any, Final

import numpy as np

from frostline.api.accept import Accepted, accept
from frostline.core.ledger import Entry, Gap, Ledger, open_bucket
from frostline.core.shelf import State

PER_SECOND: Final = 20.0
BAD_SHARE: Final = 0.0004
"""Of the valid events: 40 % of a budget of 99.9 %, so that levels, burn and forecasts all have work to do."""

PATTERNS: Final = 8


def spec(number: int, job: str | None = None) -> dict[str, Any]:
    """Return the spec of one objective of the fleet, on series of its own."""
    selector = f'job="{job or f"service-{number}"}",service="{number}"'
    return {
        "owner": "team-bench",
        "tier": 1,
        "rationale": "what a benchmark needs",
        "indicator": {
            "category": "Availability",
            "ratio": {
                "bad": f'http_requests_total{{{selector},code=~"5.."}}',
                "valid": f'http_requests_total{{{selector},code!~"4.."}}',
            },
        },
        "objective": {"target": 99.9},
        "window": {"rolling": "30d"},
        "review": {"every": "90d", "last": "2026-09-01"},
    }


def manifest(number: int, *, namespace: str = "bench", job: str | None = None) -> dict[str, Any]:
    """Return the object as the API server holds it."""
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {
            "name": f"slo-{number}",
            "namespace": namespace,
            "uid": f"00000000-0000-4000-8000-{number:012d}",
            "generation": 1,
            "resourceVersion": str(number + 1),
        },
        "spec": spec(number, job),
    }


def accepted(number: int) -> Accepted:
    """Return one objective of the fleet."""
    verdict = accept(spec(number))
    if not isinstance(verdict, Accepted):
        raise TypeError(f"the fleet's own manifest is refused: {verdict}")
    return verdict


def full_ledgers(count: int, at: int) -> list[Ledger]:
    """Return ledgers in which every bucket that a figure at `at` needs is known, each with arrays of its own."""
    random = np.random.default_rng(4)
    patterns = [_full(at, random) for _ in range(min(PATTERNS, count))]
    return [copy.deepcopy(patterns[number % len(patterns)]) for number in range(count)]


def advance(ledger: Ledger, at: int) -> None:
    """Record what one cycle reads: the bucket that is open at `at`, and the two that closed before it again."""
    opened = open_bucket(at)
    for start in (opened - 600, opened - 300):
        ledger.record(_events(start, 300, round(300 * PER_SECOND * BAD_SHARE)))
    ledger.record_open(_events(opened, at - opened, 0.0))


def _full(at: int, random: np.random.Generator) -> Ledger:
    ledger = Ledger(accepted(0).objective.window)
    for gap in list(ledger.gaps(at)):
        _fill(ledger, gap, random)
    advance(ledger, at)
    return ledger


def _fill(ledger: Ledger, gap: Gap, random: np.random.Generator) -> None:
    for start in range(gap.start, gap.last + 1, gap.width_s):
        bad = float(random.poisson(gap.width_s * PER_SECOND * BAD_SHARE))
        ledger.record(_events(start, gap.width_s, bad))


def _events(start: int, width_s: int, bad: float) -> Entry:
    return Entry(start, width_s, State.PRESENT, bad, width_s * PER_SECOND)
