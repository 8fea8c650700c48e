"""The spec of an ErrorBudgetPolicy: levels, what they do to releases, and what brings them back."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from frostline.api.base import NUMBER, Model, cel


class Mode(StrEnum):
    """How far a policy goes."""

    OBSERVE = "Observe"
    WARN = "Warn"
    ENFORCE = "Enforce"


class Rule(StrEnum):
    """What happens to a release."""

    OPEN = "Open"
    WARN = "Warn"
    SLUSH = "Slush"
    FREEZE = "Freeze"


DurationText = Annotated[
    str,
    Field(
        max_length=16,
        json_schema_extra=cel(
            (
                r"self.matches('^[1-9][0-9]{0,4}(s|m|h|d)$')",
                "must be a whole number of s, m, h or d, such as 15m",
            )
        ),
    ),
]
Percent = Annotated[Decimal, Field(ge=0, le=100), NUMBER]


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
    """The release rule of each level."""

    healthy: Rule = Field(default=Rule.OPEN, description="Rule while Healthy.")
    depleting: Rule = Field(default=Rule.WARN, description="Rule while Depleting.")
    endangered: Rule = Field(default=Rule.SLUSH, description="Rule while Endangered.")
    exhausted: Rule = Field(default=Rule.FREEZE, description="Rule while Exhausted.")


class Hysteresis(Model):
    """What must be passed before a level gets better."""

    margin: Annotated[Decimal, Field(ge=0, le=20), NUMBER] = Field(
        default=Decimal(2), description="Percent points of budget beyond the bound."
    )
    hold: DurationText = Field(default="15m", description="For how long.")


class Lift(Model):
    """What ends a freeze."""

    hold: DurationText = Field(default="1h", description="For how long the budget must have grown, with traffic.")


class PolicySpec(Model):
    """Which level a budget is in and what the level does to releases."""

    mode: Mode = Field(default=Mode.ENFORCE, description="Observe only, warn, or enforce.")
    levels: Bounds = Field(default_factory=Bounds, description=Bounds.__doc__)
    burn: BurnBounds = Field(default_factory=BurnBounds, description=BurnBounds.__doc__)
    releases: Releases = Field(default_factory=Releases, description=Releases.__doc__)
    hysteresis: Hysteresis = Field(default_factory=Hysteresis, description=Hysteresis.__doc__)
    lift: Lift = Field(default_factory=Lift, description=Lift.__doc__)
