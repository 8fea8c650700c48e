"""Which workloads an objective protects."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from frostline.api.objective import Protected
from frostline.controller.workloads import SeenWorkload
from frostline.core.gate import Workload

_LONGEST_TEXT: Final = 512

ByNamespace: TypeAlias = Mapping[str, Sequence[SeenWorkload]]


def by_namespace(workloads: Iterable[SeenWorkload]) -> ByNamespace:
    """Return workloads by their namespace."""
    found: defaultdict[str, list[SeenWorkload]] = defaultdict(list)
    for each in workloads:
        found[each.key.namespace].append(each)
    return found


def entry_text(entry: Protected) -> str:
    """Return one entry of `protects` in a line, such as "Deployment/gateway" or "Deployment app=shop,tier=web".

    Different for different entries, and of up to 512 characters.
    """
    if entry.selector is None:
        return f"{entry.kind}/{entry.name}"
    labels = ",".join(f"{name}={value}" for name, value in sorted(entry.selector.match_labels.items()))
    text = f"{entry.kind} {labels}"
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[: _LONGEST_TEXT - 17]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def protected(entries: Iterable[Protected], here: Iterable[SeenWorkload]) -> dict[Workload, str]:
    """Return the workloads among those `here` that entries of `protects` name, and through which entry."""
    found: dict[Workload, str] = {}
    candidates = list(here)
    for entry in entries:
        for each in candidates:
            if _matches(entry, each):
                found.setdefault(each.key, entry_text(entry))
    return found


def missing(entries: Iterable[Protected], here: Iterable[SeenWorkload]) -> list[tuple[int, str]]:
    """Return the entries that no workload `here` answers to: their place in `protects`, and their text."""
    candidates = list(here)
    return [
        (index, entry_text(entry))
        for index, entry in enumerate(entries)
        if not any(_matches(entry, each) for each in candidates)
    ]


def _matches(entry: Protected, seen: SeenWorkload) -> bool:
    if entry.kind != seen.key.kind:
        return False
    if entry.selector is None:
        return entry.name == seen.key.name
    return entry.selector.match_labels.items() <= seen.labels.items()
