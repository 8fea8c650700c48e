"""Alerts: one rule each for all promises. They need Prometheus alone and hold while the operator is dead.

Thresholds come as series (`shared_rules`): a promise without a limit has no alert that goes by it. `never_firing` says
which limits a promise is without, because they would ask for more than 100 % errors.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from frostline.core.durations import promql_duration
from frostline.core.finding import Finding, Rule, finding
from frostline.core.health_alerts import HEALTH_ALERTS
from frostline.core.rules import BASE_INTERVAL_S, Alerting, Group, Promise
from frostline.core.rules import Rule as PrometheusRule
from frostline.core.shared_rules import COUNTED, FORECAST, LENGTH, WHICH, pair_label, profile_thresholds
from frostline.names import Alert, Recorded, RuleLabel

GROUP_PREFIX: Final = "frostline-"

_PAGE: Final = "page"
_TICKET: Final = "ticket"
_UNWATCHED: Final = '{tier!="3"}'
_WANTED: Final = f'{RuleLabel.ALERTING}!="{Alerting.NONE.label}"'
_HALF: Final = "0.5"
_REVIEW_INTERVAL_S: Final = 1_800
_LONGEST_OVERDUE: Final = "1825d"
_WHO: Final = "{{ $labels.namespace }}/{{ $labels.name }}"
_OWNER: Final = "{{ with $labels.owner }} {{ . }} answers for it.{{ end }}"
_TIMES: Final = '{{ $value | printf "%.1f" }} times'


@dataclass(frozen=True, slots=True)
class Links:
    """Where alerts lead: `runbooks` has a heading for each alert, `dashboard` takes var-namespace and var-name."""

    runbooks: str = "https://frostline.dev/docs/alerts"
    dashboard: str = "https://frostline.dev/dashboards/slo"
    operator_dashboard: str = "https://frostline.dev/dashboards/operator"

    @classmethod
    def of(
        cls, *, runbooks: str | None = None, dashboard: str | None = None, operator_dashboard: str | None = None
    ) -> "Links":
        """Return links, the usual ones for those that are not given."""
        usual = cls()
        return cls(
            runbooks or usual.runbooks,
            dashboard or usual.dashboard,
            operator_dashboard or usual.operator_dashboard,
        )


def alert_groups(promises: Iterable[Promise], links: Links) -> tuple[Group, ...]:
    """Return the alerts that the promises' profiles want, and those about ourselves."""
    everything = tuple(promises)
    profiles = {each.alerting for each in everything}
    rules = [
        *(_burn(links) if Alerting.BURN in profiles else ()),
        *(_pace(links) if Alerting.PACE in profiles else ()),
        *(_accounts(links) if profiles - {Alerting.NONE} else ()),
    ]
    groups = [Group("frostline-alerts", BASE_INTERVAL_S, tuple(rules))] if rules else []
    if any(each.review_due is not None and each.alerting is not Alerting.NONE for each in everything):
        groups.append(Group("frostline-reviews", _REVIEW_INTERVAL_S, (_review(links),)))
    return (*groups, Group("frostline-health", BASE_INTERVAL_S, tuple(_health(links))))


def never_firing(promise: Promise) -> Finding | None:
    """Return which thresholds of a promise are left out because they ask for more than 100 % errors."""
    objective = promise.objective
    dead = [
        each for each in profile_thresholds(objective.window, promise.alerting) if not each.can_fire(objective.allowed)
    ]
    if not dead:
        return None
    which = ", ".join(
        f"{pair_label(each.pair)}/{promql_duration(each.pair.short_s)} at burn rate {each.factor:.4g}" for each in dead
    )
    sentence = f"at {objective.target:f} % no share of errors burns so fast, the alert is left out: {which}"
    return finding(Rule.BURN_NEVER_FIRES, "spec.objective.target", sentence)


def _burn(links: Links) -> Iterator[PrometheusRule]:
    fast = (
        _over(Recorded.BURN_1H, Recorded.BURN_5M, "1h", Recorded.BAD_EVENTS_1H),
        _over(Recorded.BURN_6H, Recorded.BURN_30M, "6h", Recorded.BAD_EVENTS_6H),
    )
    yield _alert(
        Alert.BURNS_FAST,
        "\nor ".join(fast),
        _PAGE,
        summary="{{ $labels.journey }} fails its users: " + f"{_WHO} burns its error budget {_TIMES} too fast",
        description="It went wrong over the last hour (or six), and goes on. "
        "Undo the last release first, then look for the cause: going back is never held up." + _OWNER,
        links=links,
    )
    slow = (
        _over(Recorded.BURN_1D, Recorded.BURN_2H, "1d", selected=""),
        _over(Recorded.BURN_3D, Recorded.BURN_6H, "3d", selected=""),
    )
    yield _alert(
        Alert.BURNS_SLOWLY,
        "\nor ".join(slow),
        _TICKET,
        # An outage that is worth a page has had it by then, and the page silences this.
        for_s=300,
        summary=f"{_WHO} ({{{{ $labels.journey }}}}) burns its error budget {_TIMES} as fast as it lasts",
        description="It has done so for a day or more: nobody needs to get up, and somebody needs to look this week."
        + _OWNER,
        links=links,
    )


