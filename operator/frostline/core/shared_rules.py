"""Rules that all promises share: longer windows, burn rates, the limits that alerts go by, what is left of budgets.

What costs in Prometheus is samples read. So what looks back a day or more averages hours, recorded every half hour;
what is shorter averages what is recorded every thirty seconds. Averages do not depend on how often a rule is
evaluated, nor on evaluations that were missed; numerator and denominator have the same samples, so that their
quotient is that of the sums of events.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from frostline.core.burn import RED, YELLOW, Pace, Pair, Threshold, nominal_s, paces, thresholds
from frostline.core.durations import promql_duration
from frostline.core.rules import BASE_INTERVAL_S, MOST_RULES, Alerting, Group, Promise, Rule, Unit, window_label
from frostline.core.window import Calendar, Rolling, Window
from frostline.names import Metric, Recorded, RuleLabel

WHICH: Final = f"{RuleLabel.NAMESPACE},{RuleLabel.NAME}"
"""The labels by which series of one promise find each other."""

COUNTED: Final = f"{WHICH},{RuleLabel.UNIT},{RuleLabel.WINDOW}"
"""Those by which counts find the objective. Ranges still hold what was counted for a window that is no more: two
partners for one objective would be an error, and that of the one rule that all promises share."""

LENGTH: Final = "length"
"""In place of a pair: the length of a rolling window, in seconds."""

FORECAST: Final = "forecast"
"""In place of a pair: how far ahead an end of the budget is told, in seconds; never past the window's length."""

FORECAST_S: Final = 3 * 86_400

LEAST_BAD: Final = {Unit.EVENT: 10, Unit.MINUTE: 2, Unit.SLICE: 1}
"""What must have been bad before anybody is woken: three bad requests at night are no outage."""

_SLOW_INTERVAL_S: Final = 120
_HOURLY_INTERVAL_S: Final = 1_800
_TERMS: Final = 48
"""Terms of one rule: `or` costs the square of their number in Prometheus."""

_COVERED: Final = 10
"""A budget is told once more than one part in so many of its window is known."""


def shared_groups(promises: Iterable[Promise]) -> tuple[Group, ...]:
    """Return the groups that do not grow with the promises but with how many different windows these have."""
    everything = tuple(promises)
    windows = {window_label(each.objective.window): each.objective.window for each in everything}
    profiles = sorted({each.alerting for each in everything})
    chosen = sorted({each.minimum_bad for each in everything if each.minimum_bad is not None})
    by_label = dict(sorted(windows.items(), key=lambda item: (nominal_s(item[1]), item[0])))
    return (
        Group("frostline-fast", BASE_INTERVAL_S, tuple(_fast())),
        Group("frostline-slow", _SLOW_INTERVAL_S, tuple(_slow())),
        Group("frostline-hourly", _HOURLY_INTERVAL_S, tuple(_hourly())),
        *_cut(
            "frostline-limits", BASE_INTERVAL_S, (*_limits(profiles), *_factors(by_label, profiles), *_least(chosen))
        ),
        *_cut("frostline-budgets", _SLOW_INTERVAL_S, tuple(_budgets(by_label))),
    )


def pair_label(pair: Pair | Pace) -> str:
    """Return the value of the label `pair`: the length of the long window, or yellow or red."""
    if isinstance(pair, Pace):
        return {YELLOW: "yellow", RED: "red"}[pair]
    return promql_duration(pair.long_s)


def profile_thresholds(window: Window, alerting: Alerting) -> tuple[Threshold, ...]:
    """Return the thresholds that the alerts of a profile go by."""
    match alerting:
        case Alerting.BURN:
            return thresholds(window)
        case Alerting.PACE:
            return paces(window)
        case Alerting.NONE:
            return ()


