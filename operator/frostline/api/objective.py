"""The spec of a ServiceLevelObjective: the promise."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from frostline.api.base import NUMBER, Day, Model, Number, cel
from frostline.core.category import Category
from frostline.core.rules import Alerting
from frostline.core.window import Period

_SELECTOR_EXAMPLE = 'http_requests_total{job="web",code=~"5.."}'

SelectorText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description=f"A PromQL selector of counters, such as {_SELECTOR_EXAMPLE}.",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=253)]
ShortText = Annotated[str, Field(min_length=1, max_length=253)]


class Ratio(Model):
    """Good events ÷ valid events, both counters. Say which events are bad, or which are good."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "has(self.good) != has(self.bad)",
                "give exactly one of good and bad; the other follows from valid",
            )
        )
    )

    good: SelectorText | None = Field(default=None, description="Selector of the good events; a subset of valid.")
    bad: SelectorText | None = Field(default=None, description="Selector of the bad events; a subset of valid.")
    valid: SelectorText = Field(description="Selector of all events that count, good and bad.")


Threshold = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra=cel(
            (
                r"self.matches('^[1-9][0-9]{0,8}(ms|s|m|h)$')",
                "must be a whole number of ms, s, m (minutes) or h, such as 800ms",
            )
        ),
    ),
]


class HistogramKind(StrEnum):
    """How Prometheus stores the histogram."""

    CLASSIC = "Classic"
    NATIVE = "Native"


class Latency(Model):
    """Requests at or under a threshold ÷ all requests, from a histogram in seconds."""

    histogram: SelectorText = Field(
        description="Selector of the histogram by its name without _bucket,"
        ' such as http_request_duration_seconds{job="web",code=~"2.."}.'
    )
    type: HistogramKind = Field(default=HistogramKind.CLASSIC, description="How Prometheus stores it.")
    threshold: Threshold = Field(
        description="The time a request may take, such as 800ms; a bucket bound of a classic histogram."
    )


class Quantile(Model):
    """A quantile of a classic histogram over some time, such as the p95 of 30 minutes."""

    histogram: SelectorText = Field(description="Selector of the histogram by its name without _bucket.")
    quantile: Number = Field(
        description="The quantile, between 0 and 1, such as 0.95.",
        json_schema_extra=cel(("self > 0.0 && self < 1.0", "must lie between 0 and 1: write 0.95 for p95")),
    )
    over: Threshold = Field(default="30m", description="The time that it is taken over.")


class TimeShare(Model):
    """Share of the time in which a value is on the good side of a bound, looked at each minute."""

    model_config = ConfigDict(
        json_schema_extra=cel(("has(self.gauge) != has(self.quantile)", "give exactly one of gauge and quantile"))
    )

    gauge: SelectorText | None = Field(default=None, description="Selector of the gauge; must match one series.")
    quantile: Quantile | None = Field(default=None, description=Quantile.__doc__)
    bound: Number = Field(description="The bound; a value at it is good.")
    good: Literal["Below", "Above"] = Field(default="Below", description="On which side of the bound it is good.")


