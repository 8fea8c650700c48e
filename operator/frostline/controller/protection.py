"""Which workloads an objective protects."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from frostline.api.objective import Protected
from frostline.controller.workloads import SeenWorkload
from frostline.core.gate import Workload

_LONGEST_TEXT: Final = 512


class Workloads:
    """The workloads of one namespace, found by what `protects` says of them."""

    def __init__(self, here: Iterable[SeenWorkload] = ()) -> None:
        self._all = tuple(here)
        self._named = {(each.key.kind, each.key.name): each for each in self._all}

    def of(self, entry: Protected) -> Iterable[SeenWorkload]:
        """Return those that an entry is about."""
        if entry.selector is None:
            named = self._named.get((entry.kind, entry.name or ""))
            return () if named is None else (named,)
        labels = entry.selector.match_labels.items()
        return (each for each in self._all if each.key.kind == entry.kind and labels <= each.labels.items())


NO_WORKLOADS: Final = Workloads()


def by_namespace(workloads: Iterable[SeenWorkload]) -> Mapping[str, Workloads]:
    """Return workloads by their namespace."""
    found: defaultdict[str, list[SeenWorkload]] = defaultdict(list)
    for each in workloads:
        found[each.key.namespace].append(each)
    return {namespace: Workloads(here) for namespace, here in found.items()}


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


def protected(entries: Iterable[Protected], here: Workloads) -> dict[Workload, str]:
    """Return the workloads among those `here` that entries of `protects` name, and through which entry."""
    found: dict[Workload, str] = {}
    for entry in entries:
        for each in here.of(entry):
            found.setdefault(each.key, entry_text(entry))
    return found


def missing(entries: Iterable[Protected], here: Workloads) -> list[tuple[int, str]]:
    """Return the entries that no workload `here` answers to: their place in `protects`, and their text."""
    return [
        (index, entry_text(entry)) for index, entry in enumerate(entries) if next(iter(here.of(entry)), None) is None
    ]
