"""What a gated workload runs, followed from one look to the next. Pure.

Both gates judge requests; this sees what came of them, and what never was a request to either of them.
"""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from pydantic import ValidationError

from frostline.api.base import as_json
from frostline.api.gate import GateOverride, GateSpec, GoodTemplate, TemplateProjection
from frostline.api.gated import shape
from frostline.controller.workloads import SeenWorkload
from frostline.core.projection import Canonical, Projection, canonical, differences, images, project

AT_START: Final = "the start of the freeze"
_OVERRIDE: Final = "override "
_UNRECORDED: Final = "an unrecorded change"
_MOST_GOOD: Final = 32
_MOST_CHARACTERS: Final = 1_000_000
"""Of all templates in a gate together: the API server stores objects of up to some 1.5 MB."""


class TooLargeError(ValueError):
    """A pod template is larger than a gate can hold."""


class Arrived(StrEnum):
    """How a template came to run while its workload was held back."""

    ROLLED_BACK = "RolledBack"
    OVERRIDDEN = "Overridden"
    UNRECORDED = "Unrecorded"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A template that a held workload has come to run: `source` says where from, `changed` what differs."""

    how: Arrived
    source: str
    changed: tuple[str, ...]


def begun(spec: GateSpec, running: Projection, earlier: Sequence[tuple[str, Projection]]) -> GateSpec:
    """Return a gate that begins to hold: what runs now is not good, what ran before is.

    `earlier` are (source, template), the newest first; those that equal what runs now are the culprit again.

    Raises:
        TooLargeError: what runs now cannot be stored, or nothing of what ran before: the way back must stay open.
    """
    begins = spec.model_copy(update={"running": _stored(running), "running_from": AT_START})
    seen = {canonical(running)}
    good = []
    for source, template in earlier:
        same = canonical(template)
        if same not in seen:
            seen.add(same)
            with contextlib.suppress(TooLargeError):
                good.append(GoodTemplate(source=source, template=_stored(template)))
    kept = _fitting(begins, good)
    if len(seen) > 1 and not kept:
        raise TooLargeError("no template that ran before fits into a gate beside the one that runs now")
    return begins.model_copy(update={"good": kept})


def follow(spec: GateSpec, seen: SeenWorkload) -> tuple[GateSpec, Arrival | None]:
    """Return the gate after a look at its workload, and what arrived since the last look.

    Raises:
        TooLargeError: what runs now cannot be stored.
    """
    if spec.running is None:
        return spec, None
    template = project(seen.template(), shape(spec.shape))
    now, before = canonical(template), _canonical(spec.running)
    if now == before:
        return (_settled(spec, now) if seen.settled else spec), None
    changed = differences(as_json(spec.running), template)
    update: dict[str, object] = {"running": _stored(template)}
    for good in spec.good:
        if _canonical(good.template) == now:
            arrival = Arrival(Arrived.ROLLED_BACK, good.source, changed)
            return spec.model_copy(update={**update, "running_from": good.source}), arrival
    for override in spec.overrides:
        if _lets_pass(spec, override, template, now, seen.changed_at):
            source = f"{_OVERRIDE}{override.name}"
            overrides = [_used(each, template) if each is override else each for each in spec.overrides]
            update |= {"running_from": source, "overrides": overrides}
            return spec.model_copy(update=update), Arrival(Arrived.OVERRIDDEN, source, changed)
    update["running_from"] = _UNRECORDED
    return spec.model_copy(update=update), Arrival(Arrived.UNRECORDED, _UNRECORDED, changed)


def _settled(spec: GateSpec, now: Canonical) -> GateSpec:
    """Count a template that an override brought among the good ones, once all pods run it."""
    if not spec.running_from.startswith(_OVERRIDE) or spec.running is None:
        return spec
    if any(_canonical(good.template) == now for good in spec.good):
        return spec
    added = GoodTemplate(source=spec.running_from, template=spec.running)
    return spec.model_copy(update={"good": _fitting(spec, [added, *spec.good])})


def _fitting(spec: GateSpec, good: Sequence[GoodTemplate]) -> list[GoodTemplate]:
    """Return the first of the good templates, as many as a gate can hold beside what runs."""
    room = _MOST_CHARACTERS - (0 if spec.running is None else _size(spec.running))
    kept: list[GoodTemplate] = []
    for each in good[:_MOST_GOOD]:
        room -= _size(each.template)
        if room < 0:
            break
        kept.append(each)
    return kept


def _size(template: TemplateProjection) -> int:
    return len(json.dumps(as_json(template, empties=False)))


def _lets_pass(spec: GateSpec, override: GateOverride, template: Projection, now: Canonical, at: float) -> bool:
    """Return whether an override lets a template pass; who used it, only the gates saw."""
    if override.override_class not in spec.override_classes or override.until < datetime.fromtimestamp(at, UTC):
        return False
    if override.images and not images(template) <= set(override.images):
        return False
    return override.template is None or _canonical(override.template) == now


def _used(override: GateOverride, template: Projection) -> GateOverride:
    tied = _stored(template) if override.single_use else override.template
    return override.model_copy(update={"used": True, "template": tied})


def _stored(template: Projection) -> TemplateProjection:
    try:
        return TemplateProjection.model_validate(template)
    except ValidationError as error:
        first = error.errors()[0]
        raise TooLargeError(f"{'.'.join(map(str, first['loc']))} of its pod template: {first['msg']}") from None


def _canonical(template: TemplateProjection) -> Canonical:
    return canonical(as_json(template))
