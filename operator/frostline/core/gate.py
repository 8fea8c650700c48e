"""A release gate as a value: what is held back of one workload, for which promises, and what passes."""

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from frostline.core.policy import Level, OverrideClass, Rule
from frostline.core.projection import Canonical, Shape

_LONGEST_NAME: Final = 253


class Workload(NamedTuple):
    """One workload; `kind` is Deployment, StatefulSet or DaemonSet."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"

    @property
    def gate_name(self) -> str:
        """The name of its ReleaseGate: as long as a name may be in any case."""
        return gate_name(self.kind, self.name)


def gate_name(kind: str, name: str) -> str:
    """Return the name of the ReleaseGate of a workload."""
    full = f"{kind.lower()}-{name}"
    if len(full) <= _LONGEST_NAME:
        return full
    return f"{full[: _LONGEST_NAME - 17]}-{hashlib.sha256(full.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One promise that asks for a rule on a workload.

    Attributes:
        objective: name of the ServiceLevelObjective, in the workload's namespace.
        level: its level, since epoch second `since`.
        rule: what it asks for.
        budget: what is left, as people read it, such as "-12.4%".
        measured_at: epoch second of that figure; None when there never was one.
    """

    objective: str
    level: Level
    rule: Rule
    since: int
    budget: str
    measured_at: int | None


@dataclass(frozen=True, slots=True)
class Good:
    """A template that may come back: `source` says where from, such as "revision 12" or "override fix-login"."""

    source: str
    template: Canonical


@dataclass(frozen=True, slots=True)
class Override:
    """A ReleaseOverride as the gate carries it.

    Attributes:
        until: epoch second at which it ends.
        users: who may use it.
        images: images that it may bring; None for any.
        template: the one template that it may bring, given or tied to at its first use; None for any.
        used: whether `template` was tied to it by its first use.
    """

    name: str
    override_class: OverrideClass
    until: float
    users: frozenset[str]
    images: frozenset[str] | None = None
    template: Canonical | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """What is held back of one workload.

    Attributes:
        since: epoch second since which `rule` is in force.
        claims: worst first.
        lifts_about: the earliest epoch second at which it may lift; None when that cannot be said.
        message: one sentence for the person who is refused.
        override_classes: what an override may be for.
        running: the template that ran when the operator last looked; None while nothing is held back.
        good: templates that may come back.
    """

    workload: Workload
    rule: Rule
    since: int
    claims: tuple[Claim, ...]
    lifts_about: int | None
    message: str
    override_classes: frozenset[OverrideClass]
    shape: Shape
    running: Canonical | None
    good: tuple[Good, ...]
    overrides: tuple[Override, ...]
