"""Which gates there shall be: from what promises ask for, what stands, and the overrides. Pure.

What stands is remembered by the gates themselves. A promise of which nothing can be said now keeps what it asked for;
only one that says so itself, or is gone, lets go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Final

from frostline.api.gate import GateClaim, GateDisplay, GateOverride, GateShape, GateSpec, WorkloadReference
from frostline.api.override import OverrideSpec
from frostline.controller import words
from frostline.controller.account import Key
from frostline.core.gate import Workload
from frostline.core.policy import OverrideClass, Releases, Rule, strictest
from frostline.core.projection import Shape
from frostline.core.release import Standing, asked

_REMEMBERED: Final = timedelta(hours=1)
"""For how long an override that ended is still there to say so."""
_LONGEST_OVERRIDE: Final = timedelta(hours=24)
_MOST_OVERRIDES: Final = 32
_MOST_CLAIMS: Final = 64
_FIGURES_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Ask:
    """What one promise asks for.

    Attributes:
        standing: its level and what follows from it; None when nothing can be said of it now.
        trouble: why it is not measured now, empty when it is.
        through: the workloads that entries of `protects` name now, and by which entry.
        entries: all entries of `protects`; None where the manifest cannot be read.
    """

    key: Key
    uid: str
    policy: str
    releases: Releases
    standing: Standing | None
    trouble: str
    through: Mapping[Workload, str]
    entries: frozenset[str] | None

    def keeps(self, claim: GateClaim) -> bool:
        """Return whether a claim stays on a workload that no entry names now."""
        if self.entries is None:
            return True
        # It left the selector, or was deleted: neither is a way out.
        return claim.rule.holds and claim.through in self.entries


@dataclass(frozen=True, slots=True)
class Declared:
    """A ReleaseOverride as it was read: when it was made, what it says, and whether it was ever used."""

    name: str
    uid: str
    created: datetime
    spec: OverrideSpec
    used: bool = False

    def ends(self, longest: timedelta | None) -> datetime:
        """Return when it ends, to the second; `longest` is how long a policy lets it live, None where none is known."""
        latest = self.created + (_LONGEST_OVERRIDE if longest is None else longest)
        return min(self.spec.expires_at, latest).replace(microsecond=0)


def rule_asked(ask: Ask, before: Rule) -> Rule:
    """Return the rule that a promise asks for now, given the one it asked for before."""
    return before if ask.standing is None else asked(ask.releases, ask.standing, before)


def claims(workload: Workload, standing: Sequence[GateClaim], asks: Sequence[Ask]) -> list[GateClaim]:
    """Return who asks for a gate on a workload, the strictest and worst first, as many as a gate can name."""
    found = []
    before = {each.objective: each for each in standing}
    for ask in asks:
        old = before.get(ask.key.name)
        if old is not None and old.uid != ask.uid:
            old = None
        through = ask.through.get(workload)
        if through is None and old is not None and ask.keeps(old):
            through = old.through
        claim = None if through is None else _claim(ask, through, old)
        if claim is not None:
            found.append(claim)
    found.sort(key=lambda each: (-each.rule.rank, -each.level.rank, each.since, each.objective))
    return found[:_MOST_CLAIMS]


def _claim(ask: Ask, through: str, old: GateClaim | None) -> GateClaim | None:
    if ask.standing is None:
        return None if old is None else old.model_copy(update={"trouble": ask.trouble, "lifts_about": None})
    standing = ask.standing
    rule = asked(ask.releases, standing, Rule.OPEN if old is None else old.rule)
    if rule is Rule.OPEN:
        return None
    return GateClaim(
        objective=ask.key.name,
        uid=ask.uid,
        policy=ask.policy,
        through=through,
        level=standing.level,
        since=words.utc(standing.since),
        rule=rule,
        budget=f"{words.decimal(standing.remaining * 100, 1)}%",
        measured_at=None if standing.measured_at is None else words.utc(standing.measured_at),
        trouble=ask.trouble,
        lifts_about=None if standing.lifts_about is None else words.utc(standing.lifts_about),
        override_classes=_ordered(ask.releases.override_classes[standing.level]),
    )


def _ordered(classes: Iterable[OverrideClass]) -> list[OverrideClass]:
    allowed = set(classes)
    return [each for each in OverrideClass if each in allowed]


def gate(
    workload: Workload,
    old: GateSpec | None,
    by: Sequence[GateClaim],
    *,
    shape: Shape,
    overrides: Iterable[Declared],
    longest_override: timedelta | None,
    now: int,
) -> GateSpec | None:
    """Return what the gate of a workload shall say, None when there shall be none.

    A gate that begins to hold comes without templates: they are read then, once. `shape` counts for such a gate only.
    """
    rule = strictest(*(each.rule for each in by))
    if rule is Rule.OPEN:
        return None
    holding = [each for each in by if each.rule.holds]
    since = old.since if old is not None and old.rule is rule else words.utc(now)
    lifts = [each.lifts_about for each in holding]
    remembered = old if old is not None and old.rule.holds and rule.holds else None
    spec = GateSpec(
        workload=WorkloadReference.model_validate({"kind": workload.kind, "name": workload.name}),
        rule=rule,
        since=since,
        by=list(by),
        lifts_about=max((each for each in lifts if each is not None), default=None) if None not in lifts else None,
        message="",
        override_classes=_common(holding),
        shape=_shape(shape) if remembered is None else remembered.shape,
        running=None if remembered is None else remembered.running,
        running_from="" if remembered is None else remembered.running_from,
        good=[] if remembered is None else remembered.good,
        overrides=[] if not rule.holds else _overrides(workload, remembered, overrides, longest_override, now),
    )
    said = words.gate_message(workload, spec)
    return spec.model_copy(update={"message": said, "display": _display(workload, spec)})


def _common(holding: Sequence[GateClaim]) -> list[OverrideClass]:
    """Return the classes that all who hold the workload back allow."""
    if not holding:
        return []
    return [each for each in OverrideClass if all(each in claim.override_classes for claim in holding)]


def _shape(shape: Shape) -> GateShape:
    return GateShape(
        withheld=sorted(shape.withheld),
        ignored_annotations=sorted(shape.ignored_annotations),
        ignored_containers=sorted(shape.ignored_containers),
        ignored_volumes=sorted(shape.ignored_volumes),
    )


def common_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the strictest of several shapes: what any withholds is withheld, only what all ignore is ignored."""
    if not shapes:
        return Shape()
    return Shape(
        withheld=frozenset().union(*(each.withheld for each in shapes)),
        ignored_annotations=reduce(frozenset.__and__, (each.ignored_annotations for each in shapes)),
        ignored_containers=reduce(frozenset.__and__, (each.ignored_containers for each in shapes)),
        ignored_volumes=reduce(frozenset.__and__, (each.ignored_volumes for each in shapes)),
    )


