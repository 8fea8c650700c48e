"""The status of a ServiceLevelObjective: the account that the operator keeps."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from frostline.api.base import Model
from frostline.core.policy import Level, Rule


class BudgetStatus(Model):
    """What is left of the error budget."""

    remaining_percent: Decimal = Field(description="Budget left in percent; negative when overspent.")
    minutes_left: Decimal = Field(description="The same as time, in minutes.")
    minutes_total: Decimal = Field(description="The whole budget in minutes: (1 - target) of the window.")
    exhausted_in: str | None = Field(
        default=None,
        description="Time until nothing is left at the burn of the last hour; absent when not in sight.",
    )


class BurnStatus(Model):
    """How fast the budget was spent: 1 spends exactly all of it in a window."""

    window: str = Field(description="The time looked at, such as 1h.")
    rate: Decimal = Field(description="Error ratio in that time / (1 - target).")


class CountsStatus(Model):
    """The counted events behind the figure."""

    bad: Decimal = Field(description="Bad events in the window.")
    valid: Decimal = Field(description="Valid events in the window.")


class TargetChange(Model):
    """A change of the target: from then on the same events are judged by another measure."""

    at: datetime = Field(description="When the operator saw it.")
    before: Decimal = Field(description="The target before, in percent.")
    after: Decimal = Field(description="The target since, in percent.")


class QueriesStatus(Model):
    """PromQL to paste into Prometheus to check the figure; it differs from it by edges and births of series only."""

    good: str | None = Field(default=None, description="Good events in the window.")
    bad: str | None = Field(default=None, description="Bad events in the window.")
    valid: str = Field(description="Valid events in the window.")


class DisplayStatus(Model):
    """What kubectl get shows."""

    sli: str = Field(description="SLI, or why there is none.")
    target: str = Field(description="Target.")
    budget: str = Field(description="Budget left.")
    burn: str = Field(description="Burn rate over the last hour.")
    window: str = Field(description="Window.")
    minutes_left: str = Field(description="Minutes left of the budget.")
    exhausted_in: str = Field(description="Time to exhaustion.")
    measured: str = Field(description="How measuring went.")


class ConditionStatus(Model):
    """One condition, as Kubernetes defines them."""

    type: str = Field(description="What it is about.", max_length=316)
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: str = Field(description="One word a program can act on.", max_length=1024)
    message: str = Field(description="A sentence a person can act on.", max_length=32768)
    last_transition_time: datetime = Field(description="When status last changed.")
    observed_generation: int | None = Field(default=None, description="Generation of the spec it was said of.")


class ObjectiveStatus(Model):
    """The account of a promise, written by the operator."""

    observed_generation: int | None = Field(default=None, description="Generation of the spec it was said of.")
    measured_at: datetime | None = Field(default=None, description="The moment the figures are of.")
    sli: Decimal | None = Field(default=None, description="Good / valid events of the window, in percent.")
    target: Decimal | None = Field(default=None, description="The target that the figures are of, in percent.")
    target_changes: Annotated[list[TargetChange], Field(max_length=10)] = Field(
        default_factory=list,
        description="The last changes of the target, newest last: a step in the figures explains itself.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    budget: BudgetStatus | None = Field(default=None, description=BudgetStatus.__doc__)
    burn_rates: Annotated[list[BurnStatus], Field(max_length=16)] = Field(
        default_factory=list,
        description="Burn rates over several windows.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["window"]},
    )
    level: Level | None = Field(
        default=None, description="Level of the budget: Healthy, Depleting, Endangered, Exhausted."
    )
    level_since: datetime | None = Field(default=None, description="Since when the level is in force.")
    releases: Rule | None = Field(default=None, description="What happens to releases of the protected workloads.")
    counts: CountsStatus | None = Field(default=None, description=CountsStatus.__doc__)
    coverage_percent: Decimal | None = Field(
        default=None, description="Share of the window in which there was data, in percent."
    )
    queries: QueriesStatus | None = Field(default=None, description=QueriesStatus.__doc__)
    display: DisplayStatus | None = Field(default=None, description=DisplayStatus.__doc__)
    conditions: Annotated[list[ConditionStatus], Field(max_length=16)] = Field(
        default_factory=list,
        description="Accepted, Measured, WithinObjective, ReleasesOpen, ReviewCurrent.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
