"""A night with a real Alertmanager: who is woken, how often, by what; with no operator anywhere.

Prometheus evaluates what `frostline rules` prints, Alertmanager goes by the configuration that docs/alerts.md
recommends. Both run ten times as fast as written: a rule each 3 s in place of 30 s, and so on. Windows stay as long.
"""

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import yaml

from e2e.cluster.alertmanager import Alertmanager, Notification, Receiver
from e2e.cluster.cluster import Cluster
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.progress import say
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.state import REPOSITORY
from e2e.cluster.tools import Finder
from e2e.cluster.waiting import eventually
from e2e.histories import CounterSeries, Counts, FloatSeries, GaugeSeries, Seconds, openmetrics
from frostline.core.durations import parse_duration
from frostline.names import Recorded

FASTER: Final = 10
HOUR: Final = 3_600
STEP: Final = 30
JOURNEY: Final = "buy a ticket"
BROKEN: Final = ("availability", "latency", "quality")
FAST, SLOW = "FrostlineBudgetBurnsFast", "FrostlineBudgetBurnsSlowly"
ABSENT: Final = "FrostlineOperatorAbsent"

# Which counters, and what else its manifest says.
OBJECTIVES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    **{name: ("shop", {"journey": JOURNEY, "tier": 1, "owner": "team-shop"}) for name in BROKEN},
    "unwatched": ("shop", {"journey": JOURNEY, "alerting": {"profile": "None"}}),
    "leaking": ("search", {"journey": "search", "tier": 2}),
    "at-night": ("night", {"journey": "night owls", "tier": 1}),
    "few-users": ("night", {"journey": "few users", "tier": 1, "alerting": {"minimumBad": 2}}),
}


@dataclass(frozen=True)
class Night:
    """What was seen while everything was well, while the journey was broken, and when that was over."""

    pages_before: list[Notification]
    pages: list[Notification]
    tickets: list[Notification]
    held: list[dict[str, Any]]
    alerts: list[dict[str, str]]
    burning: list[dict[str, str]]
    pages_after: list[Notification]


@pytest.fixture(scope="module")
def alertmanager(cluster: Cluster) -> Iterator[tuple[Alertmanager, Receiver]]:
    """Give an Alertmanager with the recommended configuration, and whom it tells."""
    cluster.site.link_tools(Finder(os.environ, say).find(["alertmanager", "amtool"]).values())
    with Receiver() as receiver:
        told = {name: f"http://{receiver.address}/{name}" for name in ("pager", "tracker")}
        config = recommended()
        for name, url in told.items():
            assert config.count(f"http://{name}.example/") == 1
            config = config.replace(f"http://{name}.example/", url)
        name = "alertmanager"
        site = cluster.site
        given = Alertmanager(cluster.folder / name, site.tool, site.supervisor, hastened(config), name=name)
        try:
            given.start()
            yield given, receiver
        finally:
            given.stop()


@pytest.fixture(scope="module")
def night(
    cluster: Cluster,
    kubectl: RunsKubectl,
    alertmanager: tuple[Alertmanager, Receiver],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Night]:
    """Let a night pass: requests fail here and there, a journey breaks, and is well again."""
    folder = tmp_path_factory.mktemp("night")
    manifests = folder / "slo.yaml"
    manifests.write_text(yaml.safe_dump_all(map(manifest, OBJECTIVES)))
    # The API server takes them, and nobody watches them there.
    kubectl("apply", "--dry-run=server", "-f", str(manifests))
    rules = folder / "rules.yaml"
    rules.write_text(hastened(printed(manifests)))
    teller, receiver = alertmanager
    prometheus = Prometheus(
        cluster.folder / "prometheus-of-the-night",
        cluster.site.tool,
        cluster.site.supervisor,
        name="prometheus-of-the-night",
        scrape_interval="1s",
        rules=(rules,),
        alertmanagers=(teller.address,),
    )
    with LiveExporter() as exporter:
        history = folder / "history.openmetrics"
        history.write_text(openmetrics(before(exporter)))
        prometheus.add_target("web", exporter.address)
        try:
            prometheus.write_history(history)
            yield passed(prometheus, exporter, teller, receiver)
        finally:
            prometheus.stop()


