"""Release gates as they stand on the API server, and as they are written there."""

import logging
from dataclasses import dataclass

from pydantic import ValidationError

from frostline import names
from frostline.api.base import JsonObject
from frostline.api.gate import GateSpec
from frostline.controller.account import Key
from frostline.controller.store import Store, Stored
from frostline.core.gate import Workload, gate_name

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldGate:
    """A gate as it stands."""

    stored: Stored
    workload: Workload
    spec: GateSpec


class Gates:
    """Gates as they stand, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[Key, tuple[str, HeldGate | None]] = {}

    def all(self) -> dict[Workload, HeldGate]:
        """Return the gates by workload; one that cannot be read is told, and left alone while nobody asks for it."""
        snapshot = self._store.snapshot()
        for gone in self._read.keys() - snapshot.keys():
            del self._read[gone]
        found = (self._reading(each) for each in snapshot.values())
        return {held.workload: held for held in found if held is not None}

    def get(self, workload: Workload) -> HeldGate | None:
        """Return the gate of a workload, None where there is none that can be read."""
        stored = self.stored(workload)
        return None if stored is None else self._reading(stored)

    def stored(self, workload: Workload) -> Stored | None:
        """Return what stands in the place of a workload's gate, whether it can be read or not."""
        return self._store.get(Key(workload.namespace, workload.gate_name))

    def _reading(self, stored: Stored) -> HeldGate | None:
        known = self._read.get(stored.key)
        if known is None or known[0] != stored.version:
            self._read[stored.key] = known = (stored.version, _readable(stored))
        return known[1]


def _readable(stored: Stored) -> HeldGate | None:
    try:
        spec = GateSpec.model_validate(stored.spec, extra="ignore")
    except ValidationError as error:
        _LOG.error("releasegate %s cannot be read: %s", stored.key, error.errors()[0]["msg"])
        return None
    workload = Workload(stored.key.namespace, spec.workload.kind, spec.workload.name)
    if workload.gate_name != stored.key.name:
        _LOG.error("releasegate %s is not in the place of the gate of %s", stored.key, workload)
        return None
    return HeldGate(stored, workload, spec)


def manifest(workload: Workload, spec: JsonObject, known: Stored | None) -> JsonObject:
    """Return a ReleaseGate to write: a new one, or one in place of the one that is `known`."""
    metadata: JsonObject = {"namespace": workload.namespace, "name": gate_name(workload.kind, workload.name)}
    if known is not None:
        metadata |= {"uid": known.uid, "resourceVersion": known.version}
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.Kind.RELEASE_GATE.value,
        "metadata": metadata,
        "spec": spec,
    }
