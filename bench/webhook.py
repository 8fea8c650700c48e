"""What a verdict costs, what the webhook costs over TLS, and what it costs a request to the API server."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from bench import gates
from bench.asking import Taken, closed_loop, steady
from bench.results import Result, median, of_runs
from e2e.api import OPERATOR, Api
from e2e.api import gates as gate_path
from e2e.cluster.cluster import Cluster
from e2e.cluster.progress import Say
from e2e.cluster.session import session_folder
from e2e.cluster.waiting import eventually
from e2e.cluster.webhook_process import Certificates, WebhookProcess
from e2e.frozen import Frozen
from frostline.api import gated
from frostline.core.verdict import judge
from frostline.webhook.review import read

GATES: Final = 10_000
_JUDGED: Final = 5_000
_ROUNDS: Final = 5
_CONNECTIONS: Final = (1, 8, 64)
_LOOP_S: Final = 2.0
_RATE: Final = 200.0
_STEADY_S: Final = 5.0
_STEADY_CONNECTIONS: Final = 8
_REQUESTS: Final = 300
_CONFIGURATIONS: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
_VERDICTS: Final = {"refusal": "v11", "rollback": "v3", "no-release": gates.RUNS}


@dataclass(frozen=True)
class _Server:
    """A process that listens."""

    port: int
    pid: int


@dataclass(frozen=True)
class _Round:
    """What one round of requests took, for who asked and for the server's processor."""

    taken: Taken
    cpu_us: float


def run(tell: Say) -> list[Result]:
    """Measure all of it."""
    results = _verdicts()
    tell("  the webhook over TLS, beside a handler that only answers")
    results += _over_tls()
    tell("  requests to an API server, with and without the webhook")
    with session_folder(tell, purpose="-bench") as folder:
        cluster = Cluster(folder, environment={key: os.environ[key] for key in ("PATH", "HOME")}, tell=tell)
        cluster.up(operator=False)
        results += _through_the_api_server(cluster)
        tell(f"  an index of {GATES} gates")
        results += _full_index(cluster, tell)
    return results


def _verdicts() -> list[Result]:
    gate = gated.gate(gates.gate(0))
    results = []
    for name, version in _VERDICTS.items():
        change = read(orjson.dumps(gates.review(0, version))).change
        if change is None:
            raise TypeError("the bench's own review is about a kind without gates")
        seconds = [_timed(lambda judged=change: judge(gate, judged)) for _ in range(_JUDGED)]  # type: ignore[misc]
        results.append(Result(f"verdict-{name}", median(seconds) * 1e6, "µs", {"why": str(judge(gate, change).why)}))
    return results


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@contextmanager
def _server(which: str, certificate: Path, key: Path) -> Iterator[_Server]:
    argv = [sys.executable, "-m", "bench.webhook_server", which, str(certificate), str(key)]
    root = Path(__file__).resolve().parent.parent
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise TypeError("pipes were asked for")
        yield _Server(int(process.stdout.readline()), process.pid)
        process.stdin.close()


def _over_tls() -> list[Result]:
    made = Certificates.made()
    body = orjson.dumps(gates.review(0, "v11"))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        certificate, key = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        certificate.write_bytes(made.certificate)
        key.write_bytes(made.key)
        asked = {which: servers.enter_context(_server(which, certificate, key)) for which in ("webhook", "trivial")}
        results = []
        for connections in _CONNECTIONS:
            taken = _in_turn(
                lambda port, many=connections: closed_loop(port, made.authority, body, many, _LOOP_S),  # type: ignore[misc]
                asked,
            )
            results += _compared(f"webhook-{connections}-connections", taken)
        taken = _in_turn(
            lambda port: steady(port, made.authority, body, _STEADY_CONNECTIONS, rate=_RATE, seconds=_STEADY_S), asked
        )
        return results + _compared(f"webhook-at-{_RATE:.0f}-per-second", taken)


def _in_turn(ask: Callable[[int], Any], servers: dict[str, _Server]) -> dict[str, list[_Round]]:
    """Ask the servers in turn, so that what else the machine does meets them alike."""
    rounds: dict[str, list[_Round]] = {which: [] for which in servers}
    for number in range(_ROUNDS + 1):
        for which, server in servers.items():
            before = _cpu_s(server.pid)
            taken = asyncio.run(ask(server.port))
            # The first round warms up.
            if number:
                rounds[which].append(_Round(taken, (_cpu_s(server.pid) - before) / len(taken.seconds) * 1e6))
    return rounds


