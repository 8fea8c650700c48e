"""The first quarter of an hour of a platform team: helm install, a promise, its first status."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from bench.results import Result, write
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.node.helm import NAMESPACE, OPERATOR, Release, ready
from e2e.node.prober import Usage, usages
from e2e.node.spent import Spent

VERSION = ("frostline", "--version")
IDLE_SECONDS = 30.0
# The chart's limit of a webhook; the operator may have twice that.
MOST_MEGABYTES = 256.0


def test_a_promise_has_a_status_soon_after_helm_install_with_default_values(
    kubectl: Kubectl, release: Release, prometheus: str, spent: Spent, tell: Callable[[str], None]
) -> None:
    if release.installed():
        release.uninstall()
    began = time.monotonic()

    release.install(prometheus)
    installed = time.monotonic() - began
    spent.promise()
    sli = eventually(lambda: str(spent.status().get("sli", "")), 90, spent.describe)

    first = time.monotonic() - began
    tell(f"  helm install --wait: {installed:.1f} s; first status: {first:.1f} s after its start")
    write([Result("node-helm-install", installed, "s"), Result("node-first-status", first, "s")])
    assert [len(release.pods(each)) for each in ("operator", "webhook")] == [2, 3]
    assert all(ready(pod) for each in ("operator", "webhook") for pod in release.pods(each))
    assert float(sli) < 99
    _tell_start(kubectl, tell)
    _tell_usage(kubectl, tell)


def _tell_start(kubectl: Kubectl, tell: Callable[[str], None]) -> None:
    """Print how long the command needs in its container, the way there taken off."""
    place = ("exec", f"deploy/{OPERATOR}", "-n", NAMESPACE, "--")
    way, whole = (min(_timed(kubectl, *place, *command) for _ in range(3)) for command in (("true",), VERSION))
    tell(f"  `{' '.join(VERSION)}` in its container: {whole - way:.2f} s")
    write([Result("node-version-in-container", whole - way, "s")])


def _timed(kubectl: Kubectl, *arguments: str) -> float:
    began = time.monotonic()
    kubectl(*arguments)
    return time.monotonic() - began


def _tell_usage(kubectl: Kubectl, tell: Callable[[str], None]) -> None:
    """Print what each pod uses while little goes on: one promise, one frozen workload, nobody who releases."""
    running = len(json.loads(kubectl("get", "pods", "-n", NAMESPACE, "-o", "json").stdout)["items"])
    before = eventually(lambda: _all(usages(kubectl, NAMESPACE), running), 60, "the kubelet tells of all pods")
    after = eventually(
        lambda: _later(before, usages(kubectl, NAMESPACE), IDLE_SECONDS), 120, "the kubelet has looked again"
    )
    figures: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, usage in sorted(after.items()):
        seconds = (usage.at - before[name].at).total_seconds()
        cores = (usage.cpu_seconds - before[name].cpu_seconds) / seconds
        tell(f"  idle: {name}: {cores * 1000:.0f} m CPU over {seconds:.0f} s, {usage.memory_mb:.0f} MB")
        # Pods of one Deployment differ in the two last parts of their names.
        pod = "-".join(name.split("-")[:-2])
        figures[pod].append((cores * 1000, usage.memory_mb))
        assert usage.memory_mb < MOST_MEGABYTES
    for pod, seen in figures.items():
        most = {"pods": len(seen), "most m CPU": max(cpu for cpu, _ in seen)}
        write([Result(f"node-idle-{pod}", max(memory for _, memory in seen), "MB", most)])


def _all(found: Mapping[str, Usage], count: int) -> Mapping[str, Usage]:
    return found if len(found) == count else {}


def _later(before: Mapping[str, Usage], now: Mapping[str, Usage], seconds: float) -> Mapping[str, Usage]:
    """Return what is there now, once each figure is so many seconds younger than before."""
    old = all(name in now and (now[name].at - before[name].at).total_seconds() >= seconds for name in before)
    return now if old else {}
