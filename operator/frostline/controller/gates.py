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
        """Return the gates by workload; one that cannot be read is told and left alone."""
        snapshot = self._store.snapshot()
        for gone in self._read.keys() - snapshot.keys():
            del self._read[gone]
        for key, each in snapshot.items():
            if key not in self._read or self._read[key][0] != each.version:
                self._read[key] = (each.version, _readable(each))
        return {held.workload: held for _, held in self._read.values() if held is not None}


def _readable(stored: Stored) -> HeldGate | None:
    try:
        spec = GateSpec.model_validate(stored.spec)
    except ValidationError as error:
        _LOG.error("releasegate %s cannot be read and is left alone: %s", stored.key, error.errors()[0]["msg"])
        return None
    return HeldGate(stored, Workload(stored.key.namespace, spec.workload.kind, spec.workload.name), spec)


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
