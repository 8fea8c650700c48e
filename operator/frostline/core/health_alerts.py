"""Alerts about Frostline itself, as data: what is wrong with it, seen from Prometheus."""

from dataclasses import dataclass
from typing import Final

from frostline.names import Alert, Metric, WebhookMetric

_OURS: Final = '{rule_group=~".*;frostline-.*"}'
_CYCLES: Final = f"{Metric.CYCLES}_total"
_QUERIES: Final = f"{Metric.QUERY_SECONDS}_count"
_HELD: Final = f'sum(max by(rule) ({Metric.GATES}{{rule=~"Slush|Freeze"}})) > 0'


@dataclass(frozen=True, slots=True)
class HealthAlert:
    """One alert; it fires once `expression` has given something for `for_s` seconds."""

    alert: Alert
    expression: str
    summary: str
    description: str
    for_s: int = 600


def _refused(counter: Metric) -> str:
    return f'sum(increase({counter}_total{{outcome=~"refused|taken"}}[10m])) > 0'


HEALTH_ALERTS: Final = (
    HealthAlert(
        Alert.OPERATOR_ABSENT,
        f"absent({_CYCLES})",
        "Frostline's operator has not been seen for ten minutes: error budgets and freezes stand still",
        "It is down, or this Prometheus does not scrape it. What is frozen stays frozen and lifts no more; alerts"
        " on burn rates go on.",
    ),
    HealthAlert(
        Alert.NO_LEADER,
        f"max({Metric.LEADER}) == 0",
        "None of Frostline's operators leads: error budgets and freezes stand still",
        "Standbys wait for a Lease that nobody renews, or cannot read it. What is frozen stays frozen and lifts no"
        " more. Their logs say what the API server answers.",
        for_s=300,
    ),
    HealthAlert(
        Alert.SEVERAL_LEADERS,
        f"sum({Metric.LEADER}) > 1",
        "{{ $value }} of Frostline's operators lead at once",
        "There must be one. Two releases of the chart in one cluster, or two without a Lease, write the same objects"
        " in turn: stop all but one.",
        for_s=120,
    ),
    HealthAlert(
        Alert.CYCLES_STOPPED,
        f"sum(increase({_CYCLES}[10m])) == 0",
        "Frostline's operator runs and measures nothing: no cycle ended in ten minutes",
        "What is frozen stays frozen and lifts no more. Its log says whether Prometheus or the API server fails.",
    ),
    HealthAlert(
        Alert.CYCLES_SLOW,
        f"sum(rate({Metric.CYCLE_SECONDS}_sum[15m])) / sum(rate({Metric.CYCLE_SECONDS}_count[15m]))"
        f" > max({Metric.CYCLE_INTERVAL_SECONDS})",
        "Frostline's cycles take {{ $value | humanizeDuration }}, longer than the time between them",
        "Budgets and freezes come late. Is Prometheus slow, or the operator's CPU limit too low? Many objectives want"
        " recording rules in place of direct queries.",
    ),
    HealthAlert(
        Alert.QUERIES_FAILING,
        f'sum(increase({_QUERIES}{{outcome!="answered"}}[15m])) / sum(increase({_QUERIES}[15m])) > 0.1',
        "{{ $value | humanizePercentage }} of Frostline's queries to Prometheus fail",
        "Objectives keep their last figures, and freezes stand as they are. kubectl describe slo says what Prometheus"
        " answers.",
    ),
    HealthAlert(
        Alert.WRITES_REFUSED,
        "\nor ".join(map(_refused, (Metric.STATUS_WRITES, Metric.ENFORCEMENT_WRITES, Metric.RULE_WRITES))),
        "What Frostline's operator writes has been refused for a quarter of an hour",
        "Statuses or rules are old, or a freeze does not begin or end as it should. The operator's log names the object"
        " and the answer: a missing right, another webhook, an API server that is overloaded, an object of somebody"
        " else's that has the name of one with rules.",
        for_s=900,
    ),
    HealthAlert(
        Alert.LISTS_STALE,
        f"time() - min(max by(resource) ({Metric.LIST_TIMESTAMP_SECONDS})) > 900",
        "Frostline's operator has not listed what it watches for {{ $value | humanizeDuration }}",
        "It decides by an old picture of the cluster. The API server refuses or does not answer: its log says which"
        " kind cannot be listed.",
        for_s=0,
    ),
    HealthAlert(
        Alert.FREEZE_NOT_HELD,
        f'{_HELD} and max({Metric.ARMED}{{part=~"freeze|webhook"}}) == 0',
        "{{ $value }} workloads are frozen on paper, and nothing refuses their releases",
        "The kill switch was used, or the gates could not be armed. kubectl describe slo says which; frostline resume"
        " undoes the kill switch.",
    ),
    HealthAlert(
        Alert.WEBHOOK_ABSENT,
        f'{_HELD} and max({Metric.ARMED}{{part="webhook"}}) == 1 unless sum({WebhookMetric.INDEX_SYNCED}) > 0',
        "Frostline's webhook is away while releases of {{ $value }} workloads are held",
        "The admission policy still refuses them, without a word about why and what would pass; on servers before 1.30"
        " all releases of frozen workloads fail. Look at its pods; or it is not scraped here.",
    ),
    HealthAlert(
        Alert.CERTIFICATE_ENDS,
        f"min({WebhookMetric.CERTIFICATE_EXPIRY} > 0) - time() < 7 * 86400",
        "The certificate of Frostline's webhook ends in {{ $value | humanizeDuration }}",
        "The operator renews it weeks before: it cannot write its Secret, or a certificate from elsewhere was"
        " forgotten. Afterwards the API server hears no verdict.",
        for_s=3_600,
    ),
    HealthAlert(
        Alert.RULES_FAILING,
        f"sum by(rule_group) (increase(prometheus_rule_evaluation_failures_total{_OURS}[15m])) > 0"
        f"\nor sum by(rule_group) (increase(prometheus_rule_group_iterations_missed_total{_OURS}[15m])) > 0",
        "Rules of Frostline are not evaluated as they should: {{ $labels.rule_group }}",
        "Alerts on the promises in this group may not fire. Prometheus says why on its page of rules.",
    ),
)
