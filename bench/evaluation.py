"""Evaluation from full ledgers: what a cycle costs once Prometheus has answered. No network, one process a fleet.

Seconds are those of the processor: one thread computes, and what else runs on the machine is no part of it.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.fleet import PATTERNS, accepted, advance, full_ledgers
from bench.results import Result, median, of_runs
from frostline.api.accept import Accepted
from frostline.api.base import JsonObject
from frostline.controller.released import Released
from frostline.controller.status import Facts, gist, render
from frostline.controller.writing import LastWrite, can_wait
from frostline.core.assess import Assessment, Case, Fresh, assess_all
from frostline.core.ledger import Ledger
from frostline.core.policy import BUILT_IN
from frostline.core.policy import Rule as PolicyRule
from frostline.names import Reason

SIZES: Final = (100, 1_000, 10_000)
_PASS: Final = Released(PolicyRule.OPEN, open=True, reason=Reason.NOTHING_PROTECTED, sentence="protects nothing")
_CYCLE_S: Final = 30
_CYCLES: Final = 7
_FOLDS: Final = 3
_AT_MOST: Final = 1_000
"""Objectives that are folded for the first time, or rendered: both cost the same for each, and are rare."""


class _Fleet:
    """Objectives with full ledgers, and the verdicts of the cycle before."""

    def __init__(self, size: int) -> None:
        self.at = int(time.time()) // _CYCLE_S * _CYCLE_S
        before = _resident_bytes()
        self.members: list[Accepted] = [accepted(number) for number in range(size)]
        specs = _resident_bytes()
        self.ledgers: list[Ledger] = full_ledgers(size, self.at)
        gc.collect()
        self.bytes_of_specs = (specs - before) / size
        self.bytes_of_ledgers = (_resident_bytes() - specs) / size
        self.verdicts: list[Assessment | None] = [None] * size
        self.statuses: list[JsonObject] = [{}] * size

    def next(self) -> None:
        self.at += _CYCLE_S
        for ledger in self.ledgers:
            advance(ledger, self.at)

    def assess(self, before: Sequence[Assessment | None]) -> list[Assessment | None]:
        answer = Fresh(self.at)
        cases = [
            (Case(member.objective, BUILT_IN, answer, verdict), ledger)
            for member, ledger, verdict in zip(self.members, self.ledgers, before, strict=False)
        ]
        return list(assess_all(cases, self.at))

    def facts(self) -> list[Facts]:
        return [
            Facts(generation=1, acceptance=member, assessment=verdict, stored=status, now=self.at, released=_PASS)
            for member, verdict, status in zip(self.members, self.verdicts, self.statuses, strict=True)
        ]

    def render(self, facts: Iterable[Facts]) -> list[JsonObject]:
        return [render(each) for each in facts]

    def start(self) -> None:
        # Ledgers repeat after a few, and so do the verdicts that they lead to.
        different = self.assess([None] * min(PATTERNS, len(self.members)))
        self.verdicts = [different[number % len(different)] for number in range(len(self.members))]
        rendered = self.render(self.facts()[: len(different)])
        self.statuses = [rendered[number % len(rendered)] for number in range(len(self.members))]


def measure(size: int) -> list[Result]:
    """Return the figures of one fleet; to be run in a process of its own, for its memory is one of them."""
    fleet = _Fleet(size)
    folded = min(size, _AT_MOST)
    nothing: list[Assessment | None] = [None] * folded
    folds = [_cpu(lambda: fleet.assess(nothing)) for _ in range(_FOLDS)]
    fleet.start()
    recording, assessing, rendering, judging = [], [], [], []
    for _ in range(_CYCLES):
        recording.append(_cpu(fleet.next))
        begun = time.process_time()
        fleet.verdicts = fleet.assess(fleet.verdicts)
        assessing.append(time.process_time() - begun)
        facts = fleet.facts()[:folded]
        begun = time.process_time()
        fleet.render(facts)
        rendering.append((time.process_time() - begun) * size / folded)
        begun = time.process_time()
        told = [gist(facts) for facts in fleet.facts()]
        waiting = sum(
            can_wait(status, 60.0, LastWrite(status, fleet.at), now=fleet.at, fleet=size, seed="bench/slo")
            for status in fleet.statuses
        )
        judging.append(time.process_time() - begun)
        if waiting != size or len(told) != size:
            raise RuntimeError(f"{size - waiting} of {size} statuses that say nothing new could not wait")
    gc.collect()
    stage = f"evaluation-{size}"
    return [
        _timing(f"{stage}-steady", assessing, size),
        _timing(f"{stage}-first-fold", [seconds * size / folded for seconds in folds], size),
        _timing(f"{stage}-recording", recording, size),
        _timing(f"{stage}-rendering-all", rendering, size),
        _timing(f"{stage}-nothing-to-tell", judging, size),
        Result(
            f"{stage}-ledger-bytes",
            float(fleet.ledgers[0].nbytes),
            "B/SLO",
            {
                "resident_ledger": round(fleet.bytes_of_ledgers),
                "resident_spec": round(fleet.bytes_of_specs),
                "resident_process_MB": round(_resident_bytes() / 1e6),
            },
        ),
    ]


def run() -> list[Result]:
    """Measure every size."""
    return [result for size in SIZES for result in _apart(size)]


def _apart(size: int) -> list[Result]:
    argv = [sys.executable, "-m", "bench.evaluation", str(size)]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=root)
    return [Result(**each) for each in json.loads(done.stdout)]


def _timing(name: str, seconds: list[float], size: int) -> Result:
    value = median(seconds)
    return Result(name, value, "s", of_runs(seconds, us_per_slo=round(value / size * 1e6, 1)))


def _cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _resident_bytes() -> int:
    argv = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout) * 1024


if __name__ == "__main__":
    print(json.dumps([asdict(each) for each in measure(int(sys.argv[1]))]))
