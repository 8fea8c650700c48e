"""Prometheus's own checker: rules on series that a test makes up, in virtual time."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.progress import say
from e2e.cluster.tools import Finder
from frostline.core.rule_files import RuleFile, rule_files, text
from frostline.core.rules import Promise

Value = float | int | None


@dataclass(frozen=True)
class Scenario:
    """What a history of series comes to.

    Attributes:
        series: values by selector, in promtool's notation, one each 30 s.
        values: (minute, expression without labels, its value; None where it is to give nothing).
        firing: (minute, names of the alerts that fire then, of those in `watched`).
        alerts: (minute, alert name, what fires in promtool's form).
    """

    promises: Sequence[Promise]
    series: dict[str, str]
    values: Sequence[tuple[int, str, Value]] = ()
    firing: Sequence[tuple[int, set[str]]] = ()
    watched: Sequence[str] = ()
    alerts: Sequence[tuple[int, str, list[dict[str, Any]]]] = field(default=())


def run(folder: Path, scenarios: dict[str, Scenario], *, step: str = "30s", groups: Sequence[str] = ("",)) -> None:
    """Play the scenarios in one call of promtool; fails with its words.

    Only groups whose names begin with one of `groups` take part: evaluations are what takes time.

    Every rule is evaluated every `step`, whatever its group's interval: promtool knows no other way.
    """
    tests = []
    for name, scenario in scenarios.items():
        rules = folder / f"{name}.rules.yaml"
        files = rule_files(scenario.promises).files
        # What others read comes first.
        kept = [group for file in reversed(files) for group in file.groups if group.name.startswith(tuple(groups))]
        rules.write_text(text([RuleFile("rules", tuple(kept))]))
        document = {
            "rule_files": [rules.name],
            "evaluation_interval": step,
            # Without an order promtool takes them as they come, and figures differ from run to run by one step.
            "group_eval_order": [group.name for group in kept],
            "fuzzy_compare": True,
            "tests": [_test(scenario)],
        }
        tests.append(folder / f"{name}.yaml")
        tests[-1].write_text(yaml.safe_dump(document, width=10**6))
    answer = subprocess.run(
        [promtool(), "test", "rules", *tests],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stdout


def check(*files: Path) -> str:
    """Return what `promtool check rules` says to files that it finds nothing wrong with."""
    answer = subprocess.run(
        [promtool(), "check", "rules", *files], capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@cache
def promtool() -> Path:
    """Return where promtool is; built when there is none."""
    return Finder(os.environ, say).find(["promtool"])["promtool"].path


def _test(scenario: Scenario) -> dict[str, Any]:
    expressions = [
        {
            "expr": f"round({expression}, 0.001)",
            "eval_time": f"{minute}m",
            "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
        }
        for minute, expression, value in scenario.values
    ]
    among = "|".join(scenario.watched)
    firing = f'count by(alertname) (ALERTS{{alertstate="firing",alertname=~"{among}"}}) > bool 0'
    expressions += [
        {
            "expr": firing,
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)],
        }
        for minute, names in scenario.firing
    ]
    return {
        "interval": "30s",
        "input_series": [{"series": series, "values": values} for series, values in scenario.series.items()],
        "promql_expr_test": expressions,
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": expected}
            for minute, name, expected in scenario.alerts
        ],
    }
