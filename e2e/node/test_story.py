"""The demo's story with nothing simulated: pods that answer, pods that measure, pods that refuse."""

from collections.abc import Callable

from e2e.cluster.waiting import eventually
from e2e.demo.freeze import Freeze
from e2e.demo.history import History
from e2e.demo.screen import Screen
from e2e.demo.soulsync import WORKLOADS
from e2e.demo.spending import Spending
from e2e.demo.stage import NAMESPACE, Stage
from e2e.node.helm import FAST, Release
from e2e.node.prober import ask_prometheus
from e2e.node.soulsync import Reached, SoulSyncPods
from e2e.node.spent import BYPASS


def test_a_budget_is_spent_a_release_refused_and_the_freeze_lifted(
    release: Release, prometheus: str, past: History, tell: Callable[[str], None]
) -> None:
    kubectl = release.kubectl
    release.install(prometheus, FAST)
    app = SoulSyncPods(kubectl)
    screen = Screen()
    stage = Stage(Reached.of(release.cluster), screen)
    try:
        app.deploy()
        eventually(
            lambda: {each["metric"]["job"] for each in ask_prometheus(kubectl, "up == 1")} >= set(WORKLOADS),
            60,
            "Prometheus scrapes the pods",
        )
        app.promise()
        Spending(stage, app).tell(past)
        Freeze(stage, app).tell()
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false", *BYPASS)
    tell(f"  the story, from pods to the lift: {screen.elapsed:.0f} s")