def _fast() -> Iterator[Rule]:
    yield Rule(Recorded.BURN_5M, _burn(Recorded.BAD_5M, Recorded.VALID_5M))
    yield Rule(Recorded.BURN_30M, _burn_over(Recorded.BAD_5M, Recorded.VALID_5M, "30m"))
    yield Rule(Recorded.BURN_1H, _burn_over(Recorded.BAD_5M, Recorded.VALID_5M, "1h"))
    # Looked at by the minute, not averaged: time without data has no events, also in a promise's first hour.
    yield Rule(Recorded.BAD_EVENTS_1H, f"sum_over_time({Recorded.BAD_5M}[1h:1m]) * 60")


def _slow() -> Iterator[Rule]:
    yield Rule(Recorded.BURN_2H, _burn_over(Recorded.BAD_5M, Recorded.VALID_5M, "2h"))
    yield Rule(Recorded.BURN_6H, _burn_over(Recorded.BAD_5M, Recorded.VALID_5M, "6h"))
    yield Rule(Recorded.BURN_1D, _burn_over(Recorded.BAD_1H, Recorded.VALID_1H, "1d"))
    yield Rule(Recorded.BURN_3D, _burn_over(Recorded.BAD_1H, Recorded.VALID_1H, "3d"))
    yield Rule(Recorded.BAD_EVENTS_6H, f"sum_over_time({Recorded.BAD_5M}[6h:5m]) * 300")


def _hourly() -> Iterator[Rule]:
    # Every half hour: an evaluation that is missed while Prometheus restarts loses nothing.
    for of, base in ((Recorded.BAD_1H, Recorded.BAD_5M), (Recorded.VALID_1H, Recorded.VALID_5M)):
        yield Rule(of, f"avg_over_time({base}[1h])")
    # Of nearly all promises nothing: only where something is missing these averages are not all there was.
    valid, evaluated = (_samples(base, "[1h]") for base in (Recorded.VALID_5M, Recorded.ALLOWED))
    yield Rule(Recorded.SCRAPED_1H, f"{valid} / {evaluated} < 1")
    yield Rule(Recorded.EVALUATED_1H, f"{evaluated} / {_samples(Recorded.ALLOWED, '[1h] offset 1h')} < 1")


def _samples(of: Recorded, during: str) -> str:
    # By what tells promises apart: one that got another owner is one.
    return f'sum by({COUNTED}) (count_over_time({of}{{{RuleLabel.UNIT}="{Unit.EVENT}"}}{during}))'


