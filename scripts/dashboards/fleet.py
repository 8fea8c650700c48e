"""All objectives: what is worst, what is frozen, what it cost. From the operator's and the webhook's metrics."""

from typing import Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from frostline.core.policy import Level
from frostline.names import Metric, WebhookMetric
from scripts.dashboards import panels
from scripts.dashboards.panels import GREEN, ORANGE, RED, YELLOW, place

_THERE: Final = 'namespace=~"$namespace"'
_WHICH: Final = "namespace, name"
_CHOSEN: Final = f'{Metric.OBJECTIVE_INFO}{{{_THERE},tier=~"$tier"}}'
_WORST: Final = 50
"""Rows of the table: whoever looks at more looks for something else."""


def _of(metric: Metric, more: str = "") -> str:
    """Return one series an objective, of those that the reader chose."""
    return f"max by ({_WHICH}) ({metric}{{{_THERE}{more}}}) and on ({_WHICH}) {_CHOSEN}"


_LEFT: Final = _of(Metric.BUDGET_REMAINING_RATIO)
_BOTTOM: Final = f"bottomk({_WORST}, {_LEFT})"


def _of_worst(promql: str) -> str:
    return f"({promql}) and on ({_WHICH}) {_BOTTOM}"


def _count(promql: str) -> str:
    return f"count({promql}) or vector(0)"


def dashboard() -> Dashboard:
    """Return it."""
    made = panels.board(
        "Frostline / fleet",
        "frostline-fleet",
        "All objectives: which budgets are spent, what is frozen, what releases were refused.",
        "now-7d",
        [
            panels.variable(
                "namespace", "Namespace", f"label_values({Metric.OBJECTIVE_INFO}, namespace)", several=True
            ),
            panels.variable("tier", "Tier", f"label_values({Metric.OBJECTIVE_INFO}, tier)", several=True),
        ],
    )
    return panels.filled(made, (*_numbers(), *_worst(), *_holding()))


def _numbers() -> tuple[Builder[Panel], ...]:
    refused = f'{WebhookMetric.DECISIONS}_total{{verdict="Refused"}}'
    met = f"(max by ({_WHICH}) ({Metric.SLI_RATIO}{{{_THERE}}}) >= bool max by ({_WHICH}) ({Metric.TARGET_RATIO}))"
    told: tuple[tuple[str, str, str, str, panels.Steps], ...] = (
        ("Objectives", "Promises that are accepted.", _count(f"max by ({_WHICH}) ({_CHOSEN})"), "short", panels.PLAIN),
        (
            "Promises kept",
            "Share of the objectives whose SLI is at or above its target now.",
            f"avg({met} and on ({_WHICH}) {_CHOSEN})",
            "percentunit",
            ((None, RED), (0.9, YELLOW), (0.99, GREEN)),
        ),
        (
            "Exhausted",
            "Objectives without any budget left.",
            _count(_of(Metric.LEVEL, f',level="{Level.EXHAUSTED.value}"')),
            "short",
            panels.NONE_IS_GOOD,
        ),
        (
            "Frozen workloads",
            "Workloads whose releases pass by exception only, or not at all.",
            _count(f'count by (namespace, kind, workload) ({Metric.HELD_SINCE}{{{_THERE},rule=~"Slush|Freeze"}})'),
            "short",
            panels.NONE_IS_GOOD,
        ),
        (
            "Refused releases",
            "Requests that the webhook refused in the time shown, in all namespaces.",
            f"sum(increase({refused}[$__range])) or vector(0)",
            "short",
            panels.PLAIN,
        ),
        (
            "Not measured",
            "Objectives whose figures are old or missing. kubectl describe slo tells why.",
            _count(f"({_of(Metric.MEASURED)}) == 0"),
            "short",
            panels.NONE_IS_GOOD,
        ),
    )
    return tuple(
        panels.big(title, text, promql, at=place(4 * index, 0, 4, 4), unit=unit, steps=steps)
        for index, (title, text, promql, unit, steps) in enumerate(told)
    )


