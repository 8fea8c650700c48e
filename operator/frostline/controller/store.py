"""Objects of our own kinds as last seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frostline.controller.account import Key
from frostline.controller.known import Known, Manifest


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as last seen; the namespace in the key of a cluster-scoped one is empty."""

    key: Key
    uid: str
    generation: int
    version: str
    deleting: bool
    created: str
    spec: Any
    status: Mapping[str, Any]


def stored(manifest: Manifest) -> Stored:
    """Return the parts of a manifest that the operator reads."""
    metadata = manifest["metadata"]
    status = manifest.get("status")
    return Stored(
        key=Key(metadata.get("namespace", ""), metadata["name"]),
        uid=metadata["uid"],
        generation=metadata["generation"],
        version=metadata["resourceVersion"],
        deleting="deletionTimestamp" in metadata,
        created=metadata.get("creationTimestamp", ""),
        spec=manifest.get("spec"),
        status=status if isinstance(status, Mapping) else {},
    )


class Store(Known[Key, Stored]):
    """Objects of one of our kinds by namespace and name. A changed spec is news, a changed status is not."""

    def __init__(self) -> None:
        super().__init__(stored, lambda old, new: old.generation != new.generation)
