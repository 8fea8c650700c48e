"""One operator with more and more objectives, on a real API server and a real Prometheus: `python -m bench.scale`.

Each size is looked at in steady state, while half of the fleet degrades, after a kill -9, with a Prometheus that takes
twice as long, and while the API server answers 429. There is no history: windows fill up as the bench goes on.
"""

import argparse
import os
import ssl
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import mixed
from bench.exposition import degrade, exposing
from bench.observed import Seen, resident_mb, scrape, watch
from bench.proxies import Proxy
from bench.results import FOLDER, Result, write
from e2e.api import Api
from e2e.cluster import kubeconfig
from e2e.cluster.cluster import Cluster
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings, credentials_file, ensure_credentials
from e2e.cluster.progress import say
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.session import session_folder

SIZES: Final = (100, 1_000, 10_000)
_CREATORS: Final = 8
_STEADY_CYCLES: Final = 8
_CYCLES: Final = 4
_REFUSED_S: Final = 45.0
_DEGRADED: Final = 30.0
"""Times as many bad events as before: all of a budget within an hour or so."""
_RIGHT: Final = 0.01
_PATIENCE_S: Final = 1_800.0
_SLOS: Final = f"/apis/frostline.dev/v1alpha1/namespaces/{mixed.NAMESPACE}/servicelevelobjectives"
_DEPLOYMENTS: Final = f"/apis/apps/v1/namespaces/{mixed.NAMESPACE}/deployments"


@dataclass
class Bench:
    """What runs: a cluster, a Prometheus behind a proxy, an API server with a proxy beside it, one operator."""

    cluster: Cluster
    prometheus: Proxy
    server: Proxy
    exposition: str
    flags: tuple[str, ...]
    operator: OperatorProcess | None = None

    def start(self, *, through_proxy: bool) -> None:
        """Start an operator."""
        flags = self.flags
        if through_proxy:
            flags += ("--kubeconfig", str(self._proxied()))
        settings = OperatorSettings(self.prometheus.url, (), flags)
        self.operator = OperatorProcess(self.cluster.site, settings, "operator")
        self.operator.start(wait=False)

    @property
    def running(self) -> tuple[str, int]:
        """URL and process id of the operator."""
        if self.operator is None or self.operator.pid is None:
            raise TimeoutError("the operator does not run: see build/bench for its log")
        return self.operator.url, self.operator.pid

    def create(self, first: int, after: int) -> float:
        """Create the objectives `first` up to `after`, and what they protect; return how many came in a second."""
        begun = time.monotonic()
        with ThreadPoolExecutor(_CREATORS) as pool:
            list(pool.map(self._create, (range(start, after, _CREATORS) for start in range(first, first + _CREATORS))))
        return (after - first) / (time.monotonic() - begun)

    def _create(self, numbers: range) -> None:
        api = Api(self.cluster)
        for number in numbers:
            if number % mixed.PROTECT_EVERY == 0:
                _made(api, _DEPLOYMENTS, mixed.deployment(number))
            _made(api, _SLOS, mixed.manifest(number))
        api.close()

    def wait_measured(self, size: int) -> float:
        """Wait until so many objectives are measured; return the seconds."""
        begun = time.monotonic()
        while time.monotonic() - begun < _PATIENCE_S:
            seen = scrape(self.running[0])
            if seen is not None and seen.measured >= size:
                return time.monotonic() - begun
            time.sleep(1.0)
        raise TimeoutError(f"{size} objectives were not measured within {_PATIENCE_S:g} s")

    def restart(self) -> float:
        """Kill the operator; return the seconds until another one has every budget right."""
        before = scrape(self.running[0])
        if before is None or self.operator is None:
            raise TimeoutError("the operator does not answer")
        self.operator.kill()
        begun = time.monotonic()
        self.start(through_proxy=True)
        while time.monotonic() - begun < _PATIENCE_S:
            now = scrape(self.running[0])
            if now is not None and before.remaining and _right(before.remaining, now.remaining):
                return time.monotonic() - begun
            time.sleep(0.5)
        raise TimeoutError("budgets were not right again")

    def _proxied(self) -> Path:
        ensure_credentials(self.cluster.site)
        known = kubeconfig.load(credentials_file(self.cluster.site))
        token = known["users"][0]["user"]["token"]
        path = self.cluster.folder / "proxied.kubeconfig"
        kubeconfig.write(path, kubeconfig.render("operator", {"server": self.server.url}, {"token": token}))
        return path


def _right(before: dict[str, float], now: dict[str, float]) -> bool:
    # What goes on being spent meanwhile is not wrong: of a budget of which little is left a point is enough.
    return all(
        key in now and abs(now[key] - value) <= max(_RIGHT, abs(value) * _RIGHT) for key, value in before.items()
    )


def _made(api: Api, path: str, manifest: dict[str, Any]) -> None:
    answer = api("POST", path, manifest)
    if answer.status not in (201, 409):
        raise RuntimeError(f"{path} answers {answer.status}: {answer.message}")