def _worst() -> tuple[Builder[Panel], ...]:
    budget = {"unit": "percentunit", "decimals": 1, **panels.coloured(panels.OF_BUDGET)}
    share = {"unit": "percentunit", "decimals": 3}
    return (
        panels.rows(
            "Worst first",
            f"The {_WORST} objectives with the least budget left. A name leads to its dashboard.",
            [
                (_BOTTOM, "budget left"),
                (_of_worst(_of(Metric.SLI_RATIO)), "SLI"),
                (_of_worst(_of(Metric.TARGET_RATIO)), "target"),
                (_of_worst(_of(Metric.BURN_RATE, ',window="1h"')), "burn 1h"),
                (_of_worst(f"max by ({_WHICH}, level) ({Metric.LEVEL}{{{_THERE}}})"), "at level"),
                (_of_worst(f"max by ({_WHICH}, journey, tier) ({_CHOSEN})"), "belongs"),
            ],
            at=place(0, 4, 16, 12),
            hidden=("Value #E", "Value #F"),
            fields={
                "budget left": budget,
                "SLI": share,
                "target": share,
                "burn 1h": {"decimals": 1},
                "name": panels.to_slo(),
            },
            first=("budget left", False),
            order=("namespace", "name", "Value #A", "level", "Value #B", "Value #C", "Value #D", "journey", "tier"),
        ),
        panels.rows(
            "Journeys",
            "A journey is as healthy as its worst promise.",
            [
                (
                    f"min by (namespace, journey) (({_LEFT}) * on ({_WHICH}) group_left (journey)"
                    f' max by ({_WHICH}, journey) ({Metric.OBJECTIVE_INFO}{{journey!=""}}))',
                    "least budget left",
                ),
                (
                    f"count by (namespace, journey) (max by ({_WHICH}, journey)"
                    f' ({Metric.OBJECTIVE_INFO}{{{_THERE},journey!=""}}))',
                    "objectives",
                ),
            ],
            at=place(16, 4, 8, 12),
            fields={"least budget left": budget},
            first=("least budget left", False),
        ),
    )


def _holding() -> tuple[Builder[Panel], ...]:
    return (
        panels.rows(
            "Held workloads",
            "By which objective, how strictly, since when. kubectl describe releasegate tells what passes.",
            [(f"max by ({_WHICH}, kind, workload, rule) ({Metric.HELD_SINCE}{{{_THERE}}}) * 1000", "since")],
            at=place(0, 16, 12, 9),
            fields={"since": {"unit": "dateTimeFromNow"}, "name": panels.to_slo()},
            first=("since", False),
        ),
        panels.lines(
            "Objectives by level",
            "The whole fleet over time, whatever is chosen above.",
            [(f"max by (level) ({Metric.OBJECTIVES_BY_LEVEL})", "{{level}}")],
            at=place(12, 16, 12, 9),
            unit="short",
            colours={"Healthy": GREEN, "Depleting": YELLOW, "Endangered": ORANGE, "Exhausted": RED},
            stacked=True,
        ),
        panels.lines(
            "Decisions on releases of held workloads",
            "What the webhook said, and why: Held is a refusal; Rollback, Operational, Override and Bypass passed.",
            [(f"sum by (why) (increase({WebhookMetric.DECISIONS}_total[$__rate_interval]))", "{{why}}")],
            at=place(0, 25, 12, 8),
            unit="short",
            bars=True,
            stacked=True,
        ),
        panels.lines(
            "What came to run all the same",
            "On held workloads. Unrecorded is a change that nobody let pass: look at the Events of the workload.",
            [(f"sum by (how) (increase({Metric.ARRIVALS}_total[$__rate_interval]))", "{{how}}")],
            at=place(12, 25, 12, 8),
            unit="short",
            colours={"Unrecorded": RED},
            bars=True,
            stacked=True,
        ),
    )
