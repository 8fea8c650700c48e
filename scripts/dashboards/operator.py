"""The operator and the webhook themselves: do they keep up, does anything fail, does what is frozen hold."""

from typing import Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from frostline.core.alerts import GROUP_PREFIX
from frostline.names import Metric, WebhookMetric
from scripts.dashboards import panels
from scripts.dashboards.panels import GREEN, ORANGE, RED, place

_OVER: Final = "[$__rate_interval]"


def _quantile(share: float, histogram: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket{_OVER})))"


def _mean(histogram: str) -> str:
    return f"sum(rate({histogram}_sum{_OVER})) / sum(rate({histogram}_count{_OVER}))"


def _rate(counter: str, by: str) -> str:
    return f"sum by ({by}) (rate({counter}{_OVER}))"


def _process(metric: str) -> str:
    """Return series of our processes alone: all programs have metrics of these names."""
    ours = f'group by (job, instance) ({{__name__=~"{Metric.BUILD_INFO}|{WebhookMetric.BUILD_INFO}"}})'
    return f"{metric} and on (job, instance) {ours}"


def dashboard() -> Dashboard:
    """Return it."""
    made = panels.board(
        "Frostline / operator",
        "frostline-operator",
        "Whether Frostline itself works: cycles, queries, writes, the webhook, certificates, rules.",
        "now-6h",
        [],
    )
    return panels.filled(made, (*_numbers(), *_measuring(), *_writing(), *_webhook(), *_processes()))


def _numbers() -> tuple[Builder[Panel], ...]:
    missing = panels.NONE_IS_GOOD
    expiry = f"min({WebhookMetric.CERTIFICATE_EXPIRY} > 0) - time()"
    told: tuple[tuple[str, str, str, str, panels.Steps], ...] = (
        (
            "Leaders",
            "Operators that lead. One, and no other number, is right.",
            f"sum({Metric.LEADER})",
            "short",
            ((None, RED), (1.0, GREEN), (2.0, RED)),
        ),
        (
            "Objectives",
            "Accepted ones.",
            f'max({Metric.OBJECTIVES}{{accepted="true"}})',
            "short",
            panels.PLAIN,
        ),
        (
            "Not accepted",
            "Manifests that cannot be measured. Their condition Accepted says why.",
            f'max({Metric.OBJECTIVES}{{accepted="false"}})',
            "short",
            missing,
        ),
        (
            "History read",
            "Since the operator started. Below 100 % levels do not change yet.",
            f"min({Metric.LEDGER_KNOWN_RATIO})",
            "percentunit",
            ((None, ORANGE), (1.0, GREEN)),
        ),
        (
            "Parts that hold",
            "Of the three that refuse releases: freeze, keep, webhook. At 0 nothing is refused.",
            f"sum(max by (part) ({Metric.ARMED}))",
            "short",
            ((None, RED), (1.0, ORANGE), (3.0, GREEN)),
        ),
        (
            "Certificate ends in",
            "The webhook's serving certificate. It is renewed long before.",
            expiry,
            "s",
            ((None, RED), (7 * 86_400.0, GREEN)),
        ),
    )
    return tuple(
        panels.big(title, text, promql, at=place(4 * index, 0, 4, 4), unit=unit, steps=steps)
        for index, (title, text, promql, unit, steps) in enumerate(told)
    )


def _measuring() -> tuple[Builder[Panel], ...]:
    return (
        panels.lines(
            "Duration of cycles",
            "Above the interval figures come late: too many objectives, or Prometheus is slow.",
            [
                (_mean(Metric.CYCLE_SECONDS), "mean"),
                (_quantile(0.99, Metric.CYCLE_SECONDS), "p99"),
                (f"max({Metric.CYCLE_INTERVAL_SECONDS})", "interval"),
            ],
            at=place(0, 4, 8, 8),
            unit="s",
            colours={"interval": RED},
        ),
        panels.lines(
            "Queries to Prometheus",
            "By outcome. All but answered are failures, and figures stay as they were.",
            [(_rate(f"{Metric.QUERY_SECONDS}_count", "outcome"), "{{outcome}}")],
            at=place(8, 4, 8, 8),
            unit="reqps",
            colours={"answered": GREEN},
        ),
        panels.lines(
            "Duration of queries",
            "What Prometheus takes for one of our questions.",
            [(_mean(Metric.QUERY_SECONDS), "mean"), (_quantile(0.99, Metric.QUERY_SECONDS), "p99")],
            at=place(16, 4, 8, 8),
            unit="s",
        ),
        panels.lines(
            "Objectives by how measuring went",
            "Many that Failed: Prometheus. NoData: a metric was renamed. Rehydrating: the operator has just started.",
            [(f"max by (outcome) ({Metric.OBJECTIVES_BY_OUTCOME})", "{{outcome}}")],
            at=place(0, 12, 8, 8),
            unit="short",
            colours={"Measured": GREEN, "Failed": RED},
            stacked=True,
        ),
    )


