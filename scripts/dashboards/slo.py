"""One objective, and the question whether we may release.

Each figure is the operator's own; where there is none (it is not scraped, or does not run), that of recording rules.
"""

from typing import Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from frostline.core.policy import Level, Rule
from frostline.core.shared_rules import LENGTH
from frostline.names import Metric, Recorded, RuleLabel
from scripts.dashboards import panels
from scripts.dashboards.panels import GREEN, ORANGE, RED, YELLOW, place

_THIS: Final = 'namespace="$namespace",name="$name"'
_MINUTE_S: Final = 60


def _own(metric: Metric, more: str = "") -> str:
    return f"max({metric}{{{_THIS}{more}}})"


def _recorded(series: Recorded) -> str:
    return f"max({series}{{{_THIS}}})"


LEFT: Final = f"{_own(Metric.BUDGET_REMAINING_RATIO)} or {_recorded(Recorded.REMAINING)}"
TARGET: Final = f"{_own(Metric.TARGET_RATIO)} or 1 - {_recorded(Recorded.ALLOWED)}"
SLI: Final = f"{_own(Metric.SLI_RATIO)} or 1 - (1 - {_recorded(Recorded.REMAINING)}) * {_recorded(Recorded.ALLOWED)}"
_LENGTH_S: Final = (
    f"max({Recorded.ALLOWED}{{{_THIS}}} * on({RuleLabel.WINDOW}) group_left() "
    f'max by ({RuleLabel.WINDOW}) ({Recorded.FACTOR}{{{RuleLabel.PAIR}="{LENGTH}"}}))'
)
"""What recording rules know of the whole budget, in seconds: allowed share × length of the window."""
MINUTES_ALL: Final = f"{_own(Metric.BUDGET_SECONDS)} / {_MINUTE_S} or {_LENGTH_S} / {_MINUTE_S}"
MINUTES_LEFT: Final = (
    f"{_own(Metric.BUDGET_REMAINING_RATIO)} * {_own(Metric.BUDGET_SECONDS)} / {_MINUTE_S}"
    f" or {_recorded(Recorded.REMAINING)} * {_LENGTH_S} / {_MINUTE_S}"
)


def _own_burn(window: str) -> str:
    return _own(Metric.BURN_RATE, f',window="{window}"')


def _burn(window: str, series: Recorded) -> str:
    return f"{_own_burn(window)} or {_recorded(series)}"


LASTS_S: Final = (
    f"({_own(Metric.BUDGET_REMAINING_RATIO)} > 0) * {_own(Metric.BUDGET_SECONDS)} / (1 - {_own(Metric.TARGET_RATIO)})"
    f" / ({_own_burn('1h')} > 0)"
    f" or clamp({_own(Metric.BUDGET_REMAINING_RATIO)} <= 0, 0, 0)"
)


def _first_of(metric: Metric, label: str, worst_first: list[tuple[str, int]]) -> str:
    return " or ".join(f'0 * count({metric}{{{_THIS},{label}="{value}"}}) + {number}' for value, number in worst_first)


RELEASES: Final = (
    _first_of(Metric.HELD_SINCE, "rule", [(Rule.FREEZE.value, 3), (Rule.SLUSH.value, 2), (Rule.WARN.value, 1)])
    + f" or 0 * {_own(Metric.MEASURED)}"
)
LEVEL: Final = _first_of(
    Metric.LEVEL,
    "level",
    [
        (Level.EXHAUSTED.value, 3),
        (Level.ENDANGERED.value, 2),
        (Level.DEPLETING.value, 1),
        (Level.HEALTHY.value, 0),
    ],
)
_MAY_WE = {0: ("Yes", GREEN), 1: ("Yes, with care", YELLOW), 2: ("By exception", ORANGE), 3: ("No: frozen", RED)}
_LEVELS = {0: ("Healthy", GREEN), 1: ("Depleting", YELLOW), 2: ("Endangered", ORANGE), 3: ("Exhausted", RED)}
_RULES = {0: ("Open", GREEN), 1: ("Warn", YELLOW), 2: ("Slush", ORANGE), 3: ("Freeze", RED)}


def dashboard() -> Dashboard:
    """Return it."""
    named = f'label_values({{__name__=~"{Metric.TARGET_RATIO}|{Recorded.ALLOWED}"'
    made = panels.board(
        "Frostline / one objective",
        panels.SLO_UID,
        "May we release? What is left of one error budget, and what spends it.",
        "now-28d",
        [
            panels.variable("namespace", "Namespace", f"{named}}}, namespace)"),
            panels.variable("name", "Objective", f'{named},namespace="$namespace"}}, name)'),
        ],
    )
    return panels.filled(made, (*_answer(), *_burn_down(), *_diagnostics()))


