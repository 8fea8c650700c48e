"""The spec of a ServiceLevelObjective: the promise."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from frostline.api.base import Model, cel

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


class Category(StrEnum):
    """What users feel."""

    AVAILABILITY = "Availability"
    LATENCY = "Latency"
    QUALITY = "Quality"
    CORRECTNESS = "Correctness"
    FRESHNESS = "Freshness"
    COVERAGE = "Coverage"
    DURABILITY = "Durability"
    SATURATION = "Saturation"


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


class Latency(Model):
    """Requests at or under a threshold ÷ all requests, from a classic histogram in seconds."""

    histogram: SelectorText = Field(
        description="Selector of the histogram by its name without _bucket,"
        ' such as http_request_duration_seconds{job="web",code=~"2.."}.'
    )
    threshold: Annotated[
        str,
        Field(
            max_length=32,
            json_schema_extra=cel(
                (
                    r"self.matches('^[1-9][0-9]{0,8}(ms|s|m|h)$')",
                    "threshold must be a whole number of ms, s, m (minutes) or h, such as 800ms",
                )
            ),
        ),
    ] = Field(description="The time a request may take, such as 800ms; must be a bucket bound of the histogram.")


class Gauge(Model):
    """Share of the time in which a gauge is on the right side of a bound. Not served yet."""

    gauge: SelectorText = Field(description="Selector of the gauge.")
    bound: float = Field(description="The bound that the gauge must not cross.")
    good: Literal["Below", "Above"] = Field(default="Below", description="On which side of the bound it is good.")


class Query(Model):
    """Two PromQL expressions for those who write PromQL. Not served yet."""

    bad: str = Field(min_length=1, max_length=8192, description="Expression of the rate of bad events.")
    valid: str = Field(min_length=1, max_length=8192, description="Expression of the rate of valid events.")


class Indicator(Model):
    """What is measured: valid events, and which of them are good."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "[has(self.ratio), has(self.latency), has(self.threshold), has(self.query)]"
                ".filter(given, given).size() == 1",
                "give exactly one of ratio, latency, threshold and query",
            )
        )
    )

    category: Category | None = Field(
        default=None, description="What users feel when it fails; shown, and used to group reports."
    )
    ratio: Ratio | None = Field(default=None, description=Ratio.__doc__)
    latency: Latency | None = Field(default=None, description=Latency.__doc__)
    threshold: Gauge | None = Field(default=None, description=Gauge.__doc__)
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

    target: Decimal = Field(
        description="The promise in percent, such as 99.9. 100 is refused: it leaves no budget.",
        json_schema_extra=_PERCENT_RULES,
    )
    stretch: Decimal | None = Field(
        default=None,
        description="What is hoped for, in percent; above target.",
        json_schema_extra=_PERCENT_RULES,
    )


class Calendar(StrEnum):
    """Calendar periods."""

    WEEK = "Week"
    MONTH = "Month"
    QUARTER = "Quarter"


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
    calendar: Calendar | None = Field(default=None, description="A calendar period instead. Not served yet.")
    time_zone: ShortText | None = Field(
        default=None,
        description="IANA time zone of the calendar period, such as Europe/Berlin; UTC if absent.",
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
    last: date | None = Field(default=None, description="Day of the last review, such as 2026-10-01.")


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
            ("!has(self.policyRef) || self.policyRef.size() > 0", "policyRef must name an ErrorBudgetPolicy")
        )
    )

    indicator: Indicator = Field(description="What is measured.")
    objective: Target = Field(description="How much of it is promised.")
    window: Window = Field(description="Over which time.")
    owner: ShortText | None = Field(default=None, description="Who answers for the promise: a team, a rota.")
    journey: ShortText | None = Field(default=None, description="The user journey it belongs to.")
    tier: int = Field(
        default=3,
        ge=1,
        le=3,
        description="1 critical, watched around the clock; 2 important; 3 informational.",
    )
    rationale: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, description="Why this indicator and this target."
    )
    review: Review | None = Field(
        default=None, description="When people look at it again; overdue shows as a condition."
    )
    protects: Annotated[list[Protected], Field(max_length=32)] = Field(
        default_factory=list,
        description="Workloads whose releases wait when the budget is gone. Recorded, not enforced yet.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    policy_ref: ShortText | None = Field(
        default=None, description="Name of the ErrorBudgetPolicy; the built-in one if absent. Not served yet."
    )