def _compared(name: str, rounds: dict[str, list[_Round]]) -> list[Result]:
    ours, theirs = rounds["webhook"], rounds["trivial"]
    detail = {
        "cpu_us": median([each.cpu_us for each in ours]),
        "trivial_cpu_us": median([each.cpu_us for each in theirs]),
        "per_second": median([each.taken.per_second for each in ours]),
        "rounds": _ROUNDS,
    }
    results = []
    for figure in ("p50", "p99"):
        one, other = ([getattr(each.taken, figure) for each in side] for side in (ours, theirs))
        ratio = median([mine / its for mine, its in zip(one, other, strict=True)])
        compared = {"trivial_ms": median(other) * 1e3, "ratio": ratio}
        results.append(Result(f"{name}-{figure}", median(one) * 1e3, "ms", compared | detail))
    return results


def _cpu_s(pid: int) -> float:
    """Return the seconds that a process has had of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _through_the_api_server(cluster: Cluster) -> list[Result]:
    """Set an image as a dry run: a rollback, which passes, so that both ways end alike."""
    process = WebhookProcess(cluster.site, "webhook")
    process.start()
    api = Api(cluster)
    cluster.kubectl("create", "namespace", "bench")
    frozen = Frozen(api, "bench")
    frozen.make()
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(_ROUNDS):
        api("POST", _CONFIGURATIONS, process.configuration())
        frozen.known_to(process)
        seconds["with"] += [_timed(lambda: frozen.release("web:1")) for _ in range(_REQUESTS // _ROUNDS)]
        api("DELETE", f"{_CONFIGURATIONS}/frostline")
        eventually(lambda: frozen.release().status == 200, describe="the API server asks nobody")
        seconds["without"] += [_timed(lambda: frozen.release("web:1")) for _ in range(_REQUESTS // _ROUNDS)]
    api.close()
    process.stop()
    with_it, without = median(seconds["with"]), median(seconds["without"])
    detail = of_runs(seconds["with"], without_ms=without * 1e3, ratio=with_it / without)
    return [Result("webhook-through-api-server", with_it * 1e3, "ms", detail)]


def _full_index(cluster: Cluster, tell: Say) -> list[Result]:
    empty = WebhookProcess(cluster.site, "webhook-empty")
    empty.start()
    memory_before = _megabytes(empty)
    empty.stop()
    _write_gates(cluster, tell)
    process = WebhookProcess(cluster.site, "webhook-full")
    begun = time.monotonic()
    process.start(wait=False)
    eventually(lambda: process.readiness()[0] == 200, 300, "the index is full", interval=0.05)
    taken = time.monotonic() - begun
    cpu = _cpu_s(process.pid or 0)
    known = process.metric("gates")
    memory = _megabytes(process)
    process.stop()
    if known < GATES:
        raise RuntimeError(f"the index has {known:.0f} of {GATES} gates")
    size = len(orjson.dumps(gates.gate(0)))
    return [
        Result("webhook-index-start", taken, "s", {"gates": GATES, "bytes_each": size, "cpu_s": cpu}),
        Result("webhook-index-memory", memory - memory_before, "MB", {"gates": GATES, "process": memory}),
    ]


def _write_gates(cluster: Cluster, tell: Say) -> None:
    for number in range(gates.NAMESPACES):
        Api(cluster)("POST", "/api/v1/namespaces", {"metadata": {"name": f"bench-{number}"}})
    begun = time.monotonic()

    def write(numbers: range) -> None:
        api = Api(cluster)
        for number in numbers:
            manifest = gates.gate(number)
            del manifest["metadata"]["resourceVersion"]
            made = api("POST", gate_path(manifest["metadata"]["namespace"]), manifest, user=OPERATOR)
            if made.status != 201:
                raise RuntimeError(f"a gate cannot be written: {made.message}")
        api.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, (range(first, GATES, 4) for first in range(4))))
    tell(f"  wrote {GATES} gates in {time.monotonic() - begun:.0f} s")


def _megabytes(process: WebhookProcess) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [each for each in status.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
