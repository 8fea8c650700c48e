"""One operator with more and more objectives, on a real API server and a real Prometheus: `python -m bench.scale`.

Each size is looked at in steady state, while half of the fleet degrades, after a kill -9, with a Prometheus that takes
twice as long, and while the API server answers 429. There is no history: windows fill up as the bench goes on.
"""

import argparse
import contextlib
import itertools
import os
import re
import shutil
import ssl
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench import mixed
from bench.exact import WITHIN, Exact
from bench.exposition import Exposition, exposing
from bench.observed import Seen, cpu_seconds, rule_seconds, rules_missed, scrape, watch
from bench.proxies import Proxy
from bench.results import FOLDER, Result, shown, table, write
from e2e.api import Api
from e2e.cluster import kubeconfig
from e2e.cluster.cluster import Cluster
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings, credentials_file, ensure_credentials
from e2e.cluster.progress import say
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.session import session_folder
from frostline.controller.writing import WRITES_PER_S

SIZES: Final = (100, 1_000, 10_000)
_CREATORS: Final = 8
_CYCLES: Final = 3
_INTERVAL_S: Final = 30.0
_SETTLING_S: Final = 20.0
_YOUNG_S: Final = 600.0
_PATIENCE_S: Final = 600.0
"""What a fleet is given to be measured, or to have its budgets back."""
_REFUSED_S: Final = 30.0
_DEGRADED: Final = 60.0
"""Times as many bad events as before."""
_RESTARTED_S: Final = 240.0
_SHOWN: Final = 5
_CALM_S: Final = 330.0
"""After a burst: rules average five minutes, and a fleet that grows moves rules to other groups meanwhile."""
_MANY: Final = 2_000
"""From so many objectives on rules are evaluated every minute: 30,000 rules in 30 s keep two cores busy alone."""
_STRETCHED: Final = ("interval: 30s", "interval: 1m")
_RULE: Final = re.compile(r"^  - (?:record|alert): ", re.MULTILINE)
_HEALTH: Final = "- name: frostline-health"
"""The last group of those that are shared: it watches Frostline, not promises."""
_PARTS: Final = {"scaled": "prometheus", "kube-apiserver": "apiserver"}
_SLOS: Final = f"/apis/frostline.dev/v1alpha1/namespaces/{mixed.NAMESPACE}/servicelevelobjectives"
_DEPLOYMENTS: Final = f"/apis/apps/v1/namespaces/{mixed.NAMESPACE}/deployments"


@dataclass
class Bench:
    """What runs: a cluster, a Prometheus and an API server, each behind a proxy, and one operator."""

    cluster: Cluster
    prometheus: Prometheus
    slow: Proxy
    refusing: Proxy
    exposition: Exposition
    rules: Path
    served: Path
    operator: OperatorProcess

    @property
    def running(self) -> tuple[str, int]:
        """URL and process id of the operator."""
        return self.operator.url, self.pid("operator")

    def pid(self, name: str) -> int:
        """Return the process id of a part."""
        record = self.cluster.site.processes.running(name)
        if record is None:
            raise TimeoutError(f"{name} does not run: {self.cluster.site.processes.log(name).read_text()[-2_000:]}")
        return record.pid

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

    def start(self) -> float:
        """Start the operator; return the second at which it was, by the monotonic clock."""
        self.operator.start(wait=False)
        return time.monotonic()

    def wait_measured(self, size: int, begun: float) -> float:
        """Wait until so many objectives are measured; return the seconds since `begun`."""
        while time.monotonic() - begun < _PATIENCE_S:
            self._serve(size)
            seen = scrape(self.operator.url)
            if seen is not None and seen.measured >= size:
                return time.monotonic() - begun
            time.sleep(_pause(size))
        raise TimeoutError(f"{size} objectives were not measured within {_PATIENCE_S:g} s")

    def _serve(self, size: int) -> None:
        """Give the rules that the operator wrote to Prometheus, of many objectives at another interval."""
        for path in self.rules.glob("*.yaml"):
            text = path.read_text()
            served = self.served / path.name
            text = text.replace(*_STRETCHED) if size >= _MANY else text
            if not served.exists() or served.read_text() != text:
                served.with_suffix(".new").write_text(text)
                served.with_suffix(".new").replace(served)
        for path in self.served.glob("*.yaml"):
            if not (self.rules / path.name).exists():
                path.unlink()

    def restart(self) -> Iterator[Result]:
        """Kill the operator; yield the seconds until another one has every budget right, and how many never were."""
        exact = Exact(self.exposition.counters, self._first_scrape())
        before = scrape(self.operator.url)
        if before is None or not before.remaining:
            raise TimeoutError("the operator does not answer, or has no budgets")
        wrong = exact.compare(before.remaining, time.time())
        _tell("before it", wrong)
        yield Result("wrong-before", len(wrong), "budgets", {"of": len(before.remaining), "within": WITHIN})
        self.operator.kill()
        begun = self.start()
        left = dict.fromkeys(before.remaining, "nothing is told")
        while left and time.monotonic() - begun < _RESTARTED_S:
            time.sleep(_pause(len(before.remaining)))
            now = scrape(self.operator.url)
            told = {} if now is None else now.remaining
            left = dict.fromkeys(before.remaining.keys() - told.keys(), "nothing is told")
            left |= exact.compare(told, time.time())
        _tell("after it", left)
        yield Result("right", time.monotonic() - begun, "s", {"within": WITHIN, "never": len(left)})

    def _first_scrape(self) -> float:
        found = self.prometheus.query(f'min_over_time(timestamp(up{{job="{mixed.JOB}"}})[1d:15s])')
        return float(found[0]["value"][1])

    def look(self, cycles: int = _CYCLES) -> Seen:
        """Look at so many cycles; at less when they take longer than their interval."""
        return watch(*self.running, cycles=cycles, at_most_s=(cycles + 1) * _INTERVAL_S)


