"""From a ReleaseGate as the API server holds it to the gate that the core judges by, and back."""

from collections.abc import Mapping
from typing import Any

from frostline.api.gate import GateShape, GateSpec, TemplateProjection
from frostline.core.gate import Claim, Gate, Good, Override, Workload
from frostline.core.projection import Canonical, Shape, canonical


def gate(manifest: Mapping[str, Any]) -> Gate:
    """Return the gate that a manifest describes.

    Raises:
        pydantic.ValidationError: it is none, which the API server lets nobody write.
    """
    # While an upgrade rolls through, one process meets fields that only the other knows yet.
    spec = GateSpec.model_validate(manifest["spec"], extra="ignore")
    return Gate(
        workload=Workload(manifest["metadata"]["namespace"], spec.workload.kind, spec.workload.name),
        rule=spec.rule,
        since=int(spec.since.timestamp()),
        claims=tuple(
            Claim(
                objective=each.objective,
                level=each.level,
                rule=each.rule,
                since=int(each.since.timestamp()),
                budget=each.budget,
                measured_at=None if each.measured_at is None else int(each.measured_at.timestamp()),
            )
            for each in spec.by
        ),
        lifts_about=None if spec.lifts_about is None else int(spec.lifts_about.timestamp()),
        message=spec.message,
        override_classes=frozenset(spec.override_classes),
        shape=shape(spec.shape),
        running=None if spec.running is None else _comparable(spec.running),
        good=tuple(Good(each.source, _comparable(each.template)) for each in spec.good),
        overrides=tuple(
            Override(
                name=each.name,
                override_class=each.override_class,
                until=each.until.timestamp(),
                users=frozenset(each.users),
                images=frozenset(each.images) or None,
                template=None if each.template is None else _comparable(each.template),
                used=each.used,
            )
            for each in spec.overrides
        ),
    )


def shape(spec: GateShape) -> Shape:
    """Return which parts of a template make a release."""
    return Shape(
        withheld=frozenset(spec.withheld),
        ignored_annotations=frozenset(spec.ignored_annotations),
        ignored_containers=frozenset(spec.ignored_containers),
        ignored_volumes=frozenset(spec.ignored_volumes),
    )


def _comparable(template: TemplateProjection) -> Canonical:
    fields = TemplateProjection.model_fields.items()
    return canonical({field.alias or name: getattr(template, name) for name, field in fields})
