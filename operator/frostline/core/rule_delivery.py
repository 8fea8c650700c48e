"""What has to be done so that what Prometheus reads are the rules there should be, and nothing in between."""

from collections.abc import Mapping
from dataclasses import dataclass


class ForeignError(RuntimeError):
    """A name that is wanted is taken by somebody else's object or file."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Names of files.

    Attributes:
        writes: to be created or replaced, in this order.
        removals: to be removed once all writes have succeeded and nothing is `taken`: what has moved from one file to
            another is evaluated twice for a moment, and never not at all.
        taken: wanted, and somebody else's: left alone.
    """

    writes: tuple[str, ...]
    removals: tuple[str, ...]
    taken: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether all is as it should be."""
        return not (self.writes or self.removals or self.taken)


def plan(wanted: Mapping[str, str], found: Mapping[str, str | None]) -> Plan:
    """Return what to do, given digests of the content of files by name, of what is `found` None for those of others.

    The order of `wanted` is kept: the shared file comes first, as no alert fires without it.
    """
    return Plan(
        writes=tuple(name for name, digest in wanted.items() if name not in found or found[name] not in (None, digest)),
        removals=tuple(sorted(name for name, digest in found.items() if digest is not None and name not in wanted)),
        taken=tuple(name for name in wanted if name in found and found[name] is None),
    )