def _factors(windows: Mapping[str, Window], profiles: Iterable[Alerting]) -> Iterator[Rule]:
    rows = [(label, *row) for label, window in windows.items() for row in _pairs(window, profiles)]
    for first in range(0, len(rows), _TERMS):
        part = rows[first : first + _TERMS]
        # Rules of one name must differ by a label that is known before they are evaluated.
        number = ((RuleLabel.PART.value, str(first // _TERMS)),) if first else ()
        yield Rule(Recorded.FACTOR, "\nor ".join(_constant(*row) for row in part), number)


def _pairs(window: Window, profiles: Iterable[Alerting]) -> Iterator[tuple[str, Decimal]]:
    for profile in profiles:
        for each in profile_thresholds(window, profile):
            yield pair_label(each.pair), each.factor
    # The end of a calendar period gives the budget back before a forecast comes true.
    if isinstance(window, Rolling):
        yield LENGTH, Decimal(nominal_s(window))
        yield FORECAST, Decimal(min(nominal_s(window), FORECAST_S))


def _constant(window: str, pair: str, value: Decimal) -> str:
    labelled = f'label_replace(vector({float(value):.12g}), "{RuleLabel.WINDOW}", "{window}", "", "")'
    return f'label_replace({labelled}, "{RuleLabel.PAIR}", "{pair}", "", "")'


def _limits(profiles: Iterable[Alerting]) -> Iterator[Rule]:
    """Say per promise how fast is too fast. A limit that asks for more than 100 % errors is left out."""
    pairs = {Alerting.BURN: ("1h", "6h", "1d", "3d"), Alerting.PACE: ("yellow", "red"), Alerting.NONE: ()}
    for profile in profiles:
        allowed = f'{Recorded.ALLOWED}{{{RuleLabel.ALERTING}="{profile.label}"}}'
        for pair in pairs[profile]:
            factor = f'on({RuleLabel.WINDOW}) group_left() {Recorded.FACTOR}{{{RuleLabel.PAIR}="{pair}"}}'
            yield Rule(
                Recorded.BURN_LIMIT,
                f"0 * {allowed} + {factor}\nand {allowed} * {factor} < 1",
                ((RuleLabel.PAIR.value, pair),),
            )


def _least(chosen: Iterable[int]) -> Iterator[Rule]:
    """Say per promise how much must have been bad: the usual, or what it chose, one rule for each different choice."""
    usual = (
        f'0 * {Recorded.ALLOWED}{{{RuleLabel.UNIT}="{unit}",{RuleLabel.MINIMUM_BAD}=""}} + {least}'
        for unit, least in LEAST_BAD.items()
    )
    yield Rule(Recorded.LEAST_BAD, "\nor ".join(usual))
    for least in chosen:
        matcher = f'{RuleLabel.MINIMUM_BAD}="{least}"'
        label = ((RuleLabel.MINIMUM_BAD.value, str(least)),)
        yield Rule(Recorded.LEAST_BAD, f"0 * {Recorded.ALLOWED}{{{matcher}}} + {least}", label)


def _cut(name: str, interval_s: int, rules: tuple[Rule, ...]) -> Iterator[Group]:
    """Yield groups of no more rules than a ruler takes; one in all but fleets with very many different windows."""
    for first in range(0, len(rules), MOST_RULES):
        number = f"-{first // MOST_RULES}" if first else ""
        yield Group(f"{name}{number}", interval_s, rules[first : first + MOST_RULES])


def _budgets(windows: Mapping[str, Window]) -> Iterator[Rule]:
    """Say what is left.

    The running calendar period of a time zone is no range that PromQL could express: there the operator's own figure
    stands in, and is gone when the operator is.
    """
    yield from (_remaining(label, window) for label, window in windows.items() if isinstance(window, Rolling))
    calendars = [label for label, window in windows.items() if isinstance(window, Calendar)]
    if calendars:
        periods = f'{RuleLabel.WINDOW}=~"{"|".join(calendars)}"'
        figure = f"max by({WHICH}) ({Metric.BUDGET_REMAINING_RATIO})"
        yield Rule(Recorded.REMAINING, f"0 * {Recorded.ALLOWED}{{{periods}}} + on({WHICH}) group_left() {figure}")


def _remaining(label: str, window: Rolling) -> Rule:
    length_s = int(window.length.total_seconds())
    matcher = f'{{{RuleLabel.WINDOW}="{label}"}}'
    bad, valid = f"{Recorded.BAD_1H}{matcher}", f"{Recorded.VALID_1H}{matcher}"
    tenth = promql_duration(length_s // _COVERED)
    spent = _burn_over(bad, valid, label, f"{Recorded.ALLOWED}{matcher}")
    return Rule(
        Recorded.REMAINING,
        f"1 - {spent}\nand on({WHICH}) last_over_time({valid}[{tenth}] offset {tenth})",
        ((RuleLabel.WINDOW.value, label),),
    )


def _burn_over(bad: str, valid: str, length: str, allowed: str = Recorded.ALLOWED) -> str:
    return _burn(f"avg_over_time({bad}[{length}])", f"avg_over_time({valid}[{length}])", allowed)


def _burn(bad: str, valid: str, allowed: str = Recorded.ALLOWED) -> str:
    """Return bad ÷ valid ÷ allowed with the labels of the last; nothing where there were no valid events."""
    return f"{bad} / ({valid} > 0) / on({COUNTED}) group_right() {allowed}"