class Freshness(Model):
    """Tasks done in time ÷ tasks; or the share of the time in which data was young enough."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "[has(self.histogram), has(self.age), has(self.timestamp)].filter(given, given).size() == 1",
                "give exactly one of histogram, age and timestamp",
            )
        )
    )

    histogram: SelectorText | None = Field(
        default=None, description="Selector of the histogram of task durations, by its name without _bucket."
    )
    age: SelectorText | None = Field(default=None, description="Selector of a gauge that shows the age in seconds.")
    timestamp: SelectorText | None = Field(
        default=None, description="Selector of a gauge that shows when data was last made, in epoch seconds."
    )
    within: Threshold = Field(description="How long a task may take, or how old data may be, such as 10m.")


Expression = Annotated[
    str,
    Field(
        min_length=1,
        max_length=8192,
        json_schema_extra=cel(
            ("self.contains('[$window]')", "must count over [$window], such as sum(increase(errors_total[$window]))")
        ),
    ),
]


class Query(Model):
    """Two PromQL expressions for those who write PromQL. Each gives one value: the events of [$window]."""

    bad: Expression = Field(description="The bad events of [$window], such as sum(increase(errors_total[$window])).")
    valid: Expression = Field(description="All events of [$window] that count, such as sum(increase(all[$window])).")


class Indicator(Model):
    """What is measured: valid events, and which of them are good."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "[has(self.ratio), has(self.latency), has(self.threshold), has(self.freshness), has(self.query)]"
                ".filter(given, given).size() == 1",
                "give exactly one of ratio, latency, threshold, freshness and query",
            )
        )
    )

    category: Category | None = Field(
        default=None, description="What users feel when it fails; shown, and used to group reports."
    )
    ratio: Ratio | None = Field(default=None, description=Ratio.__doc__)
    latency: Latency | None = Field(default=None, description=Latency.__doc__)
    threshold: TimeShare | None = Field(default=None, description=TimeShare.__doc__)
    freshness: Freshness | None = Field(default=None, description=Freshness.__doc__)
    query: Query | None = Field(default=None, description=Query.__doc__)


_PERCENT_RULES = cel(
    ("self < 100.0", "must be below 100: a promise of 100 % leaves no error budget; 99.9 is a common start"),
    ("self > 0.0", "must be above 0; write percent, such as 99.9"),
    ("self == 0.0 || self > 1.0", "must be in percent: write 99.9, not 0.999"),
)


class Target(Model):
    """The share of valid events that are good, in percent: promised, and hoped for."""

    model_config = ConfigDict(
        json_schema_extra=cel(("!has(self.stretch) || self.stretch > self.target", "stretch must be above target"))
    )

    target: Number = Field(
        description="The promise in percent, such as 99.9. 100 is refused: it leaves no budget.",
        json_schema_extra=_PERCENT_RULES,
    )
    stretch: Number | None = Field(
        default=None,
        description="What is hoped for, in percent; above target.",
        json_schema_extra=_PERCENT_RULES,
    )


_HOURS = (
    "(self.endsWith('w') ? 168 : self.endsWith('d') ? 24 : self.endsWith('h') ? 1 : 8760)"
    " * int(self.substring(0, self.size() - 1))"
)
_ROLLING_SHAPE = "self.matches('^[1-9][0-9]{0,4}[hdwy]$')"


class Window(Model):
    """The time that the promise is about: rolling, or a calendar period."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("has(self.rolling) != has(self.calendar)", "give exactly one of rolling and calendar"),
            ("!has(self.timeZone) || has(self.calendar)", "timeZone belongs to a calendar window"),
        )
    )

    rolling: (
        Annotated[
            str,
            Field(
                max_length=8,
                json_schema_extra=cel(
                    (
                        _ROLLING_SHAPE,
                        "must be a whole number of h, d, w or y, such as 30d (m would be minutes, not months)",
                    ),
                    (
                        f"!{_ROLLING_SHAPE} || ({_HOURS} >= 24 && {_HOURS} <= 8784)",
                        "must be from 1d to 1y",
                    ),
                ),
            ),
        ]
        | None
    ) = Field(default=None, description="Length of a rolling window from 1d to 1y, such as 7d, 28d, 30d or 4w.")
    calendar: Period | None = Field(
        default=None, description="A calendar period instead; weeks begin on Monday. Its budget is whole at its start."
    )
    time_zone: ShortText | None = Field(
        default=None,
        description="IANA time zone of the calendar period, such as Europe/Berlin; UTC if absent.",
    )


class Method(StrEnum):
    """What is counted against the budget."""

    OCCURRENCES = "Occurrences"
    TIMESLICES = "Timeslices"


class SliceLength(StrEnum):
    """Lengths of slices: those that fill five minutes evenly."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"