def longest_override(by: Iterable[GateClaim], asks: Iterable[Ask]) -> timedelta | None:
    """Return how long an override lives at most by the policies of all who hold back; None where none is known."""
    holding = {each.objective for each in by if each.rule.holds}
    known = (ask for ask in asks if ask.key.name in holding and ask.standing is not None)
    return min((ask.releases.longest_override for ask in known), default=None)


def _overrides(
    workload: Workload, old: GateSpec | None, declared: Iterable[Declared], longest: timedelta | None, now: int
) -> list[GateOverride]:
    carried = {} if old is None else {each.uid: each for each in old.overrides}
    found = []
    for each in declared:
        if not any((named.kind, named.name) == (workload.kind, workload.name) for named in each.spec.workloads):
            continue
        known = carried.get(each.uid)
        if known is None and each.used and each.spec.single_use:
            # It was used at another gate, or in an earlier freeze: what it let pass is not known here.
            continue
        until = known.until if known is not None and longest is None else each.ends(longest)
        if until + _REMEMBERED > datetime.fromtimestamp(now, UTC):
            found.append(_override(each, until, known, ended=until.timestamp() <= now))
    found.sort(key=lambda each: (each.until, each.name), reverse=True)
    return sorted(found[:_MOST_OVERRIDES], key=lambda each: each.name)


def _override(declared: Declared, until: datetime, known: GateOverride | None, *, ended: bool) -> GateOverride:
    spec = declared.spec
    # A change that only takes something away carries no time of its own: what ended is nobody's any more.
    users = [] if ended else spec.users or [spec.requested_by]
    return GateOverride(
        name=declared.name,
        uid=declared.uid,
        override_class=spec.override_class,
        until=until,
        users=users,
        images=spec.images,
        template=spec.template if known is None else known.template,
        single_use=spec.single_use,
        used=known is not None and known.used,
    )


def _display(workload: Workload, spec: GateSpec) -> GateDisplay:
    first, others = spec.by[0], len(spec.by) - 1
    return GateDisplay(
        workload=str(workload),
        by=first.objective + (f" (+{others})" if others else ""),
        level=first.level.value,
        since=words.minute(spec.since),
        lifts_about=words.NOTHING if spec.lifts_about is None else words.minute(spec.lifts_about),
    )


def worth_writing(stored: GateSpec, wanted: GateSpec) -> bool:
    """Return whether a gate shall be written again: for what decides at once, for mere figures now and then."""
    if stored == wanted:
        return False
    if _deciding(stored) != _deciding(wanted):
        return True
    before, after = _measured_at(stored), _measured_at(wanted)
    return before is None or after is None or abs(after - before) >= _FIGURES_EVERY


def _measured_at(spec: GateSpec) -> datetime | None:
    return max((each.measured_at for each in spec.by if each.measured_at is not None), default=None)


def _deciding(spec: GateSpec) -> GateSpec:
    quiet = {"budget": "", "measured_at": None, "lifts_about": None}
    by = [each.model_copy(update=quiet) for each in spec.by]
    return spec.model_copy(update={"by": by, "lifts_about": None, "message": "", "display": None})
