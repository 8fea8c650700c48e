"""What the API server says: the objects as last seen, fed by a watch and put right by lists."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from frostline.controller.account import Key

Manifest: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as last seen."""

    key: Key
    uid: str
    generation: int
    version: str
    deleting: bool
    spec: Any
    status: Mapping[str, Any]


def stored(manifest: Manifest) -> Stored:
    """Return the parts of a manifest that the operator reads."""
    metadata = manifest["metadata"]
    status = manifest.get("status")
    return Stored(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata["generation"],
        version=metadata["resourceVersion"],
        deleting="deletionTimestamp" in metadata,
        spec=manifest.get("spec"),
        status=status if isinstance(status, Mapping) else {},
    )


def _older(version: str, than: str) -> bool:
    """Compare resource versions: numbers of growing size, shorter is older (KEP-5504)."""
    return (len(version), version) < (len(than), than)


class Store:
    """Objects by namespace and name."""

    def __init__(self) -> None:
        self._objects: dict[Key, Stored] = {}
        self._woken: Callable[[], None] = lambda: None

    def on_change(self, woken: Callable[[], None]) -> None:
        """Have `woken` called when an object came, went, or says something new."""
        self._woken = woken

    def put(self, manifest: Manifest) -> None:
        """Take in an object, unless a newer state of it is known already."""
        new = stored(manifest)
        old = self._objects.get(new.key)
        if old is not None and _older(new.version, than=old.version):
            return
        self._objects[new.key] = new
        if old is None or (old.uid, old.generation) != (new.uid, new.generation):
            self._woken()

    def drop(self, manifest: Manifest) -> None:
        """Forget an object that was deleted, unless it has been made again since."""
        gone = stored(manifest)
        known = self._objects.get(gone.key)
        if known is not None and known.uid == gone.uid:
            del self._objects[gone.key]
            self._woken()

    def replace(self, manifests: Iterable[Manifest], known_before: Mapping[Key, str]) -> None:
        """Take in a complete list; what was known before it was asked for and is not in it is gone.

        An object that was made again while the list was under way has another uid, and stays.
        """
        listed = set()
        for manifest in manifests:
            self.put(manifest)
            listed.add(stored(manifest).uid)
        for key, uid in known_before.items():
            known = self._objects.get(key)
            if known is not None and known.uid == uid and uid not in listed:
                del self._objects[key]
                self._woken()

    def uids(self) -> dict[Key, str]:
        """Return the uid of every object."""
        return {key: each.uid for key, each in self._objects.items()}

    def snapshot(self) -> dict[Key, Stored]:
        """Return all objects that are not being deleted."""
        return {key: each for key, each in self._objects.items() if not each.deleting}

    def get(self, key: Key) -> Stored | None:
        """Return one object as last seen."""
        return self._objects.get(key)