def _pause(size: int) -> float:
    # A scrape is a second of the operator's time where there are ten thousand.
    return 1.0 + size / 1_000


def _tell(when: str, wrong: Mapping[str, str]) -> None:
    for labels in sorted(wrong)[:_SHOWN]:
        say(f"  not right {when}: {labels}: {wrong[labels]}")


def _made(api: Api, path: str, manifest: dict[str, Any]) -> None:
    answer = api("POST", path, manifest)
    if answer.status not in (201, 409):
        raise RuntimeError(f"{path} answers {answer.status}: {answer.message}")


def measure(bench: Bench, known: int, size: int) -> Iterator[Result]:
    """Yield the figures of one size as they come, where there are `known` objectives before."""
    name = f"scale-{size}"
    created = bench.create(known, size)
    yield Result(f"{name}-created", created, "1/s")
    yield Result(f"{name}-measured-after", bench.wait_measured(size, bench.start()), "s", {"rules": "new"})
    # Statuses that were put off are written by and by, and what young rules did not see is read around them, of a
    # large fleet in turn: no part of the steady state.
    young = _YOUNG_S if size >= _MANY else 0.0
    watch(*bench.running, at_most_s=max(young, _SETTLING_S + size / WRITES_PER_S / 8))
    missed = rules_missed(bench.prometheus.url)
    began = {part: cpu_seconds(bench.pid(part)) for part in _PARTS}
    begun = time.monotonic()
    yield from _stage(f"{name}-steady", bench.look())
    for part, cpu in began.items():
        passed = time.monotonic() - begun
        yield Result(f"{name}-steady-{_PARTS[part]}-cores", (cpu_seconds(bench.pid(part)) - cpu) / passed, "cores")
    yield from _rules(name, bench, size, missed)
    bench.slow.slowness = 2.0
    yield from _stage(f"{name}-slow-prometheus", bench.look(2))
    bench.slow.slowness = 1.0
    yield from _stage(f"{name}-server-429", _refused(bench))
    for each in bench.restart():
        yield replace(each, name=f"{name}-restart-{each.name}")
    yield Result(f"{name}-measured-again-after", bench.wait_measured(size, time.monotonic()), "s")
    bench.exposition.degrade(_DEGRADED, size)
    yield from _stage(f"{name}-half-degraded", bench.look())
    bench.exposition.degrade(1.0, size)


def _rules(name: str, bench: Bench, size: int, missed: float) -> Iterator[Result]:
    own = sum(len(_RULE.findall(path.read_text())) for path in bench.rules.glob("*-slos*.yaml"))
    shared = [path.read_text().partition(_HEALTH) for path in bench.rules.glob("*-shared*.yaml")]
    by_all, of_ours = (sum(len(_RULE.findall(text[part])) for text in shared) for part in (0, 2))
    yield Result(f"{name}-rules-per-slo", own / size, "rules", {"shared_by_all": by_all, "of_our_health": of_ours})
    left_out = rules_missed(bench.prometheus.url) - missed
    yield Result(
        f"{name}-rules-evaluated-in",
        rule_seconds(bench.prometheus.url),
        "s",
        {"left_out": left_out, "every_s": 60 if size >= _MANY else 30},
    )


