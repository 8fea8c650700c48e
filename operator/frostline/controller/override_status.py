"""What the status of a ReleaseOverride says: whether it counts now, and if not, why not. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from frostline import names
from frostline.api.base import JsonObject, as_json
from frostline.api.gate import GateSpec
from frostline.api.override import OverrideDisplay, OverrideSpec, OverrideStatus
from frostline.api.status import ConditionStatus
from frostline.controller.gating import Ask, Declared, longest_override
from frostline.controller.store import Stored
from frostline.controller.words import minute
from frostline.core.gate import Workload


def declared_by(stored: Stored) -> Declared | None:
    """Return an override as it was read; None where it cannot be read, which its status then says."""
    try:
        return _declared(stored)
    except ValidationError:
        return None


def _declared(stored: Stored) -> Declared:
    spec = OverrideSpec.model_validate(stored.spec)
    created = datetime.fromisoformat(stored.created)
    return Declared(stored.key.name, stored.uid, created, spec, used=_read(stored.status).used_at is not None)


def override_status(stored: Stored, gates: Mapping[Workload, GateSpec], asks: Iterable[Ask], now: int) -> JsonObject:
    """Return the status of an override at epoch second `now`, given gates, and what promises ask for."""
    try:
        declared = _declared(stored)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        sentence = f"spec.{where}: {first['msg']}"
        return _status(stored, now, names.Reason.INVALID, sentence, until=None, workloads="", used=False)
    workloads = [Workload(stored.key.namespace, each.kind, each.name) for each in declared.spec.workloads]
    named = ", ".join(map(str, workloads))
    holding = [gates[each] for each in workloads if each in gates and gates[each].rule.holds]
    carried = [each for gate in holding for each in gate.overrides if each.uid == stored.uid]
    here = [ask for ask in asks if ask.key.namespace == stored.key.namespace]
    longest = longest_override([claim for gate in holding for claim in gate.by], here)
    until = min((each.until for each in carried), default=declared.ends(longest))
    used = declared.used or any(each.used for each in carried)
    reason, sentence = _verdict(declared.spec, holding, until, now, carried=bool(carried), used=used)
    return _status(stored, now, reason, sentence, until=until, workloads=named, used=used)


def _verdict(
    spec: OverrideSpec, holding: Sequence[GateSpec], until: datetime, now: int, *, carried: bool, used: bool
) -> tuple[names.Reason, str]:
    if until.timestamp() <= now:
        return names.Reason.EXPIRED, f"it ended at {minute(until)}: create another if it is still needed"
    if not holding:
        return names.Reason.NOTHING_HELD, "releases of its workloads are not held back: nothing to override"
    refusing = [each for each in holding if spec.override_class not in each.override_classes]
    if refusing:
        allowed = ", ".join(refusing[0].override_classes) or "none"
        return (
            names.Reason.CLASS_NOT_ALLOWED,
            f"class {spec.override_class} does not count at level {refusing[0].by[0].level}; allowed: {allowed}",
        )
    if spec.single_use and used:
        return names.Reason.USED_UP, "it was used: only the template that it released passes again"
    if not carried:
        return names.Reason.PENDING, "the operator has not passed it on yet"
    return names.Reason.LIVE, f"both gates let it pass until {minute(until)}"


def _status(
    stored: Stored,
    now: int,
    reason: names.Reason,
    sentence: str,
    *,
    until: datetime | None,
    workloads: str,
    used: bool,
) -> JsonObject:
    before = _read(stored.status)
    live = "True" if reason is names.Reason.LIVE else "False"
    since = datetime.fromtimestamp(now, UTC)
    for old in before.conditions:
        if old.type == names.Condition.LIVE and old.status == live:
            since = old.last_transition_time
    condition = ConditionStatus.model_validate(
        {
            "type": names.Condition.LIVE.value,
            "status": live,
            "reason": reason.value,
            "message": sentence,
            "last_transition_time": since,
            "observed_generation": stored.generation,
        }
    )
    status = OverrideStatus(
        until=until,
        used_at=datetime.fromtimestamp(now, UTC) if used and before.used_at is None else before.used_at,
        display=OverrideDisplay(state=reason.value, until="" if until is None else minute(until), workloads=workloads),
        conditions=[condition],
    )
    return dict(as_json(status))


def _read(status: Mapping[str, Any]) -> OverrideStatus:
    try:
        return OverrideStatus.model_validate(status)
    except ValidationError:
        return OverrideStatus()
