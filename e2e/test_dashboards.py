"""Dashboards and metrics on real processes: each query of each panel finds data, and what is served is documented."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from e2e.cluster.caller import PLAIN
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import Asks, RunsOperator, RunsWebhook
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.waiting import eventually
from e2e.service import Service, apply
from e2e.shop import FAST, GATEWAY, NEVER, Shop
from tests.docs.test_metrics import documented
from tests.scripts.dashboards import CHOSEN, NAMES, queries

PROMISE = "availability"


@dataclass(frozen=True)
class Watched:
    """A shop, and a Prometheus of its own that evaluates the rules of its promise."""

    shop: Service
    people: Shop
    prometheus: Prometheus
    promtool: Path


@pytest.fixture
def watched(cluster: Cluster, shop: Service, people: Shop, tmp_path: Path) -> Iterator[Watched]:
    """Give a shop and a Prometheus that scrapes what the shop's own does, and itself."""
    manifest = tmp_path / "slo.yaml"
    promised = shop.objective(PROMISE, protects=[GATEWAY], journey="buying", tier=1)
    promised["metadata"]["namespace"] = people.namespace
    manifest.write_text(yaml.safe_dump(promised))
    printed = subprocess.run(
        [Path(sys.executable).with_name("frostline"), "rules", "-f", manifest],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    made = yaml.safe_load(printed.stdout)
    for group in made["groups"]:
        group["interval"] = "2s"
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump(made))
    folder = cluster.folder / "prometheus-of-dashboards"
    shutil.copytree(shop.prometheus.targets, folder / "targets")
    prometheus = Prometheus(
        folder,
        cluster.site.tool,
        cluster.site.supervisor,
        name=folder.name,
        scrape_interval="1s",
        rules=[rules],
    )
    try:
        url = prometheus.start()
        prometheus.add_target("prometheus", url.removeprefix("http://"))
        yield Watched(shop, people, prometheus, cluster.site.tool("promtool"))
    finally:
        prometheus.stop()


def test_each_query_of_each_dashboard_finds_data(
    watched: Watched, operator: RunsOperator, webhook: RunsWebhook, asks: Asks
) -> None:
    shop, people, watching = watched.shop, watched.people, watched.prometheus
    people.revisions("app:1", "app:2")
    judging = webhook()
    running = operator(shop.url, people.namespace, flags=FAST)
    for name, process in (("operator", running), ("webhook", judging)):
        watching.add_target(name, process.url.removeprefix("http://"))
    promised = shop.objective(PROMISE, protects=[GATEWAY], journey="buying", tier=1)
    apply(people.kubectl, people.namespace, promised)
    eventually(lambda: people.status().get("level") == "Healthy", 60, lambda: str(people.status()))
    eventually(lambda: watching.query("slo:frostline_bad:rate5m"), 30, "rules are evaluated")

    shop.spend()
    eventually(people.frozen, 60, lambda: running.log.read_text()[-2000:])
    asks(judging)
    eventually(
        lambda: people.refusal() and judging.metric("decisions_total") > 0, 30, "the API server asks the webhook"
    )
    # The first of its kind is not seen by rate(): a series begins with it.
    people.release(NEVER)
    assert people.release("app:1") == "", "going back passes"

    chosen = CHOSEN | {"namespace": people.namespace, "name": PROMISE}
    asked = {where: promql for name in NAMES for where, promql in queries(name, chosen)}
    empty = dict(asked)

    def answered() -> bool:
        for where in list(empty):
            if watching.query(asked[where]):
                del empty[where]
        return not empty

    eventually(answered, 120, lambda: json.dumps(empty, indent=1))
    assert len(asked) > 50
    (budget,) = watching.query(asked["slo: Error budget left A"])
    assert float(budget["value"][1]) == pytest.approx(people.status()["budget"]["remainingPercent"] / 100, abs=0.02)
    (releases,) = watching.query(asked["slo: May we release? A"])
    assert float(releases["value"][1]) == 3, "frozen"

    served = {name: _metrics(process.url) for name, process in (("operator", running), ("webhook", judging))}
    for text in served.values():
        _follows_the_conventions(watched.promtool, text)
    assert {name for text in served.values() for name in _families(text)} == documented().keys()
    assert "frostline-operator" not in "".join(served.values()), "no name of who asks"


def _metrics(url: str) -> str:
    status, body = PLAIN.request(f"{url}/metrics")
    assert status == 200
    return body.decode()


def _families(text: str) -> set[str]:
    found = text_string_to_metric_families(text)
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in found}


def _follows_the_conventions(promtool: Path, text: str) -> None:
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
