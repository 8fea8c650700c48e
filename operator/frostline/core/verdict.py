"""The verdict on a change of a gated workload: the admission policy's CEL says the same of the same facts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from frostline import names
from frostline.core import sentence
from frostline.core.exception import Use, objection
from frostline.core.gate import Gate, Workload
from frostline.core.policy import Rule
from frostline.core.projection import Canonical, Projection, Template, canonical, differences, images, project

COLLECTORS: Final = (
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
)
"""Who deletes for the cluster itself: what a namespace or an owner takes along. The last is that of clusters whose
controllers share one identity."""


class Operation(StrEnum):
    """What is asked of the API server."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Change:
    """A request about a workload.

    Attributes:
        old, new: pod template before and after; `old` is None for CREATE, `new` for DELETE.
        times: epoch seconds in the managedFields of the new object: the API server's own clock.
    """

    workload: Workload
    operation: Operation
    old: Template | None
    new: Template | None
    user: str
    groups: frozenset[str]
    times: tuple[float, ...]
    terminating: bool = False


class Why(StrEnum):
    """Why a change passes or not."""

    NO_GATE = "NoGate"
    OPEN = "Open"
    WARNED = "Warned"
    OPERATIONAL = "Operational"
    ROLLBACK = "Rollback"
    RECREATED = "Recreated"
    OVERRIDE = "Override"
    BYPASS = "Bypass"
    TERMINATING = "Terminating"
    COLLECTED = "Collected"
    HELD = "Held"
    KEPT = "Kept"


@dataclass(frozen=True, slots=True)
class Passed:
    """The change may go on. `override` names the one that lets it pass, `warnings` are for the person."""

    why: Why
    warnings: tuple[str, ...] = ()
    override: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The change is held back; `sentence` is one line a person can act on."""

    why: Why
    sentence: str


Verdict = Passed | Refused


def judge(gate: Gate | None, change: Change) -> Verdict:
    """Return the verdict on a change, given the gate of its workload.

    The bypass is asked last, so that only what needed it is on record as such.
    """
    if change.terminating:
        return Passed(Why.TERMINATING)
    if gate is None:
        return Passed(Why.NO_GATE)
    if gate.rule is Rule.OPEN:
        return Passed(Why.OPEN)
    if change.new is None:
        return _deletion(gate, change)
    before = None if change.old is None else project(change.old, gate.shape)
    after = project(change.new, gate.shape)
    if before == after:
        return Passed(Why.OPERATIONAL)
    wanted = canonical(after)
    # Most releases bring another image, and canonical forms cost more than all else.
    if before is not None and images(before) == images(after) and canonical(before) == wanted:
        return Passed(Why.OPERATIONAL)
    if any(each.template == wanted for each in gate.good):
        return Passed(Why.ROLLBACK)
    if change.operation is Operation.CREATE and gate.running == wanted:
        return Passed(Why.RECREATED)
    if not gate.rule.holds:
        return Passed(Why.WARNED, warnings=sentence.warnings(gate))
    return _release(gate, change, before, after, wanted)


def _deletion(gate: Gate, change: Change) -> Verdict:
    if not gate.rule.holds:
        return Passed(Why.WARNED)
    if change.user in COLLECTORS:
        return Passed(Why.COLLECTED)
    if names.BYPASS_GROUP in change.groups:
        return Passed(Why.BYPASS)
    return Refused(Why.KEPT, sentence.kept(gate))


def _release(gate: Gate, change: Change, before: Projection | None, after: Projection, wanted: Canonical) -> Verdict:
    use = Use(change.user, wanted, images(after), max(change.times, default=None))
    objections = {}
    for override in gate.overrides:
        against = objection(override, gate.override_classes, gate.rule, use)
        if against is None:
            return Passed(Why.OVERRIDE, override=override.name)
        objections[override.name] = against
    if names.BYPASS_GROUP in change.groups:
        return Passed(Why.BYPASS)
    what = ("a workload that did not run before",) if before is None else differences(before, after)
    return Refused(Why.HELD, sentence.held(gate, what, objections, use.at))