def _writing() -> tuple[Builder[Panel], ...]:
    return (
        panels.lines(
            "Writes of statuses",
            "By outcome. Refused: rights, or a loaded API server.",
            [(_rate(f"{Metric.STATUS_WRITES}_total", "outcome"), "{{outcome}}")],
            at=place(8, 12, 8, 8),
            unit="wps",
            colours={"refused": RED},
        ),
        panels.lines(
            "Writes of gates and marks",
            "By what was written, and outcome. Refused: a freeze does not begin or end as it should.",
            [(_rate(f"{Metric.ENFORCEMENT_WRITES}_total", "object, outcome"), "{{object}} {{outcome}}")],
            at=place(16, 12, 8, 8),
            unit="wps",
        ),
        panels.lines(
            "Age of what is known of the cluster",
            "Since all objects of a kind were last listed: five minutes at most, unless the API server refuses.",
            [(f"time() - max by (resource) ({Metric.LIST_TIMESTAMP_SECONDS})", "{{resource}}")],
            at=place(0, 20, 8, 8),
            unit="s",
        ),
        panels.lines(
            "Gates",
            "Those that stand, by rule, and what the webhook knows of.",
            [
                (f"max by (rule) ({Metric.GATES})", "{{rule}}"),
                (f"min({WebhookMetric.GATES})", "known to every webhook"),
            ],
            at=place(8, 20, 8, 8),
            unit="short",
            colours={"Freeze": RED, "Slush": ORANGE},
        ),
        panels.lines(
            "Our rules in Prometheus",
            "Evaluations that failed, and those that were skipped as the group took too long. Prometheus must scrape"
            " itself.",
            [
                (
                    f'sum(rate(prometheus_rule_evaluation_failures_total{{rule_group=~".*;{GROUP_PREFIX}.*"}}{_OVER}))',
                    "failed",
                ),
                (
                    "sum(rate(prometheus_rule_group_iterations_missed_total"
                    f'{{rule_group=~".*;{GROUP_PREFIX}.*"}}{_OVER}))',
                    "skipped",
                ),
            ],
            at=place(16, 20, 8, 8),
            unit="short",
        ),
    )


def _webhook() -> tuple[Builder[Panel], ...]:
    seconds = WebhookMetric.SECONDS
    return (
        panels.lines(
            "Webhook: duration of answers",
            "At 2 s the API server gives up, and the admission policy alone decides.",
            [(_quantile(0.5, seconds), "median"), (_quantile(0.99, seconds), "p99")],
            at=place(0, 28, 8, 8),
            unit="s",
        ),
        panels.lines(
            "Webhook: answers by status",
            "All but 200: the API server heard no verdict.",
            [(_rate(f"{WebhookMetric.REQUESTS}_total", "code"), "{{code}}")],
            at=place(8, 28, 8, 8),
            unit="reqps",
            colours={"200": GREEN},
        ),
        panels.lines(
            "Webhook: what goes wrong",
            "Records of decisions that were lost, Events that were not written, certificates that were not taken.",
            [
                (f"sum(rate({WebhookMetric.AUDIT_DROPPED}_total{_OVER})) or vector(0)", "records lost"),
                (
                    f'sum(rate({WebhookMetric.EVENTS}_total{{outcome="failed"}}{_OVER})) or vector(0)',
                    "Events not written",
                ),
                (
                    f"sum(rate({WebhookMetric.CERTIFICATES_REFUSED}_total{_OVER})) or vector(0)",
                    "certificates not taken",
                ),
            ],
            at=place(16, 28, 8, 8),
            unit="short",
        ),
        panels.lines(
            "Webhook: silence of the API server",
            "Since gates were last heard of. The worst replica.",
            [(f"time() - min({WebhookMetric.INDEX_HEARD} > 0)", "silent for")],
            at=place(0, 36, 8, 8),
            unit="s",
        ),
    )


def _processes() -> tuple[Builder[Panel], ...]:
    return (
        panels.lines(
            "CPU",
            "Cores in use by each process.",
            [(_process(f"rate(process_cpu_seconds_total{_OVER})"), "{{job}} {{instance}}")],
            at=place(8, 36, 8, 8),
            unit="short",
        ),
        panels.lines(
            "Memory",
            "In use by each process.",
            [(_process("process_resident_memory_bytes"), "{{job}} {{instance}}")],
            at=place(16, 36, 8, 8),
            unit="bytes",
        ),
        panels.lines(
            "Lag of the event loop",
            "By how much wake-ups come late. Above a second probes and watches suffer: the CPU limit is too low.",
            [(_quantile(0.99, Metric.EVENT_LOOP_LAG_SECONDS), "p99")],
            at=place(0, 44, 12, 7),
            unit="s",
        ),
        panels.rows(
            "Versions",
            "What runs. After an upgrade all are the same.",
            [
                (
                    f'count by (__name__, version) ({{__name__=~"{Metric.BUILD_INFO}|{WebhookMetric.BUILD_INFO}"}})',
                    "processes",
                )
            ],
            at=place(12, 44, 12, 7),
        ),
    )