def _pace(links: Links) -> Iterator[PrometheusRule]:
    yield _alert(
        Alert.YELLOW,
        _over(Recorded.BURN_1H, Recorded.BURN_5M, "yellow", Recorded.BAD_EVENTS_1H),
        _PAGE,
        summary="{{ $labels.journey }} is hurting: at the last hour's pace "
        + f"{_WHO} spends a tenth of its budget a day",
        description=f"It burns {_TIMES} as fast as it lasts. An engineer should look now." + _OWNER,
        links=links,
    )
    yield _alert(
        Alert.RED,
        _over(Recorded.BURN_2H, Recorded.BURN_30M, "red", Recorded.BAD_EVENTS_6H),
        _PAGE,
        summary="{{ $labels.journey }} fails its users: at the last two hours' pace "
        + f"{_WHO} has no budget left in three days",
        description=f"It burns {_TIMES} as fast as it lasts. Call the lead and consider to hold releases." + _OWNER,
        links=links,
    )


def _accounts(links: Links) -> Iterator[PrometheusRule]:
    remaining = f"{Recorded.REMAINING}{{{_WANTED}}}"
    yield _alert(
        Alert.HALF_GONE,
        f"{remaining} < {_HALF}",
        _TICKET,
        for_s=900,
        summary=f"{_WHO} ({{{{ $labels.journey }}}}) has "
        + "{{ $value | humanizePercentage }} of its error budget of {{ $labels.window }} left",
        description="More than half is gone. Talk about what spent it before it is all gone and releases wait."
        + _OWNER,
        links=links,
    )
    length, ahead = (
        f'on({RuleLabel.WINDOW}) group_left() {Recorded.FACTOR}{{{RuleLabel.PAIR}="{pair}"}}'
        for pair in (LENGTH, FORECAST)
    )
    yield _alert(
        Alert.EXHAUSTION_NEAR,
        f"({remaining} > 0) * {length} / ({Recorded.BURN_6H} > 0) < {ahead}"
        f"\nand on({WHICH}) {_enough(Recorded.BAD_EVENTS_6H)}",
        _TICKET,
        for_s=1_800,
        summary=f"{_WHO} ({{{{ $labels.journey }}}}) has no error budget left in "
        + "{{ $value | humanizeDuration }} at the pace of the last six hours",
        description="Then releases of what it protects wait. Slow down, or fix what burns." + _OWNER,
        links=links,
    )
    yield _alert(
        Alert.NO_DATA,
        f'{Recorded.ALLOWED}{{{RuleLabel.TIER}="1",{_WANTED}}} unless on({WHICH}) {Recorded.BAD_5M}',
        _PAGE,
        for_s=600,
        summary="{{ $labels.journey }} is not measured: " + f"{_WHO} has had no data for ten minutes",
        description="Its metrics are gone: the service is down, is not scraped, or was renamed. Nobody would notice an "
        "outage now." + _OWNER,
        links=links,
    )


def _review(links: Links) -> PrometheusRule:
    """Return the alert on reviews that are overdue.

    The day stands in a label, which PromQL cannot compare with the time; but it can make labels of numbers. So the
    promise is told whose day is one of those that are over: a label more and no rule, and no operator that must live.
    """
    due = RuleLabel.REVIEW_DUE
    day = f'count_values("{due}", year() * 10000 + month() * 100 + day_of_month())'
    written = f'label_replace({day}, "{due}", "$1-$2-$3", "{due}", "(....)(..)(..)")'
    return _alert(
        Alert.REVIEW_OVERDUE,
        f'{Recorded.ALLOWED}{{{due}!="",{_WANTED}}}'
        f"\nand on({due}) max_over_time({written}[{_LONGEST_OVERDUE}:1d] offset 1d)",
        _TICKET,
        summary=f"{_WHO} ({{{{ $labels.journey }}}}) should have been reviewed by {{{{ $labels.{due} }}}}",
        description="Is the target still what users need? Look at it together, then set spec.review.last." + _OWNER,
        links=links,
    )


def _health(links: Links) -> Iterator[PrometheusRule]:
    for each in HEALTH_ALERTS:
        yield _alert(
            each.alert,
            each.expression,
            _TICKET,
            for_s=each.for_s,
            summary=each.summary,
            description=each.description,
            links=links,
            own=True,
        )


def _over(
    long: Recorded, short: Recorded, pair: str, events: Recorded | None = None, selected: str = _UNWATCHED
) -> str:
    """Return the burn rate of the long window, where both windows are above the limit of the pair."""
    limit = f'ignoring({RuleLabel.PAIR}) {Recorded.BURN_LIMIT}{{{RuleLabel.PAIR}="{pair}"}}'
    both = f"({long}{selected} > {limit}\n  and {short} > {limit}"
    return f"{both})" if events is None else f"{both}\n  and on({WHICH}) {_enough(events)})"


def _enough(events: Recorded) -> str:
    # The third of three events in five minutes is known in full only when the short window is about to forget it.
    return f"(round({events}) >= on({COUNTED}) {Recorded.LEAST_BAD})"


def _alert(
    alert: Alert,
    expression: str,
    severity: str,
    *,
    summary: str,
    description: str,
    links: Links,
    for_s: int = 0,
    own: bool = False,
) -> PrometheusRule:
    which = "var-namespace={{ $labels.namespace | urlquery }}&var-name={{ $labels.name | urlquery }}"
    dashboard = links.operator_dashboard if own else f"{links.dashboard}?{which}"
    annotations = (
        ("summary", summary),
        ("description", description),
        ("runbook_url", f"{links.runbooks}#{alert.lower()}"),
        ("dashboard_url", dashboard),
    )
    labels = ((RuleLabel.SEVERITY.value, severity),)
    return PrometheusRule(alert, expression, labels, alert=True, for_s=for_s, annotations=annotations)