def passed(prometheus: Prometheus, exporter: LiveExporter, teller: Alertmanager, receiver: Receiver) -> Night:
    """Let the journey break when everything is measured, and be well again when somebody was woken."""
    hour = f'{Recorded.BURN_LIMIT}{{pair="1h"}}'

    def measured() -> bool:
        names = [each["name"] for each in labels(prometheus, Recorded.BURN_1H)]
        limited = [each["name"] for each in labels(prometheus, hour)]
        return sorted(names) == sorted(OBJECTIVES) and sorted([*limited, "unwatched"]) == sorted(OBJECTIVES)

    def woken(journey: str, status: str = "firing") -> bool:
        return any(each["status"] == status for each in of_journey(receiver.told("/pager"), journey))

    eventually(measured, 60, lambda: str(prometheus.query(Recorded.BURN_1H)))
    eventually(lambda: woken("few users"), 60, lambda: str(prometheus.query(Recorded.BAD_EVENTS_1H)))
    pages_before = receiver.told("/pager")

    # Bad events are counted at each full minute, which does not pass faster.
    eventually(lambda: 45 < time.time() % 60 < 55, 60)
    exporter.add("bad_total", 10_000, of="shop")
    exporter.add("all_total", 20_000, of="shop")
    slow = (f'alertname="{SLOW}"', f'journey="{JOURNEY}"')
    eventually(lambda: woken(JOURNEY), 120, lambda: str(labels(prometheus, "ALERTS")))
    eventually(lambda: len(teller.alerts(*slow)) == len(BROKEN), 60, lambda: str(labels(prometheus, "ALERTS")))
    eventually(lambda: of_journey(receiver.told("/tracker"), "search"), 60, lambda: str(teller.alerts()))
    pages, tickets, held = receiver.told("/pager"), receiver.told("/tracker"), teller.alerts()
    alerts = labels(prometheus, "ALERTS")
    burning = labels(prometheus, f"{Recorded.BURN_1H} > ignoring(pair) {hour}")

    exporter.add("all_total", 100_000_000, of="shop")
    eventually(lambda: woken(JOURNEY, "resolved"), 90, lambda: str(labels(prometheus, "ALERTS")))
    return Night(pages_before, pages, tickets, held, alerts, burning, receiver.told("/pager"))


def test_amtool_takes_the_recommended_configuration(alertmanager: tuple[Alertmanager, Receiver]) -> None:
    said = alertmanager[0].check()

    assert "SUCCESS" in said
    assert "3 inhibit rules" in said
    assert "2 receivers" in said


def test_one_outage_of_a_journey_is_one_page(night: Night) -> None:
    (page,) = of_journey(night.pages, JOURNEY)

    assert page["groupLabels"] == {"namespace": "default", "journey": JOURNEY, "severity": "page"}
    assert {each["labels"]["name"] for each in page["alerts"]} == set(BROKEN)
    assert page["commonLabels"]["alertname"] == FAST
    for each in page["alerts"]:
        said = each["annotations"]
        assert said["summary"].startswith(f"{JOURNEY} fails its users: default/{each['labels']['name']} burns its ")
        assert "team-shop answers for it" in said["description"]
        assert said["runbook_url"].endswith(f"#{FAST.lower()}")
        assert f"var-name={each['labels']['name']}" in said["dashboard_url"]


def test_it_resolves_by_itself(night: Night) -> None:
    told = of_journey(night.pages_after, JOURNEY)

    assert len({each["groupKey"] for each in told}) == 1
    assert told[-1]["status"] == "resolved"
    assert {each["labels"]["name"] for each in told[-1]["alerts"] if each["status"] == "resolved"} == set(BROKEN)


def test_a_page_silences_the_tickets_of_its_journey(night: Night) -> None:
    tickets = [each for each in night.held if each["labels"]["alertname"] == SLOW]
    ours = [each for each in tickets if each["labels"]["journey"] == JOURNEY]
    others = [each for each in tickets if each["labels"]["journey"] == "search"]

    assert {each["labels"]["name"] for each in ours} == set(BROKEN)
    assert all(each["status"]["state"] == "suppressed" and each["status"]["inhibitedBy"] for each in ours)
    assert of_journey(night.tickets, JOURNEY) == []
    assert [each["status"]["state"] for each in others] == ["active"]
    assert [each["status"] for each in of_journey(night.tickets, "search")] == ["firing"]


