"""Prometheus fails in each of its ways: the reason says how, figure and level stay, and it heals by itself."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from e2e import truth
from e2e.cluster.cluster import Cluster
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.waiting import eventually
from e2e.disarming import disarm
from e2e.faulty import Fault, FaultyProxy
from e2e.truth import Board, condition, reason

SHARDS = 'shard=~"a|b"'
HELD = ("level", "levelSince", "budget", "sli", "counts", "measuredAt")

EXPECTED: dict[Fault, tuple[str, str]] = {
    Fault.SERVER_ERROR: ("QueryFailed", "answered 500: upstream is on fire"),
    Fault.PAGE: ("QueryFailed", "gave no answer of the Prometheus API: <html>"),
    Fault.TOO_MUCH: ("QueryFailed", "too much: "),
    Fault.SILENT: ("QueryFailed", "did not answer within 20 s"),
    Fault.CUT: ("QueryFailed", "cannot be reached"),
    Fault.TRUNCATED: ("QueryFailed", "gave no answer of the Prometheus API"),
    Fault.WARNINGS: ("Partial", "store gateway 2 did not answer"),
    Fault.HALF: ("SeriesLost", "1 of 2 series are left"),
}


@dataclass(frozen=True)
class Scene:
    """An objective that is measured through the proxy."""

    board: Board
    proxy: FaultyProxy

    def status(self) -> dict[str, Any]:
        return self.board.statuses()["web"]

    def becomes(self, why: str, timeout: float = 60) -> dict[str, Any]:
        eventually(lambda: reason(self.status()) == why, timeout, lambda: f"{why}: {self.status()}")
        return self.status()


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Iterator[Scene]:
    """Give an objective that has spent 60 % of its budget."""
    name = f"faults-{uuid.uuid4().hex[:8]}"
    prometheus = Prometheus(
        cluster.folder / name, cluster.site.tool, cluster.site.supervisor, name=name, scrape_interval="1s"
    )
    ratio = {"bad": f'bad_total{{job="web",{SHARDS}}}', "valid": f'all_total{{job="web",{SHARDS}}}'}
    spec = {"indicator": {"ratio": ratio}, "objective": {"target": 99}, "window": {"rolling": "30d"}}
    with LiveExporter() as exporter:

        def serve(good: float, bad: float) -> None:
            for shard in ("a", "b"):
                exporter.add("all_total", good + bad, shard=shard)
                exporter.add("bad_total", bad, shard=shard)

        serve(0, 0)
        prometheus.add_target("web", exporter.address)
        prometheus.start()
        cluster.kubectl("create", "namespace", name)
        with FaultyProxy(prometheus.url, (SHARDS, 'shard=~"a"')) as proxy:
            flags = ("--cycle-interval", "2s", "--query-offset", "1s")
            settings = OperatorSettings(proxy.url, (name,), flags)
            operator = OperatorProcess(cluster.site, settings, f"operator-{name}")
            try:
                operator.start()
                manifest = truth.manifest(name, "web", spec)
                cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(manifest))
                given = Scene(Board(cluster.kubectl, name), proxy)
                eventually(lambda: reason(given.status()) in ("Measured", "NoTraffic"), 60)
                serve(9_940, 60)
                eventually(lambda: given.status().get("level") == "Depleting", 60, lambda: str(given.status()))
                yield given
            finally:
                operator.stop()
                disarm(cluster)
                prometheus.stop()
                cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("fault", EXPECTED, ids=lambda fault: fault.name.lower())
def test_a_fault_has_its_reason_changes_nothing_and_heals(fault: Fault, scene: Scene) -> None:
    why, words = EXPECTED[fault]
    before = scene.becomes("Measured")

    scene.proxy.fault = fault
    held = scene.becomes(why)

    assert words in condition(held)["message"]
    assert "stay as they are" in condition(held)["message"]
    for field in HELD[:3]:
        assert held[field] == before[field], field
    assert f"({why})" in scene.board.row("web")
    later = scene.status()
    assert [later[field] for field in HELD] == [held[field] for field in HELD]

    scene.proxy.fault = Fault.NONE
    healed = scene.becomes("Measured")
    assert (healed["level"], healed["budget"]) == (before["level"], before["budget"])
