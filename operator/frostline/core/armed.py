"""Parts of the gates that are armed by themselves: what is there, what is remembered, how things stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from frostline import names
from frostline.core import admission
from frostline.core.admission import Manifest


class Part(StrEnum):
    """What refuses releases, each part by itself."""

    FREEZE = "freeze"
    KEEP = "keep"
    WEBHOOK = "webhook"

    @property
    def target(self) -> str:
        """The object that arms it, as kubectl names it."""
        kind, name = OBJECTS[self]
        return f"{kind.lower()}/{name}"


OBJECTS: Final = {
    Part.FREEZE: (admission.BINDING, names.Admission.FREEZE),
    Part.KEEP: (admission.BINDING, names.Admission.KEEP),
    Part.WEBHOOK: (admission.CONFIGURATION, names.Admission.WEBHOOK_CONFIGURATION),
}
POLICIES: Final = {Part.FREEZE: names.Admission.FREEZE, Part.KEEP: names.Admission.KEEP}
"""The policy that each binding binds."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered of a part: armed since epoch second `at`, or seen to be deleted then."""

    killed: bool
    at: int

    @property
    def text(self) -> str:
        """How it is written down."""
        return f"{'killed' if self.killed else 'armed'} {moment(self.at)}"


def mark(text: str) -> Mark:
    """Return what a text remembers; one that nobody of ours wrote still says that the part was armed."""
    word, _, when = text.partition(" ")
    try:
        at = int(datetime.fromisoformat(when).timestamp())
    except ValueError:
        at = 0
    return Mark(word == "killed", at)


def moment(at: int) -> str:
    """Return an epoch second as the API server prints moments."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Answer(StrEnum):
    """What the API server made of the probe."""

    UNSEEN = "Unseen"
    """It passed: the probe's binding has not been read yet."""
    UNKNOWN = "Unknown"
    """Refused, since the parameter's kind is not known: so would be every release."""
    KNOWN = "Known"
    """Refused for want of a gate: the kind is known."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the API server has.

    Attributes:
        validates: it has admission policies (1.30 and later).
        served: it serves ReleaseGates.
        policies: those of ours that it has.
        present: the objects that arm a part.
        marks: what is remembered of each part.
        probe: what it made of the probe; None while the probe's binding is not there.
    """

    validates: bool
    served: bool
    policies: frozenset[names.Admission]
    present: Mapping[Part, Manifest]
    marks: Mapping[Part, Mark]
    probe: Answer | None


@dataclass(frozen=True, slots=True)
class Hook:
    """Where the webhook is: the client configuration less the CA, and the CA in PEM; None until it has one."""

    client_config: Mapping[str, Any]
    ca_bundle: bytes | None


@dataclass(frozen=True, slots=True)
class Make:
    """Create an object."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Restore:
    """Merge a patch into an object of ours that differs."""

    live: Manifest
    patch: Manifest


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete an object of ours."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Note:
    """Remember something of a part, or forget it."""

    part: Part
    mark: Mark | None


Step = Make | Restore | Drop | Note


@dataclass(frozen=True, slots=True)
class Armed:
    """All that was asked for is there."""

    parts: frozenset[Part]

    @property
    def sentence(self) -> str:
        """For people."""
        return f"armed: {_listed(self.parts)}"


@dataclass(frozen=True, slots=True)
class NotYet:
    """Something that was asked for is missing; `parts` are there. `asking`: the probe's answer is being awaited."""

    reason: str
    parts: frozenset[Part] = frozenset()
    asking: bool = False

    @property
    def sentence(self) -> str:
        """For people."""
        return f"not armed yet: {self.reason}"


@dataclass(frozen=True, slots=True)
class Killed:
    """Somebody deleted parts, at the epoch seconds given (when it was noticed); `parts` are still there."""

    gone: Mapping[Part, int]
    parts: frozenset[Part] = frozenset()

    @property
    def since(self) -> int:
        """Epoch second at which the first deletion was noticed."""
        return min(self.gone.values())

    @property
    def sentence(self) -> str:
        """For people."""
        gone = _listed(self.gone)
        rest = f"still armed: {_listed(self.parts)}" if self.parts else "nothing else is armed"
        effect = "releases are still refused" if refuses(self) else "releases pass"
        return (
            f"switched off by hand since {moment(self.since)}: {gone} deleted; {rest}; {effect};"
            " undo with: frostline resume"
        )


@dataclass(frozen=True, slots=True)
class Off:
    """Nothing can be armed here."""

    reason: str
    parts: frozenset[Part] = frozenset()

    @property
    def sentence(self) -> str:
        """For people."""
        return f"nothing refuses releases: {self.reason}"


State = Armed | NotYet | Killed | Off


def refuses(state: State) -> bool:
    """Return whether a release can be refused as things stand; frostline-keep looks at deletions only."""
    return not state.parts.isdisjoint((Part.FREEZE, Part.WEBHOOK))


def _listed(parts: Mapping[Part, int] | frozenset[Part]) -> str:
    return ", ".join(part.target for part in Part if part in parts)