def _answer() -> tuple[Builder[Panel], ...]:
    return (
        panels.big(
            "Error budget left",
            "How much more may fail before the promise is broken. At 0 % releases of what it protects wait.",
            LEFT,
            at=place(0, 0, 8, 9),
            unit="percentunit",
            steps=panels.OF_BUDGET,
            size=120,
            decimals=1,
        ),
        panels.big(
            "May we release?",
            "What this objective has releases of its workloads do. Another objective may hold the same workload:"
            " kubectl get releasegates tells.",
            RELEASES,
            at=place(8, 0, 4, 5),
            unit="short",
            mappings=panels.texts(_MAY_WE),
            size=40,
        ),
        panels.big(
            "The budget lasts",
            "Until nothing is left, at the pace of the last hour.",
            LASTS_S,
            at=place(8, 5, 4, 4),
            unit="s",
            steps=((None, RED), (86_400.0, ORANGE), (7 * 86_400.0, GREEN)),
            unknown="no end in sight",
        ),
        panels.lines(
            "What users get, and what was promised",
            "Share of good events over the window (SLI) against the target. Below the target the promise is broken.",
            [(SLI, "SLI"), (TARGET, "target")],
            at=place(12, 0, 12, 9),
            unit="percentunit",
            colours={"SLI": "blue", "target": RED},
            decimals=3,
        ),
    )


def _burn_down() -> tuple[Builder[Panel], ...]:
    return (
        panels.lines(
            "Budget left, in percent",
            "The burn-down: a steep fall is an incident, a steady one a habit.",
            [(LEFT, "left")],
            at=place(0, 9, 12, 8),
            unit="percentunit",
            most=1.0,
        ),
        panels.lines(
            "Budget left, in minutes",
            "The same as time of a full outage, and the whole budget.",
            [(MINUTES_LEFT, "left"), (MINUTES_ALL, "whole budget")],
            at=place(12, 9, 12, 8),
            unit="m",
            colours={"whole budget": panels.GREY},
        ),
    )


def _diagnostics() -> tuple[Builder[Panel], ...]:
    return (
        panels.states(
            "Level",
            "The level in force: what is left, and how fast it goes. Needs the operator's metrics.",
            [(LEVEL, "level")],
            at=place(0, 17, 12, 5),
            mappings=panels.texts(_LEVELS),
        ),
        panels.states(
            "Releases",
            "Open, with a warning, by exception (Slush) or frozen. Needs the operator's metrics.",
            [(RELEASES, "releases")],
            at=place(12, 17, 12, 5),
            mappings=panels.texts(_RULES),
        ),
        panels.lines(
            "Burn rate",
            "1 spends exactly all of the budget over the window. An alert fires above its limit over both its windows.",
            [
                (_recorded(Recorded.BURN_5M), "5m (recorded)"),
                (_burn("1h", Recorded.BURN_1H), "1h"),
                (_burn("6h", Recorded.BURN_6H), "6h"),
                (_burn("1d", Recorded.BURN_1D), "1d"),
                (f"max by ({RuleLabel.PAIR}) ({Recorded.BURN_LIMIT}{{{_THIS}}})", "alert above ({{pair}})"),
            ],
            at=place(0, 22, 12, 8),
            unit="none",
        ),
        panels.lines(
            "Events a second",
            "What is counted, and what of it is bad. Needs recording rules.",
            [
                (f"sum({Recorded.VALID_5M}{{{_THIS}}})", "valid"),
                (f"sum({Recorded.BAD_5M}{{{_THIS}}})", "bad"),
            ],
            at=place(12, 22, 12, 8),
            unit="short",
            colours={"bad": RED, "valid": "blue"},
        ),
        panels.states(
            "Is it measured?",
            "Where it is not, the figures above are old. kubectl describe slo tells why.",
            [(_own(Metric.MEASURED), "measured")],
            at=place(0, 30, 8, 6),
            mappings=panels.texts({0: ("No", RED), 1: ("Yes", GREEN)}),
        ),
        panels.states(
            "Alerts",
            "Alerts about this objective, while they fired. Needs alerting rules.",
            [(f'max by (alertname) (ALERTS{{{_THIS},alertstate="firing"}})', "{{alertname}}")],
            at=place(8, 30, 8, 6),
            mappings=panels.texts({1: ("firing", RED)}),
        ),
        panels.rows(
            "Workloads that this objective holds",
            "Since when, and how strictly. kubectl describe releasegate tells what passes.",
            [(f"max by (kind, workload, rule) ({Metric.HELD_SINCE}{{{_THIS}}}) * 1000", "since")],
            at=place(16, 30, 8, 6),
            fields={"since": {"unit": "dateTimeFromNow"}},
        ),
    )
