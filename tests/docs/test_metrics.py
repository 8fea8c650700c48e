"""What docs/metrics.md says of metrics is what the processes serve, and follows Prometheus's conventions."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from frostline import names
from frostline.controller.arming import Arming
from frostline.controller.health import Health
from frostline.controller.metrics import Instruments
from frostline.controller.rule_delivery import Delivered
from frostline.controller.series import BURN_WINDOWS
from frostline.controller.tracking import Arrived
from frostline.core.verdict import Passed, Why
from frostline.webhook.certificate import ServingCertificate
from frostline.webhook.index import Index
from frostline.webhook.metrics import Instruments as WebhookInstruments
from tests.controller.freezing import frozen_shop
from tests.controller.test_arming import Cluster
from tests.support.golden import REPOSITORY
from tests.support.promtool import promtool

_ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \| (?P<type>\w+) \| (?P<labels>[\w, ]*) ?\| (?P<series>[^|]+) \|")
_CREATED = "_created"


@dataclass(frozen=True)
class Documented:
    """One row of a table."""

    kind: str
    labels: frozenset[str]
    series: str


class Follower:
    """An index of gates that is complete."""

    class synced:  # noqa: N801 - as the follower has it
        """Says so."""

        @staticmethod
        def is_set() -> bool:
            return True

    heard_at: float | None = 1_000.0


def operator() -> bytes:
    """Return what an operator serves that has one frozen workload."""
    made = frozen_shop()
    instruments = Instruments()
    health = Health(30, lambda: 0.0, instruments.cycled)
    instruments.show(made.cycle, health, Arming(Cluster()))
    instruments.show_leadership(lambda: True)
    health.cycled(0.2)
    instruments.lagged(0.001)
    for resource in range(8):
        instruments.listed(f"kind-{resource}")
    instruments.queried("(flags)", "answered", 0.1)
    for outcome in ("written", "gone", "refused"):
        instruments.wrote(outcome)
    for written in ("gate", "workload", "namespace"):
        for outcome in ("written", "gone", "contended", "refused"):
            instruments.enforced(written, outcome)
    for outcome in Delivered:
        instruments.delivered(outcome)
    for how in Arrived:
        instruments.arrived(how)
    return instruments.exposition()


def webhook() -> bytes:
    """Return what a webhook serves that has answered."""
    instruments = WebhookInstruments()
    certificate = ServingCertificate("files", lambda: 0.0, instruments.certificate_refused)
    instruments.show(Index(), Follower(), certificate)  # type: ignore[arg-type]
    for why in Why:
        instruments.decided(Passed(why))
    instruments.answered(200, 0.0)
    instruments.dropped("line")
    instruments.event("written")
    instruments.certificate_refused("expired")
    return generate_latest(instruments.registry)


PROCESSES = {"operator": operator, "webhook": webhook}


def families() -> Iterator[Metric]:
    for exposition in PROCESSES.values():
        yield from families_of(exposition())


def families_of(exposition: bytes) -> Iterator[Metric]:
    for family in text_string_to_metric_families(exposition.decode()):
        # A gauge of its own in this format, and not documented.
        if not family.name.endswith(_CREATED):
            yield family


def served_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def samples(family: Metric) -> list[Sample]:
    return [sample for sample in family.samples if not sample.name.endswith(_CREATED)]


def documented() -> dict[str, Documented]:
    rows: dict[str, Documented] = {}
    for line in (REPOSITORY / "docs" / "metrics.md").read_text().splitlines():
        found = _ROW.match(line)
        if found:
            assert found["name"] not in rows, f"{found['name']} has two rows"
            labels = frozenset(filter(None, (each.strip() for each in found["labels"].split(","))))
            rows[found["name"]] = Documented(found["type"], labels, found["series"])
    return rows


def test_the_tables_name_what_is_served_and_nothing_else() -> None:
    served = {
        served_name(family): (
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
        )
        for family in families()
    }
    told = {name: (row.kind, row.labels) for name, row in documented().items()}

    assert told == served


def test_every_name_that_the_code_knows_is_served() -> None:
    known = {str(name) for name in (*names.Metric, *names.WebhookMetric)}

    assert known <= {family.name for family in families()}


def test_no_more_series_are_served_than_the_tables_count() -> None:
    rows = documented()
    more = {
        served_name(family): (len(samples(family)), rows[served_name(family)].series)
        for family in families()
        if rows[served_name(family)].series.isdecimal() and len(samples(family)) > int(rows[served_name(family)].series)
    }

    assert not more


def test_an_objective_has_the_ten_series_that_the_page_promises() -> None:
    per_objective = [
        sample
        for family in families_of(operator())
        for sample in family.samples
        if sample.labels.get("name") == "matching" and family.name != names.Metric.HELD_SINCE
    ]

    assert len(per_objective) == 10 == 7 + len(BURN_WINDOWS)


@pytest.mark.parametrize("process", PROCESSES)
def test_names_follow_the_conventions_of_prometheus(process: str) -> None:
    answer = subprocess.run(
        [promtool(), "check", "metrics"],
        input=PROCESSES[process](),
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (answer.returncode, answer.stdout + answer.stderr) == (0, b"")