class Budgeting(Model):
    """What is counted against the budget: events, or slices of time that are good as a whole or not."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "(self.method == 'Timeslices') == has(self.sliceTarget)",
                "Timeslices need sliceTarget, and only Timeslices have one",
            ),
            ("self.method == 'Timeslices' || !has(self.sliceLength)", "only Timeslices have a sliceLength"),
        )
    )

    method: Method = Field(default=Method.OCCURRENCES, description="Occurrences (events) or Timeslices.")
    slice_length: SliceLength | None = Field(default=None, description="Length of a slice, 1m or 5m; 5m if absent.")
    slice_target: Number | None = Field(
        default=None,
        description="Percent of a slice's events that must be good for the slice to be good.",
        json_schema_extra=cel(("self > 0.0 && self <= 100.0", "must be above 0 and at most 100, in percent")),
    )


class Review(Model):
    """When people look at the promise again."""

    every: Annotated[
        str,
        Field(
            max_length=8,
            json_schema_extra=cel((r"self.matches('^[1-9][0-9]{0,3}[dw]$')", "must be days or weeks, such as 90d")),
        ),
    ] = Field(default="90d", description="How often the objective is reviewed.")
    last: Day | None = Field(default=None, description="Day of the last review, such as 2026-10-01.")


class AlertChoice(Model):
    """Which alerts the promise has. Their rules need Prometheus alone."""

    profile: Alerting | None = Field(
        default=None,
        description="Burn: pages and tickets by burn rates over two windows each. Pace: yellow and red instead."
        " None: no alerts. If absent what the rules are made with: Burn unless told otherwise.",
    )
    minimum_bad: Annotated[int, Field(ge=1, le=1_000_000), NUMBER] | None = Field(
        default=None,
        description="How much must have been bad before anybody is paged: events, or minutes or slices where those are"
        " counted. If absent 10 events, 2 minutes or 1 slice of 5 minutes.",
    )


class LabelSelector(Model):
    """Workloads by their labels."""

    match_labels: dict[str, Annotated[str, Field(max_length=63)]] = Field(
        description="Labels that a workload must carry, all of them.",
        json_schema_extra={"minProperties": 1, "maxProperties": 20},
    )


class Protected(Model):
    """Workloads of the same namespace whose releases spend this budget."""

    model_config = ConfigDict(
        json_schema_extra=cel(("has(self.name) != has(self.selector)", "give exactly one of name and selector"))
    )

    kind: Literal["Deployment", "StatefulSet", "DaemonSet"] = Field(description="Kind of the workload.")
    name: Name | None = Field(default=None, description="Name of one workload.")
    selector: LabelSelector | None = Field(default=None, description="Labels of several workloads.")


class ObjectiveSpec(Model):
    """A promise that a service makes to its users."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("!has(self.policyRef) || self.policyRef.size() > 0", "policyRef must name an ErrorBudgetPolicy"),
            ("!has(self.sourceRef) || self.sourceRef.size() > 0", "sourceRef must name a PrometheusSource"),
        )
    )

    indicator: Indicator = Field(description="What is measured.")
    objective: Target = Field(description="How much of it is promised.")
    window: Window = Field(description="Over which time.")
    budgeting: Budgeting | None = Field(default=None, description=Budgeting.__doc__)
    owner: ShortText | None = Field(default=None, description="Who answers for the promise: a team, a rota.")
    journey: ShortText | None = Field(default=None, description="The user journey it belongs to.")
    tier: Annotated[int, Field(ge=1, le=3), NUMBER] = Field(
        default=3,
        description="1 critical, watched around the clock; 2 important; 3 informational.",
    )
    rationale: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, description="Why this indicator and this target."
    )
    review: Review | None = Field(
        default=None, description="When people look at it again; overdue shows as a condition."
    )
    alerting: AlertChoice | None = Field(default=None, description=AlertChoice.__doc__)
    protects: Annotated[list[Protected], Field(max_length=32)] = Field(
        default_factory=list,
        description="Workloads whose releases wait when the budget is gone; in the objective's own namespace.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    policy_ref: ShortText | None = Field(
        default=None,
        description="Name of the ErrorBudgetPolicy; if absent the one called default, else the built-in one.",
    )
    source_ref: ShortText | None = Field(
        default=None,
        description="Name of the PrometheusSource; if absent the one that the namespace's label frostline.dev/source"
        " names, else the one called default, else the operator's own.",
    )
