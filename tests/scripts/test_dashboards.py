"""Dashboards: valid to Grafana's schema, complete, and asking only for what there is."""

import itertools
import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from frostline import names
from frostline.core.alerts import Links
from frostline.core.indicator import Counted, Counters
from frostline.core.objective import Objective
from frostline.core.rules import Promise
from frostline.core.selector import parse_selector
from frostline.core.window import Rolling
from scripts.dashboards import slo
from tests.docs.test_metrics import documented
from tests.scripts.dashboards import NAMES, queries, read, substituted
from tests.support.promtool import Scenario, run

GOOD_SERIES, BAD_SERIES = 'x_total{code="200"}', 'x_total{code="500"}'
ERRORS = Counters(parse_selector(BAD_SERIES), Counted.BAD, parse_selector("x_total"))
CHECKOUT = Promise("shop", "checkout", Objective(ERRORS, Decimal(99), Rolling(timedelta(days=1))), "buying", 1)

ELSEWHERE = {
    "ALERTS",
    "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_iterations_missed_total",
}
"""What Prometheus serves of itself."""
_PARTS = re.compile(r"_(bucket|sum|count)$")
PANELS = [(name, panel) for name in NAMES for panel in read(name)["panels"]]
panels = pytest.mark.parametrize(
    "panel", [pytest.param(panel, id=f"{name}: {panel['title']}") for name, panel in PANELS]
)


def selected(promql: str) -> set[str]:
    """Return the names of the series that a query selects."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        selector = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if isinstance(selector, promql_parser.VectorSelector):
            named = [each.value for each in selector.matchers.matchers if each.name == "__name__"]
            found.update([selector.name] if selector.name else "|".join(named).split("|"))

    promql_parser.walk(promql_parser.parse(promql), visit)
    return found


def test_there_is_one_for_an_objective_the_fleet_and_the_operator() -> None:
    assert {name: read(name)["uid"] for name in NAMES} == {
        "slo": "frostline-slo",
        "fleet": "frostline-fleet",
        "operator": "frostline-operator",
    }


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_own_types_read_it_and_lose_nothing(name: str) -> None:
    register_default_plugins()

    read_back = JSONEncoder(sort_keys=True).encode(Dashboard.from_json(read(name)))

    assert json.loads(read_back) == read(name)


@pytest.mark.parametrize("name", NAMES)
def test_each_query_is_promql_over_series_that_are_documented(name: str) -> None:
    known = documented().keys() | {str(each) for each in names.Recorded} | ELSEWHERE

    unknown = {
        (where, series)
        for where, promql in queries(name)
        for series in selected(promql)
        if series not in known and _PARTS.sub("", series) not in known
    }

    assert not unknown


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_is_left_over(name: str) -> None:
    declared = {each["name"] for each in read(name)["templating"]["list"]}

    assert not [promql for _, promql in queries(name) if "$" in promql]
    assert declared >= {"datasource"}
    for _, promql in queries(name, {}):
        assert set(re.findall(r"\$(\w+)", promql)) <= declared


@panels
def test_a_panel_says_what_it_is(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]


@panels
def test_a_panel_asks_the_source_that_the_reader_chose(panel: dict[str, Any]) -> None:
    asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]

    assert asked == [{"type": "prometheus", "uid": "${datasource}"}] * len(asked)


@pytest.mark.parametrize("name", NAMES)
def test_panels_lie_side_by_side(name: str) -> None:
    places = [panel["gridPos"] for panel in read(name)["panels"]]
    cells = [
        cell
        for at in places
        for cell in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
    ]

    assert len(cells) == len(set(cells)), "two panels have a place in common"
    assert all(0 <= x < 24 for x, _ in cells)
    numbers = [panel["id"] for panel in read(name)["panels"]]
    assert len(numbers) == len(set(numbers))


def test_the_answer_is_where_the_eye_begins() -> None:
    first, *others = read("slo")["panels"]
    sli = next(panel for panel in others if panel["targets"][0]["expr"] == slo.SLI)

    assert (first["title"], first["gridPos"]["x"], first["gridPos"]["y"]) == ("Error budget left", 0, 0)
    sizes = [panel["options"].get("text", {}).get("valueSize", 0) for panel in others]
    assert first["options"]["text"]["valueSize"] > max(sizes)
    assert (sli["gridPos"]["x"] + sli["gridPos"]["w"], sli["gridPos"]["y"]) == (24, 0)
    assert read("slo")["time"] == {"from": "now-28d", "to": "now"}


def test_alerts_lead_to_the_objective_by_the_names_of_its_variables() -> None:
    declared = {each["name"] for each in read("slo")["templating"]["list"]}

    assert {"namespace", "name"} <= declared
    assert Links().dashboard.endswith("/slo")


def test_without_the_operator_recorded_series_answer(tmp_path: Path) -> None:
    """A day's budget of 99 %, half a percent of the requests fails all the time: half of it is left."""
    run(
        tmp_path,
        {
            "recorded": Scenario(
                [CHECKOUT],
                {GOOD_SERIES: "0+995x1000", BAD_SERIES: "0+5x1000"},
                values=[
                    (480, substituted(slo.LEFT), 0.5),
                    (480, substituted(slo.SLI), 0.995),
                    (480, substituted(slo.TARGET), 0.99),
                    (480, substituted(slo.MINUTES_ALL), 14.4),
                    (480, substituted(slo.MINUTES_LEFT), 7.2),
                ],
            ),
        },
        step="4m",
    )