def measure(bench: Bench, known: int, size: int) -> list[Result]:
    """Return the figures of one size, where there are `known` objectives before."""
    created = bench.create(known, size)
    say(f"  {size} objectives, {created:.0f} created a second")
    until_measured = bench.wait_measured(size)
    # Statuses that were put off are written by now and then: not a part of the steady state.
    watch(*bench.running, cycles=2 + size // 600)
    steady = watch(*bench.running, cycles=_STEADY_CYCLES)
    degrade(bench.exposition, _DEGRADED)
    worse = watch(*bench.running, cycles=2 * _CYCLES)
    degrade(bench.exposition, 1.0)
    restart = bench.restart()
    bench.wait_measured(size)
    bench.prometheus.slowness = 2.0
    slow = watch(*bench.running, cycles=_CYCLES)
    bench.prometheus.slowness = 1.0
    refused = _refused(bench)
    return [
        *_stage(f"scale-{size}", steady),
        Result(f"scale-{size}-measured-after", until_measured, "s", {"created_per_s": created}),
        Result(f"scale-{size}-restart-right", restart, "s", {"within": "1 point of budget"}),
        *_stage(f"scale-{size}-half-degraded", worse),
        *_stage(f"scale-{size}-slow-prometheus", slow),
        *_stage(f"scale-{size}-server-429", refused),
    ]


def _refused(bench: Bench) -> Seen:
    bench.server.refusing = True
    begun = time.monotonic()
    first = watch(*bench.running, cycles=2)
    time.sleep(max(0.0, _REFUSED_S - (time.monotonic() - begun)))
    bench.server.refusing = False
    after = watch(*bench.running, cycles=2)
    return Seen(
        cycles=first.cycles + after.cycles,
        cores=after.cores,
        rss_mb=resident_mb(bench.running[1]),
        writes=after.writes,
        queries_a_cycle=after.queries_a_cycle,
        lag=max(first.lag, after.lag),
    )


def _stage(name: str, seen: Seen) -> list[Result]:
    cycles = seen.cycles
    p99 = max(cycles) if len(cycles) < 100 else statistics.quantiles(cycles, n=100)[98]
    return [
        Result(f"{name}-cycle-p50", statistics.median(cycles), "s", {"cycles": len(cycles)}),
        Result(f"{name}-cycle-p99", p99, "s"),
        Result(f"{name}-cores", seen.cores, "cores"),
        Result(f"{name}-rss", seen.rss_mb, "MB"),
        Result(f"{name}-status-writes", seen.writes, "1/s"),
        Result(f"{name}-queries", seen.queries_a_cycle, "1/cycle"),
        Result(f"{name}-probe-slowest", seen.lag, "s"),
    ]


def side_by_side(found: dict[int, list[Result]]) -> str:
    """Return the figures of all sizes, a line each."""
    lines = [f"{'':<34}" + "".join(f"{size:>12}" for size in found)]
    for place, first in enumerate(next(iter(found.values()))):
        name = first.name.split("-", 2)[2]
        lines.append(
            f"{name + ' [' + first.unit + ']':<34}" + "".join(f"{each[place].value:>12.3g}" for each in found.values())
        )
    return "\n".join(lines)


def main() -> int:
    """Measure every size with one operator that grows."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), help="objectives, ascending")
    parser.add_argument("--measuring", choices=("direct", "recorded"), default="recorded")
    parsed = parser.parse_args()
    sizes: Sequence[int] = sorted(parsed.sizes)
    with session_folder(say, purpose="-scale") as folder, exposing(max(sizes)) as exposition:
        cluster = Cluster(folder, environment={k: v for k, v in os.environ.items() if k != "CLUSTER"}, tell=say)
        cluster.up(operator=False)
        cluster.kubectl("create", "namespace", mixed.NAMESPACE)
        rules = folder / "rules"
        rules.mkdir()
        prometheus = Prometheus(
            folder / "scaled",
            cluster.site.tool,
            cluster.site.supervisor,
            name="scaled",
            scrape_interval="15s",
            rules=(rules / "*.yaml",),
        )
        prometheus.add_target(mixed.JOB, exposition)
        prometheus.start()
        recorded = ("--measuring", "recorded", "--rules", "directory", "--rules-directory", str(rules))
        tls = ssl.create_default_context(cafile=str(folder / "certs" / "ca.crt"))
        server = kubeconfig.current_cluster(cluster.kubeconfig)["server"]
        bench = Bench(
            cluster,
            Proxy(prometheus.url),
            Proxy(server, tls),
            exposition,
            recorded if parsed.measuring == "recorded" else (),
        )
        bench.start(through_proxy=False)
        found: dict[int, list[Result]] = {}
        known = 0
        for size in sizes:
            found[size] = measure(bench, known, size)
            write(found[size])
            known = size
            print(side_by_side(found), flush=True)
        bench.prometheus.close()
        bench.server.close()
    say(f"{parsed.measuring} source; {mixed.__doc__}\nwritten to {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
