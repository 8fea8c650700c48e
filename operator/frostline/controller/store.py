"""Objects of our own kinds as last seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frostline.controller.account import Key
from frostline.controller.known import Known, Manifest
from frostline.controller.packed import Packed


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as last seen; the namespace in the key of a cluster-scoped one is empty."""

    key: Key
    uid: str
    generation: int
    version: str
    deleting: bool
    created: str
    contents: Packed
    status: Mapping[str, Any]

    @property
    def spec(self) -> Any:  # noqa: ANN401 - anything can stand in a manifest
        """The `spec` of the manifest, None where there is none."""
        return self.contents.get("spec")


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
        contents=Packed({"spec": manifest.get("spec")}),
        status=Packed(status if isinstance(status, Mapping) else {}),
    )


class Store(Known[Key, Stored]):
    """Objects of one of our kinds by namespace and name. A changed spec is news, a changed status is not."""

    def __init__(self) -> None:
        super().__init__(stored, lambda old, new: old.generation != new.generation)
