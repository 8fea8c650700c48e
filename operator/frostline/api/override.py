"""A ReleaseOverride: one release passes a gate by declared exception, on record, for a while."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from frostline.api.base import Model, cel
from frostline.api.gate import TemplateProjection, WorkloadReference
from frostline.api.status import ConditionStatus
from frostline.core.policy import OverrideClass


class OverrideSpec(Model):
    """A declared exception: who releases what, why, until when. It cannot be edited: delete it, write another."""

    model_config = ConfigDict(
        json_schema_extra=cel(("self == oldSelf", "an override cannot be edited: delete it and create another"))
    )

    override_class: OverrideClass = Field(alias="class", description="What it is for; the level decides which count.")
    reason: Annotated[str, Field(min_length=1, max_length=1024)] = Field(
        description="Why this release cannot wait, for whoever reads it next week."
    )
    ticket: Annotated[str, Field(max_length=256)] | None = Field(default=None, description="Where the work is tracked.")
    workloads: Annotated[list[WorkloadReference], Field(min_length=1, max_length=16)] = Field(
        description="What may be released.", json_schema_extra={"x-kubernetes-list-type": "atomic"}
    )
    expires_at: datetime = Field(description="When it ends; the policy may end it earlier.")
    requested_by: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="Who asks for it: must be the user who creates it (kubectl auth whoami)."
    )
    users: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=16)] = Field(
        default_factory=list,
        description="Who may use it, such as the service account of a GitOps tool; requestedBy if empty.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    images: Annotated[list[Annotated[str, Field(max_length=1024)]], Field(max_length=32)] = Field(
        default_factory=list,
        description="Images that all containers must be among; any if empty.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    template: TemplateProjection | None = Field(
        default=None, description="The one template that may be released; any if absent."
    )
    single_use: bool = Field(default=False, description="Whether the first template released is the only one.")


class OverrideDisplay(Model):
    """What kubectl get shows."""

    state: str = Field(description="Live, or why not.")
    until: str = Field(description="When it ends.")
    workloads: str = Field(description="What may be released.")


class OverrideStatus(Model):
    """Whether the override counts now, and who used it."""

    until: datetime | None = Field(default=None, description="When it ends, as the policy has it.")
    used_at: datetime | None = Field(default=None, description="When it was first seen to be used.")
    display: OverrideDisplay | None = Field(default=None, description=OverrideDisplay.__doc__)
    conditions: Annotated[list[ConditionStatus], Field(max_length=8)] = Field(
        default_factory=list,
        description="Live: True once both gates let it pass.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