def _refused(bench: Bench) -> Seen:
    bench.refusing.refusing = True
    during = watch(*bench.running, at_most_s=_REFUSED_S)
    bench.refusing.refusing = False
    after = bench.look(1)
    return Seen(
        cycles=during.cycles + after.cycles,
        cores=during.cores,
        rss_mb=after.rss_mb,
        writes=after.writes,
        queries_a_cycle=after.queries_a_cycle,
        lag=max(during.lag, after.lag),
    )


def _stage(name: str, seen: Seen) -> Iterator[Result]:
    cycles = seen.cycles
    p99 = max(cycles) if len(cycles) < 100 else statistics.quantiles(cycles, n=100)[98]
    yield Result(f"{name}-cycle-p50", statistics.median(cycles), "s", {"cycles": len(cycles)})
    yield Result(f"{name}-cycle-p99", p99, "s", {"cycles": len(cycles)})
    yield Result(f"{name}-cores", seen.cores, "cores")
    yield Result(f"{name}-rss", seen.rss_mb, "MB")
    yield Result(f"{name}-status-writes", seen.writes, "1/s")
    yield Result(f"{name}-queries", seen.queries_a_cycle, "1/cycle")
    yield Result(f"{name}-probe-slowest", seen.lag, "s")


def side_by_side(found: Mapping[int, Sequence[Result]]) -> str:
    """Return the figures of all sizes, a line each."""
    lines = [f"{'':<40}" + "".join(f"{size:>12}" for size in found)]
    for row in zip(*found.values(), strict=True):
        what = f"{row[0].name.split('-', 2)[2]} [{row[0].unit}]"
        lines.append(f"{what:<40}" + "".join(f"{shown(each.value):>12}" for each in row))
    return "\n".join(lines)


@contextlib.contextmanager
def _bench(folder: Path, exposition: Exposition) -> Iterator[Bench]:
    cluster = Cluster(folder, environment={k: v for k, v in os.environ.items() if k != "CLUSTER"}, tell=say)
    cluster.up(operator=False)
    cluster.kubectl("create", "namespace", mixed.NAMESPACE)
    rules, served = folder / "rules", folder / "served"
    rules.mkdir()
    served.mkdir()
    prometheus = Prometheus(
        folder / "scaled",
        cluster.site.tool,
        cluster.site.supervisor,
        name="scaled",
        scrape_interval="15s",
        rules=(served / "*.yaml",),
    )
    prometheus.add_target(mixed.JOB, exposition.address)
    prometheus.start()
    tls = ssl.create_default_context(cafile=str(folder / "certs" / "ca.crt"))
    slow = Proxy(prometheus.url)
    refusing = Proxy(kubeconfig.current_cluster(cluster.kubeconfig)["server"], tls)
    flags = ("--measuring", "recorded", "--rules", "directory", "--rules-directory", str(rules))
    proxied = ("--kubeconfig", str(_proxied(cluster, refusing.url)))
    operator = OperatorProcess(cluster.site, OperatorSettings(slow.url, (), (*flags, *proxied)), "operator")
    try:
        yield Bench(cluster, prometheus, slow, refusing, exposition, rules, served, operator)
    finally:
        FOLDER.mkdir(parents=True, exist_ok=True)
        if operator.log.exists():
            shutil.copy(operator.log, FOLDER / "scale-operator.log")
        slow.close()
        refusing.close()


def _proxied(cluster: Cluster, url: str) -> Path:
    ensure_credentials(cluster.site)
    token = kubeconfig.load(credentials_file(cluster.site))["users"][0]["user"]["token"]
    path = cluster.folder / "proxied.kubeconfig"
    kubeconfig.write(path, kubeconfig.render("operator", {"server": url}, {"token": token}))
    return path


def main() -> int:
    """Measure every size, each beside the ones before it."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), help="objectives, ascending")
    sizes: Sequence[int] = sorted(parser.parse_args().sizes)
    found: dict[int, list[Result]] = {}
    with (
        session_folder(say, purpose="-scale") as folder,
        exposing(max(sizes)) as exposition,
        _bench(folder, exposition) as bench,
    ):
        for known, size in itertools.pairwise((0, *sizes)):
            say(f"{size} objectives")
            begun = time.monotonic()
            found[size] = []
            for each in measure(bench, known, size):
                say(f"  {time.monotonic() - begun:5.0f} s  {table([each])}")
                found[size].append(each)
                write([each])
            if size < sizes[-1]:
                watch(*bench.running, at_most_s=_CALM_S)
            bench.operator.stop()
    say(
        f"\n{side_by_side(found)}\n\nrecorded source, real rules (rules-evaluated-in tells how often);"
        f" written to {FOLDER}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
