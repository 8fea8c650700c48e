"""Whether an override lets a release pass, and if not, why not."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from frostline.core.durations import format_duration
from frostline.core.gate import Override
from frostline.core.policy import OverrideClass, Rule
from frostline.core.projection import Canonical


@dataclass(frozen=True, slots=True)
class Use:
    """A release that asks for an override.

    Attributes:
        images: of all its containers, init containers included.
        at: epoch second of the request by the API server's clock; None where the request carries none.
    """

    user: str
    template: Canonical
    images: frozenset[str]
    at: float | None


def objection(override: Override, classes: AbstractSet[OverrideClass], rule: Rule, use: Use) -> str | None:
    """Return why an override does not count, to be read behind its name; None if it does.

    `classes` are those that count under `rule`.
    """
    if override.override_class not in classes:
        counted = ", ".join(each for each in OverrideClass if each in classes) or "none"
        return f"is for {override.override_class}, and {rule} takes {counted}"
    if use.at is None:
        return "cannot be timed: the request carries no managedFields"
    if use.at >= override.until:
        return f"expired {format_duration(timedelta(seconds=use.at - override.until))} ago"
    if not override.users:
        return "has ended"
    if use.user not in override.users:
        return f"is for {_some(override.users)}, not for {use.user}"
    if override.images is not None and (others := use.images - override.images):
        return f"does not name image {_some(others)}"
    if override.template is not None and override.template != use.template:
        return "is used up: it let another template pass" if override.used else "is for another template"
    return None


def _some(texts: AbstractSet[str]) -> str:
    first, *others = sorted(texts)
    return f"{first} and {len(others)} more" if others else first
