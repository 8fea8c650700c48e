"""Whether the operator's memory stays flat: an hour's worth of cycles and 100,000 watch events: `python -m bench.soak`.

SOAK_MINUTES says for how long; without it cycles come every 5 s instead of 30: ten minutes hold an hour of them.
"""

import itertools
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bench import mixed
from bench.exposition import exposing
from bench.observed import resident_mb, scrape
from bench.results import Result, table, write
from e2e.api import Api
from e2e.cluster.cluster import Cluster
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.progress import say
from e2e.cluster.session import session_folder

_OBJECTIVES: Final = 60
_WORKLOADS: Final = 40
_EVENTS: Final = int(os.environ.get("SOAK_EVENTS", "100000"))
_CYCLES: Final = 120
_QUICK_S: Final = 5
_PATCHERS: Final = 4
_SAMPLE_S: Final = 5.0
_SETTLING: Final = 0.34
"""Share of the time after which memory must not grow any more: imports, caches and first answers are over."""
_GROWTH_MB: Final = 4.0
_GROWTH: Final = 0.03
_ENOUGH: Final = 0.9
"""Of the cycles; those that begin late are no matter here."""
_MERGE: Final = "application/merge-patch+json"
_DEPLOYMENTS: Final = f"/apis/apps/v1/namespaces/{mixed.NAMESPACE}/deployments"
_SLOS: Final = f"/apis/frostline.dev/v1alpha1/namespaces/{mixed.NAMESPACE}/servicelevelobjectives"


def main() -> int:
    """Return 1 when memory is not flat, or when not all of the work was done."""
    minutes = float(os.environ["SOAK_MINUTES"]) if "SOAK_MINUTES" in os.environ else None
    interval = 30 if minutes else _QUICK_S
    lasts = minutes * 60 if minutes else _CYCLES * _QUICK_S
    environment = {name: value for name, value in os.environ.items() if name != "CLUSTER"}
    with session_folder(say, purpose="-soak") as folder, exposing(_OBJECTIVES) as exposition:
        cluster = Cluster(folder, environment=environment, tell=say)
        cluster.up(operator=False)
        cluster.kubectl("create", "namespace", mixed.NAMESPACE)
        cluster.prometheus.add_target(mixed.JOB, exposition.address)
        api = Api(cluster)
        for number in range(_OBJECTIVES):
            api("POST", _SLOS, mixed.manifest(number))
        for number in range(_WORKLOADS):
            api("POST", _DEPLOYMENTS, mixed.deployment(number))
        settings = OperatorSettings(cluster.prometheus_url, (), ("--cycle-interval", f"{interval}s"))
        operator = OperatorProcess(cluster.site, settings, "operator")
        operator.start()
        samples, cycles, events = _soak(cluster, operator, lasts)
        operator.stop()
    return _judge(samples, cycles / (lasts / interval), events)


def _soak(cluster: Cluster, operator: OperatorProcess, lasts: float) -> tuple[list[tuple[float, float]], float, int]:
    """Return (seconds, MB) over time, the cycles, and how many times a workload was changed."""
    begun = time.monotonic()
    changed = itertools.count()
    with ThreadPoolExecutor(_PATCHERS) as pool:
        parts = [pool.submit(_change, cluster, changed, part, begun + lasts) for part in range(_PATCHERS)]
        samples = []
        while time.monotonic() - begun < lasts or not all(part.done() for part in parts):
            if operator.pid is None:
                raise RuntimeError(f"the operator ended: {operator.log.read_text()[-2000:]}")
            samples.append((time.monotonic() - begun, resident_mb(operator.pid)))
            if len(samples) % 12 == 1:
                say(f"  {samples[-1][0]:5.0f} s {samples[-1][1]:7.1f} MB")
            time.sleep(_SAMPLE_S)
        events = sum(part.result() for part in parts)
    seen = scrape(operator.url)
    return samples, 0.0 if seen is None else seen.cycles, events


def _change(cluster: Cluster, numbers: "itertools.count[int]", part: int, deadline: float) -> int:
    """Change workloads, spread over the time that there is; return how many times."""
    api = Api(cluster)
    done = 0
    for done in range(1, _EVENTS // _PATCHERS + 1):
        number = next(numbers)
        patch = {"metadata": {"labels": {"bench-number": str(number)}}}
        answer = api("PATCH", f"{_DEPLOYMENTS}/service-{(number * _PATCHERS + part) % _WORKLOADS}", patch, kind=_MERGE)
        if answer.status != 200:
            raise RuntimeError(f"a workload cannot be changed: {answer.status} {answer.message}")
        left = _EVENTS // _PATCHERS - done
        rest = deadline - time.monotonic()
        if left and rest > 0:
            time.sleep(max(0.0, rest / left - 0.02) if rest / left > 0.02 else 0.0)
    api.close()
    return done


def _judge(samples: list[tuple[float, float]], cycles: float, events: int) -> int:
    """Say how it went; `cycles` is the share of those that were to come."""
    settled = [each for each in samples if each[0] > samples[-1][0] * _SETTLING]
    times, memory = zip(*settled, strict=True)
    slope = statistics.linear_regression(times, memory).slope * 3_600
    third = max(1, len(memory) // 3)
    early, late = statistics.median(memory[:third]), statistics.median(memory[-third:])
    grown = late - early
    flat = grown <= max(_GROWTH_MB, early * _GROWTH)
    detail = {"early_MB": early, "late_MB": late, "slope_MB_per_hour": slope, "cycles_share": cycles, "events": events}
    over_time = [(round(at), round(megabytes, 1)) for at, megabytes in samples]
    result = Result("soak-grown", grown, "MB", {**detail, "over_time": over_time})
    write([result])
    say(f"memory {'is flat' if flat else 'GROWS'}: {table([result])}")
    if events < _EVENTS // _PATCHERS * _PATCHERS or cycles < _ENOUGH:
        say(f"not all was done: {events} of {_EVENTS} events, {cycles:.0%} of the cycles")
        return 1
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
