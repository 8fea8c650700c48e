"""A ReleaseGate: what is held back of one workload. The operator writes it, everybody else reads it."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue

from frostline.api.base import Model
from frostline.core.policy import Level, OverrideClass, Rule
from frostline.core.projection import Operational

AnyObject = Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
_Text = Annotated[str, Field(max_length=2048)]
_ATOMIC: Final[dict[str, JsonValue]] = {"x-kubernetes-list-type": "atomic"}


class WorkloadReference(Model):
    """A workload of the same namespace."""

    kind: Literal["Deployment", "StatefulSet", "DaemonSet"] = Field(description="Kind of the workload.")
    name: Annotated[str, Field(max_length=253)] = Field(description="Name of the workload.")


class TemplateProjection(Model):
    """What of a pod template makes a release, as the API server printed it; its fields are those of a pod."""

    containers: Annotated[list[AnyObject], Field(max_length=256)] = Field(
        default_factory=list, description="Containers.", json_schema_extra=_ATOMIC
    )
    init_containers: Annotated[list[AnyObject], Field(max_length=256)] = Field(
        default_factory=list, description="Init containers.", json_schema_extra=_ATOMIC
    )
    volumes: Annotated[list[AnyObject], Field(max_length=512)] = Field(
        default_factory=list, description="Volumes.", json_schema_extra=_ATOMIC
    )
    annotations: dict[str, Annotated[str, Field(max_length=262144)]] = Field(
        default_factory=dict, description="Annotations of the template."
    )
    labels: dict[str, Annotated[str, Field(max_length=262144)]] = Field(
        default_factory=dict, description="Labels of the template, where withheld."
    )
    pod: AnyObject = Field(default_factory=dict, description="Other fields of the pod's spec.")


class GateClaim(Model):
    """A promise that asks for this gate."""

    objective: _Text = Field(description="Name of the ServiceLevelObjective.")
    uid: _Text = Field(description="Its uid.")
    policy: _Text = Field(description="Name of its ErrorBudgetPolicy.")
    through: _Text = Field(description="The entry of its protects that names the workload.")
    level: Level = Field(description="Its level.")
    since: datetime = Field(description="Since when.")
    rule: Rule = Field(description="What it asks for.")
    budget: _Text = Field(description="Budget left.")
    measured_at: datetime | None = Field(default=None, description="The moment the figure is of.")
    trouble: _Text = Field(default="", description="Why it is not measured now; empty when it is.")
    lifts_about: datetime | None = Field(default=None, description="The earliest moment at which it may let go.")
    override_classes: Annotated[list[OverrideClass], Field(max_length=4)] = Field(
        default_factory=list, description="What it lets an override be for.", json_schema_extra=_ATOMIC
    )


class GateShape(Model):
    """Which parts of the pod template make a release; fixed while the gate holds."""

    withheld: Annotated[list[Operational], Field(max_length=6)] = Field(
        default_factory=list, description="Operational parts that are held back, too.", json_schema_extra=_ATOMIC
    )
    ignored_annotations: Annotated[list[_Text], Field(max_length=32)] = Field(
        default_factory=list, description="Template annotations that are no configuration.", json_schema_extra=_ATOMIC
    )
    ignored_containers: Annotated[list[_Text], Field(max_length=16)] = Field(
        default_factory=list, description="Containers put in by injectors.", json_schema_extra=_ATOMIC
    )
    ignored_volumes: Annotated[list[_Text], Field(max_length=16)] = Field(
        default_factory=list, description="Volumes put in by injectors.", json_schema_extra=_ATOMIC
    )


class GoodTemplate(Model):
    """A template that may come back."""

    source: _Text = Field(description="Where it is known from, such as revision 12.")
    template: TemplateProjection = Field(description="The template.")


class GateOverride(Model):
    """A ReleaseOverride for this workload, as both gates read it."""

    name: _Text = Field(description="Name of the ReleaseOverride.")
    uid: _Text = Field(description="Its uid.")
    # "class" is a word of the language.
    override_class: OverrideClass = Field(alias="class", description="What it is for.")
    until: datetime = Field(description="When it ends.")
    users: Annotated[list[_Text], Field(max_length=16)] = Field(
        default_factory=list, description="Who may use it; nobody once it has ended.", json_schema_extra=_ATOMIC
    )
    images: Annotated[list[_Text], Field(max_length=32)] = Field(
        default_factory=list,
        description="Images that it may bring; any if empty.",
        json_schema_extra=_ATOMIC,
    )
    template: TemplateProjection | None = Field(
        default=None, description="The one template that it may bring; any if absent."
    )
    single_use: bool = Field(default=False, description="Whether its first use ties it to the template used.")
    used: bool = Field(default=False, description="Whether it was used; single use: it is tied to `template`.")


class GateDisplay(Model):
    """What kubectl get shows."""

    workload: _Text = Field(description="The workload.")
    by: _Text = Field(description="The promise that asks for most, and how many more.")
    level: _Text = Field(description="Its level.")
    since: _Text = Field(description="Since when the rule is in force.")
    lifts_about: _Text = Field(description="When it may lift.")


class GateSpec(Model):
    """What is held back of one workload, why, and what passes. Written by the operator only."""

    workload: WorkloadReference = Field(description="What is gated.")
    rule: Rule = Field(description="Warn, Slush or Freeze: the strictest that any promise asks for.")
    since: datetime = Field(description="Since when the rule is in force.")
    by: Annotated[list[GateClaim], Field(max_length=64)] = Field(
        description="The promises that ask for it, the strictest first.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["objective"]},
    )
    lifts_about: datetime | None = Field(default=None, description="The earliest moment at which it may lift.")
    message: Annotated[str, Field(max_length=2048)] = Field(description="One sentence for whoever is refused.")
    override_classes: Annotated[list[OverrideClass], Field(max_length=4)] = Field(
        default_factory=list, description="What a ReleaseOverride may be for.", json_schema_extra=_ATOMIC
    )
    shape: GateShape = Field(default_factory=GateShape, description=GateShape.__doc__)
    running: TemplateProjection | None = Field(
        default=None, description="The template that ran when the operator last looked; a re-creation of it passes."
    )
    running_from: _Text = Field(default="", description="Where that template is known from, such as revision 12.")
    good: Annotated[list[GoodTemplate], Field(max_length=32)] = Field(
        default_factory=list, description="Templates that may come back.", json_schema_extra=_ATOMIC
    )
    overrides: Annotated[list[GateOverride], Field(max_length=32)] = Field(
        default_factory=list,
        description="Overrides for this workload.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    display: GateDisplay | None = Field(default=None, description=GateDisplay.__doc__)
