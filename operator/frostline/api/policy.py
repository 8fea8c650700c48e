"""An ErrorBudgetPolicy: levels, what they do to releases, and what brings them back."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from frostline.api.base import NUMBER, Model, cel
from frostline.core.policy import OVERRIDE_CLASSES, Level, Mode, OverrideClass, Rule
from frostline.core.projection import Operational

_STRICTNESS: Final = {rule.value: rule.rank for rule in Rule}
_IN_ORDER: Final = " && ".join(
    f"{_STRICTNESS}[self.{better}] <= {_STRICTNESS}[self.{worse}]"
    for better, worse in (("healthy", "depleting"), ("depleting", "endangered"), ("endangered", "exhausted"))
)
_NARROWER: Final = " && ".join(
    f"self.{worse}.all(c, c in self.{better})"
    for better, worse in (("healthy", "depleting"), ("depleting", "endangered"), ("endangered", "exhausted"))
)

_DURATION: Final = (
    r"self.matches('^[1-9][0-9]{0,4}(s|m|h|d)$')",
    "must be a whole number of s, m, h or d, such as 15m",
)
_SECONDS: Final = (
    "(self.endsWith('d') ? 86400 : self.endsWith('h') ? 3600 : self.endsWith('m') ? 60 : 1)"
    " * int(self.substring(0, self.size() - 1))"
)
DurationText = Annotated[str, Field(max_length=16, json_schema_extra=cel(_DURATION))]
HoldText = Annotated[
    str,
    Field(
        max_length=16,
        json_schema_extra=cel(
            _DURATION, (f"!({_DURATION[0]}) || {_SECONDS} <= 86400", "must be at most 1d: more is not remembered")
        ),
    ),
]
"""How long something must hold: after a restart levels are told again from the last day."""
Percent = Annotated[Decimal, Field(ge=0, le=100), NUMBER]
Classes = Annotated[list[OverrideClass], Field(max_length=4, json_schema_extra={"x-kubernetes-list-type": "set"})]


def _classes(level: Level) -> list[OverrideClass]:
    return [each for each in OverrideClass if each in OVERRIDE_CLASSES[level]]


class Bounds(Model):
    """Bounds between the levels, in percent of the budget left."""

    model_config = ConfigDict(
        json_schema_extra=cel(("self.depleting > self.endangered", "depleting must be above endangered"))
    )

    depleting: Percent = Field(default=Decimal(70), description="Healthy above it, Depleting at or below it.")
    endangered: Percent = Field(default=Decimal(30), description="Endangered below it.")


class BurnBounds(Model):
    """Burn rates above which a budget counts as Depleting or Endangered, over 6 h and 30 min at once."""

    model_config = ConfigDict(
        json_schema_extra=cel(("self.endangered > self.depleting", "endangered must be above depleting"))
    )

    depleting: Annotated[Decimal, Field(ge=1, le=1000), NUMBER] = Field(
        default=Decimal(2), description="Burn rate above which the level is at least Depleting."
    )
    endangered: Annotated[Decimal, Field(ge=1, le=1000), NUMBER] = Field(
        default=Decimal(5), description="Burn rate above which the level is at least Endangered."
    )


class Releases(Model):
    """The release rule of each level; a worse level has no looser rule."""

    model_config = ConfigDict(json_schema_extra=cel((_IN_ORDER, "a worse level must not have a looser rule")))

    healthy: Rule = Field(default=Rule.OPEN, description="Rule while Healthy.")
    depleting: Rule = Field(default=Rule.WARN, description="Rule while Depleting.")
    endangered: Rule = Field(default=Rule.SLUSH, description="Rule while Endangered.")
    exhausted: Rule = Field(default=Rule.FREEZE, description="Rule while Exhausted.")


class Passes(Model):
    """What of a pod template is no release. Scale, restart, rollback and metadata pass always."""

    withheld: Annotated[list[Operational], Field(max_length=6, json_schema_extra={"x-kubernetes-list-type": "set"})] = (
        Field(
            default_factory=list,
            description="Operational parts of the template that shall be held back like functional ones.",
        )
    )
    ignored_annotations: Annotated[
        list[Annotated[str, Field(max_length=317)]],
        Field(max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(
        default_factory=list, description="Annotations of the template that are no configuration, as tools leave them."
    )
    ignored_containers: Annotated[
        list[Annotated[str, Field(max_length=63)]],
        Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(default_factory=list, description="Containers that an injector adds to the workload object.")
    ignored_volumes: Annotated[
        list[Annotated[str, Field(max_length=63)]],
        Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(default_factory=list, description="Volumes that an injector adds to the workload object.")


class Overrides(Model):
    """What a ReleaseOverride may be for at each level; a worse level allows no more than a better one."""

    model_config = ConfigDict(
        json_schema_extra=cel((_NARROWER, "a worse level must not allow a class that a better one does not"))
    )

    healthy: Classes = Field(default=_classes(Level.HEALTHY), description="Classes while Healthy.")
    depleting: Classes = Field(default=_classes(Level.DEPLETING), description="Classes while Depleting.")
    endangered: Classes = Field(default=_classes(Level.ENDANGERED), description="Classes while Endangered.")
    exhausted: Classes = Field(default=_classes(Level.EXHAUSTED), description="Classes while Exhausted.")
    longest: DurationText = Field(default="24h", description="How long an override lives at most.")


class Hysteresis(Model):
    """What must be passed before a level gets better."""

    margin: Annotated[Decimal, Field(ge=0, le=20), NUMBER] = Field(
        default=Decimal(2), description="Percent points of budget beyond the bound."
    )
    hold: HoldText = Field(default="15m", description="For how long.")


class Lift(Model):
    """What ends a freeze."""

    hold: HoldText = Field(default="1h", description="For how long the budget must have grown, with traffic.")


class PolicySpec(Model):
    """Which level a budget is in and what the level does to releases."""

    mode: Mode = Field(default=Mode.ENFORCE, description="Observe only, warn, or enforce.")
    namespaces: Annotated[
        list[Annotated[str, Field(max_length=63)]],
        Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(default_factory=list, description="Namespaces whose objectives may name this policy; all if empty.")
    levels: Bounds = Field(default_factory=Bounds, description=Bounds.__doc__)
    burn: BurnBounds = Field(default_factory=BurnBounds, description=BurnBounds.__doc__)
    releases: Releases = Field(default_factory=Releases, description=Releases.__doc__)
    passes: Passes = Field(default_factory=Passes, description=Passes.__doc__)
    overrides: Overrides = Field(default_factory=Overrides, description=Overrides.__doc__)
    hysteresis: Hysteresis = Field(default_factory=Hysteresis, description=Hysteresis.__doc__)
    lift: Lift = Field(default_factory=Lift, description=Lift.__doc__)


class PolicyStatus(Model):
    """Who goes by the policy now."""

    objectives: int = Field(default=0, description="Objectives that go by it.")
    holding: int = Field(default=0, description="Release gates that hold releases back by it: it cannot be loosened.")
