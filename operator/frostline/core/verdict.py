"""The verdict on a change of a gated workload: the admission policy's CEL says the same of the same facts."""

from dataclasses import dataclass
from enum import StrEnum

from frostline.core.gate import Gate, Workload
from frostline.core.projection import Template


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
    OVERRIDE = "Override"
    BYPASS = "Bypass"
    TERMINATING = "Terminating"
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
    """Return the verdict on a change, given the gate of its workload."""
    raise NotImplementedError((gate, change))