def test_the_operators_own_figure_comes_first(tmp_path: Path) -> None:
    which = '{namespace="shop",name="checkout"}'
    run(
        tmp_path,
        {
            "both": Scenario(
                [CHECKOUT],
                {
                    f"frostline_budget_remaining_ratio{which}": "0.25x20",
                    f"frostline_budget_seconds{which}": "864x20",
                    f"frostline_objective_ratio{which}": "0.99x20",
                    f"frostline_sli_ratio{which}": "0.992x20",
                    f'frostline_burn_rate{{window="1h",{which[1:]}': "0.5x20",
                    f"slo:frostline_budget_remaining:ratio{which}": "0.75x20",
                },
                values=[
                    (5, substituted(slo.LEFT), 0.25),
                    (5, substituted(slo.SLI), 0.992),
                    (5, substituted(slo.MINUTES_LEFT), 3.6),
                    (5, substituted(slo.LASTS_S), 43_200),
                ],
            ),
        },
        groups=("none",),
    )


def test_a_budget_that_is_gone_lasts_no_longer(tmp_path: Path) -> None:
    which = '{namespace="shop",name="checkout"}'
    gone = {f"frostline_budget_remaining_ratio{which}": "-0.5x20", f"frostline_budget_seconds{which}": "864x20"}
    scenario = Scenario([CHECKOUT], gone, values=[(5, substituted(slo.LASTS_S), 0)])
    run(tmp_path, {"gone": scenario}, groups=("none",))


RULES: dict[str, tuple[dict[str, str], int | None]] = {
    "nothing is held": ({}, 0),
    "warned": ({"Warn": "a"}, 1),
    "the strictest counts": ({"Warn": "a", "Freeze": "b", "Slush": "c"}, 3),
    "slush": ({"Slush": "c"}, 2),
}


def test_may_we_release(tmp_path: Path) -> None:
    which = 'namespace="shop",name="checkout"'
    held = f'{names.Metric.HELD_SINCE}{{{which},kind="Deployment",workload='
    scenarios = {
        name: Scenario(
            [CHECKOUT],
            {f"{names.Metric.MEASURED}{{{which}}}": "1x20"}
            | {f'{held}"{workload}",rule="{rule}"}}': "1700000000x20" for rule, workload in rules.items()},
            values=[(5, substituted(slo.RELEASES), answer)],
        )
        for name, (rules, answer) in RULES.items()
    }
    unknown = Scenario([CHECKOUT], {"up": "1x20"}, values=[(5, substituted(slo.RELEASES), None)])
    run(tmp_path, scenarios | {"the operator is not scraped": unknown}, groups=("none",))