def test_three_bad_requests_at_night_page_nobody_but_who_asked_for_it(night: Night) -> None:
    assert {"at-night", "few-users"} <= {each["name"] for each in night.burning}
    assert of_journey(night.pages_after, "night owls") == []
    assert {each["groupLabels"]["journey"] for each in night.pages_before} == {"few users"}
    assert {each["groupLabels"]["journey"] for each in night.pages} == {"few users", JOURNEY}


def test_an_objective_without_alerts_has_none(night: Night) -> None:
    assert "unwatched" not in {each.get("name") for each in night.alerts}


def test_all_this_without_an_operator(night: Night) -> None:
    assert {each["alertname"] for each in night.alerts if each["alertname"] == ABSENT} == {ABSENT}


def recommended() -> str:
    """Return the configuration that the documentation shows."""
    _, _, after = (REPOSITORY / "docs" / "alerts.md").read_text().partition("\n## Alertmanager")
    found = re.search(r"(?:^ {4}.*\n)+", after, re.MULTILINE)
    assert found
    return textwrap.dedent(found[0])


def hastened(text: str) -> str:
    """Let intervals, what alerts wait for, and what Alertmanager waits for, pass ten times as fast."""

    def faster(found: re.Match[str]) -> str:
        return f"{found[1]}: {int(parse_duration(found[2]).total_seconds() * 1_000 / FASTER)}ms"

    return re.sub(r"\b(interval|for|group_wait|group_interval|repeat_interval): (\w+)", faster, text)


def printed(manifests: Path) -> str:
    """Return what `frostline rules` prints."""
    argv = [sys.executable, "-m", "frostline.cli.main", "rules", "-f", str(manifests)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def manifest(name: str) -> dict[str, Any]:
    """Return an objective: 99.9 % over 30 days."""
    of, more = OBJECTIVES[name]
    ratio = {
        part: f'{metric}{{job="web",of="{of}"}}' for part, metric in (("bad", "bad_total"), ("valid", "all_total"))
    }
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "indicator": {"ratio": ratio},
            "objective": {"target": 99.9},
            "window": {"rolling": "30d"},
            **more,
        },
    }


def before(exporter: LiveExporter) -> Iterator[FloatSeries]:
    """Yield a day and what the rules recorded of it; the live counters go on where it ends."""
    now = int(time.time())
    times = np.arange(now - 26 * HOUR, now, STEP, dtype=np.int64)
    ago = now - times
    traffic = np.full(times.shape, 300.0)
    seldom = np.full(times.shape, 0.5)
    # In the shop an hour of trouble, for which a ticket is not due before it breaks again; in search a few errors all
    # the time; at night three of them.
    counted = {
        "shop": (np.where((ago > 8 * HOUR) & (ago <= 9 * HOUR), 30.0, 0.0), traffic),
        "search": (np.full(times.shape, 1.5), traffic),
        "night": (np.where(np.isin(ago // STEP, (6, 8, 10)), 1.0, 0.0), seldom),
    }
    for of, (bad, valid) in counted.items():
        for metric, steps, five, hour in (
            ("bad_total", bad, Recorded.BAD_5M, Recorded.BAD_1H),
            ("all_total", valid, Recorded.VALID_5M, Recorded.VALID_1H),
        ):
            where = {"job": "web", "instance": exporter.address, "of": of}
            counter = CounterSeries(metric, where, times, np.cumsum(steps))
            exporter.set(metric, float(counter.values[-1]), of=of)
            yield counter
            for name in (name for name, (counters, _) in OBJECTIVES.items() if counters == of):
                which = {"namespace": "default", "name": name, "unit": "event", "window": "30d"}
                yield recorded(five, which, counter, times[times >= times[0] + 300], 300)
                halves = np.arange(times[0] // 1_800 + 3, now // 1_800 + 1, dtype=np.int64) * 1_800
                yield recorded(hour, which, counter, halves, HOUR)


def recorded(metric: str, which: dict[str, str], counter: CounterSeries, at: Seconds, back: int) -> GaugeSeries:
    """Return events a second over `back` seconds, as a rule records them at each of `at`."""
    values: Counts = (counter.running(at) - counter.running(at - back)) / back
    return GaugeSeries(metric, which, at, values)


def of_journey(told: list[Notification], journey: str) -> list[Notification]:
    """Return the notifications about a journey."""
    return [each for each in told if each["groupLabels"].get("journey") == journey]


def labels(prometheus: Prometheus, promql: str) -> list[dict[str, str]]:
    """Return the labels of what an expression gives now."""
    return [each["metric"] for each in prometheus.query(promql)]
