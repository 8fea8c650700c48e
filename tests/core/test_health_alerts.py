"""Alerts about ourselves, played by promtool: each fires when it shall, and not beside it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from frostline.core.alerts import GROUP_PREFIX
from frostline.core.health_alerts import HEALTH_ALERTS
from frostline.names import Alert
from tests.support.golden import REPOSITORY
from tests.support.promtool import Scenario, run

RUNS = {"frostline_cycles_total": "0+1x200", 'frostline_leader{pod="a"}': "1x200"}
"""An operator that works, each half minute for a hundred minutes."""
LATE = 90
"""A minute at which everything has gone on for long enough."""


@dataclass(frozen=True)
class Case:
    """Series beside those of an operator that works, and what fires in the end."""

    series: dict[str, str]
    fires: Alert | None


def gates(rule: str) -> str:
    return f'frostline_release_gates{{rule="{rule}"}}'


def armed(part: str) -> str:
    return f'frostline_armed{{part="{part}"}}'


def query(outcome: str) -> str:
    return f'frostline_prometheus_query_seconds_count{{outcome="{outcome}"}}'


CYCLE, INTERVAL = "frostline_cycle_seconds", {"frostline_cycle_interval_seconds": "30x200"}
STATUS, ENFORCED = "frostline_status_writes_total", "frostline_enforcement_writes_total"
LISTED, EXPIRY = "frostline_list_timestamp_seconds", "frostline_webhook_certificate_expiry_timestamp_seconds"
SYNCED = 'frostline_webhook_index_synced{pod="w"}'
WEEK = 7 * 86_400
FAILURES, MISSED = "prometheus_rule_evaluation_failures_total", "prometheus_rule_group_iterations_missed_total"
OURS, THEIRS = '{rule_group="/etc/rules/frostline.yaml;frostline-fast"}', '{rule_group="/etc/rules/other.yaml;other"}'

CASES = {
    "all is well": Case({}, None),
    "the operator is gone": Case({"frostline_cycles_total": "0+1x20 stale"}, Alert.OPERATOR_ABSENT),
    "no cycle ends": Case({"frostline_cycles_total": "0+1x20 20x180"}, Alert.CYCLES_STOPPED),
    "standbys only": Case({'frostline_leader{pod="a"}': "1x20 0x180"}, Alert.NO_LEADER),
    "a leader and a standby": Case({'frostline_leader{pod="b"}': "0x200"}, None),
    "leadership moves": Case(
        {'frostline_leader{pod="a"}': "1x20 0x180", 'frostline_leader{pod="b"}': "0x20 1x180"}, None
    ),
    "two leaders": Case({'frostline_leader{pod="b"}': "1x200"}, Alert.SEVERAL_LEADERS),
    "cycles of 40 s": Case({f"{CYCLE}_sum": "0+40x200", f"{CYCLE}_count": "0+1x200"} | INTERVAL, Alert.CYCLES_SLOW),
    "cycles of 20 s": Case({f"{CYCLE}_sum": "0+20x200", f"{CYCLE}_count": "0+1x200"} | INTERVAL, None),
    "a fifth of the queries fails": Case(
        {query("answered"): "0+8x200", query("timeout"): "0+2x200"}, Alert.QUERIES_FAILING
    ),
    "one query in twenty fails": Case({query("answered"): "0+19x200", query("timeout"): "0+1x200"}, None),
    "statuses are refused": Case({f'{STATUS}{{outcome="refused"}}': "0+1x200"}, Alert.WRITES_REFUSED),
    "gates are refused": Case({f'{ENFORCED}{{object="gate",outcome="refused"}}': "0+1x200"}, Alert.WRITES_REFUSED),
    "writes that others came before": Case(
        {f'{STATUS}{{outcome="gone"}}': "0+1x200", f'{ENFORCED}{{object="gate",outcome="contended"}}': "0+1x200"}, None
    ),
    "one refusal long ago": Case({f'{STATUS}{{outcome="refused"}}': "0x20 1x180"}, None),
    "one kind is not listed any more": Case(
        {f'{LISTED}{{resource="a"}}': "0+30x200", f'{LISTED}{{resource="b"}}': "0+30x100 3000x100"},
        Alert.LISTS_STALE,
    ),
    "a former leader lists no more": Case(
        {f'{LISTED}{{resource="a",pod="a"}}': "300x200", f'{LISTED}{{resource="a",pod="b"}}': "0+30x200"}, None
    ),
    "frozen and switched off": Case(
        {gates("Freeze"): "2x200", armed("freeze"): "0x200", armed("webhook"): "0x200", armed("keep"): "1x200"},
        Alert.FREEZE_NOT_HELD,
    ),
    "frozen and armed": Case(
        {gates("Freeze"): "2x200", armed("freeze"): "1x200", armed("webhook"): "1x200", SYNCED: "1x200"}, None
    ),
    "a warning needs no arms": Case(
        {gates("Warn"): "2x200", armed("freeze"): "0x200", armed("webhook"): "0x200"}, None
    ),
    "nothing is frozen and no webhook there": Case({gates("Freeze"): "0x200", armed("webhook"): "1x200"}, None),
    "slush without a webhook": Case(
        {gates("Slush"): "1x200", armed("freeze"): "1x200", armed("webhook"): "1x200"}, Alert.WEBHOOK_ABSENT
    ),
    "the index is never complete": Case(
        {gates("Slush"): "1x200", armed("freeze"): "1x200", armed("webhook"): "1x200", SYNCED: "0x200"},
        Alert.WEBHOOK_ABSENT,
    ),
    "no webhook was asked for": Case(
        {gates("Slush"): "1x200", armed("freeze"): "1x200", armed("webhook"): "0x200"}, None
    ),
    "the certificate ends within a week": Case({EXPIRY: f"{WEEK + 20 * 60}x200"}, Alert.CERTIFICATE_ENDS),
    "the certificate has more than a week": Case({EXPIRY: f"{WEEK + (LATE + 1) * 60}x200"}, None),
    "there is no certificate yet": Case({EXPIRY: "0x200"}, None),
    "rules fail": Case({f"{FAILURES}{OURS}": "0+1x200"}, Alert.RULES_FAILING),
    "rules are skipped": Case({f"{MISSED}{OURS}": "0+1x200"}, Alert.RULES_FAILING),
    "rules of others fail": Case({f"{FAILURES}{THEIRS}": "0+1x200"}, None),
}


def test_what_fires_when(tmp_path: Path) -> None:
    watched = [each.alert.value for each in HEALTH_ALERTS]
    scenarios = {
        name.replace(" ", "-"): Scenario(
            [],
            RUNS | case.series,
            firing=[(LATE, set() if case.fires is None else {case.fires.value})],
            watched=watched,
        )
        for name, case in CASES.items()
    }
    run(tmp_path, scenarios, step="1m", groups=("frostline-health",))


def test_every_alert_is_seen_to_fire() -> None:
    assert {case.fires for case in CASES.values()} - {None} == {each.alert for each in HEALTH_ALERTS}


def test_nothing_fires_at_the_first_sight_of_trouble(tmp_path: Path) -> None:
    """Each waits for its time, but for lists: these are late already."""
    waits = {
        name.replace(" ", "-"): Scenario(
            [], RUNS | case.series, firing=[(1, set())], watched=[each.alert.value for each in HEALTH_ALERTS]
        )
        for name, case in CASES.items()
    }
    run(tmp_path, waits, groups=("frostline-health",))


@pytest.mark.parametrize("alert", list(Alert))
def test_each_alert_has_a_line_and_a_heading_to_land_on(alert: Alert) -> None:
    page = (REPOSITORY / "docs" / "alerts.md").read_text()

    assert f"| {alert} |" in page
    assert f"\n### {alert}\n" in page


def test_rules_that_are_watched_are_those_that_we_write() -> None:
    (failing,) = [each for each in HEALTH_ALERTS if each.alert is Alert.RULES_FAILING]

    assert f";{GROUP_PREFIX}.*" in failing.expression
