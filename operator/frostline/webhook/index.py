"""The gates that the webhook judges by, in memory."""

import logging
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydantic import ValidationError

from frostline.api import gated
from frostline.core.gate import Gate, Workload
from frostline.kubernetes.follow import Key
from frostline.kubernetes.resource import Manifest

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A gate and the state of its ReleaseGate; no gate for one that cannot be read."""

    version: str
    gate: Gate | None


class Index:
    """Gates by workload, fed by a follower.

    What a gate cannot be read from is left to the admission policy: it is told once and not judged here.
    """

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}

    def __len__(self) -> int:
        return sum(entry.gate is not None for entry in self._entries.values())

    def find(self, workload: Workload) -> Gate | None:
        """Return the gate of a workload, None when it has none."""
        entry = self._entries.get((workload.namespace, workload.gate_name))
        return None if entry is None or entry.gate is None or entry.gate.workload != workload else entry.gate

    def put(self, manifest: Manifest) -> None:
        """Take in a ReleaseGate as it is now."""
        metadata = manifest["metadata"]
        key = metadata["namespace"], metadata["name"]
        known = self._entries.get(key)
        if known is not None and known.version == metadata["resourceVersion"]:
            return
        self._entries[key] = _Entry(metadata["resourceVersion"], self._read(manifest, known))

    def drop(self, key: Key) -> None:
        """Forget a ReleaseGate that was deleted."""
        self._entries.pop(key, None)

    def keep(self, keys: AbstractSet[Key]) -> None:
        """Forget every ReleaseGate but these."""
        for key in self._entries.keys() - keys:
            del self._entries[key]

    def _read(self, manifest: Manifest, known: _Entry | None) -> Gate | None:
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        try:
            gate = gated.gate(manifest)
        except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
            why = " ".join(str(error).split())
        else:
            if name == gate.workload.gate_name:
                return gate
            why = f"that of {gate.workload} is called {gate.workload.gate_name}"
        if known is None or known.gate is not None:
            _LOG.error(
                "releasegate %s in namespace %s cannot be read, so the webhook lets its workload pass and the admission"
                " policy alone judges it: %s",
                name,
                namespace,
                why,
            )
        return None
