"""What the API server says of one kind: objects as last seen, fed by a watch and put right by lists."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

Manifest: TypeAlias = Mapping[str, Any]


class Seen(Protocol):
    """One object as last seen: what identifies it, and whether it is on its way out."""

    @property
    def key(self) -> Hashable:
        """Where it is."""

    @property
    def uid(self) -> str:
        """Which one it is of those that ever were there."""

    @property
    def version(self) -> str:
        """Its resource version."""

    @property
    def deleting(self) -> bool:
        """Whether it waits for its finalizers."""


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Seen)


def _older(version: str, than: str) -> bool:
    """Compare resource versions: numbers of growing size, shorter is older (KEP-5504)."""
    return (len(version), version) < (len(than), than)


class Known(Generic[K, T]):
    """Objects by key. `read` makes one of a manifest, `news` says whether a newer state is worth waking for."""

    def __init__(self, read: Callable[[Manifest], T], news: Callable[[T, T], bool]) -> None:
        self.read = read
        self._news = news
        self._objects: dict[K, T] = {}
        self._woken: Callable[[], None] = lambda: None

    def on_change(self, woken: Callable[[], None]) -> None:
        """Have `woken` called when an object came, went, or says something new."""
        self._woken = woken

    def put(self, manifest: Manifest) -> None:
        """Take in an object, unless this state of it, or a newer one, is known already."""
        self._take(self.read(manifest))

    def _take(self, new: T) -> None:
        key = self._key(new)
        old = self._objects.get(key)
        # Lists and watches repeat what is known: of a large fleet a second copy would be half of the memory.
        if old is not None and (new.version == old.version or _older(new.version, than=old.version)):
            return
        self._objects[key] = new
        if old is None or old.uid != new.uid or old.deleting != new.deleting or self._news(old, new):
            self._woken()

    def drop(self, manifest: Manifest) -> None:
        """Forget an object that was deleted, unless it has been made again since."""
        gone = self.read(manifest)
        known = self._objects.get(self._key(gone))
        if known is not None and known.uid == gone.uid:
            del self._objects[self._key(gone)]
            self._woken()

    def forget(self, key: K, uid: str) -> None:
        """Forget an object that we deleted, unless it has been made again since."""
        known = self._objects.get(key)
        if known is not None and known.uid == uid:
            del self._objects[key]

    def replace(self, everything: Iterable[T], known_before: Mapping[K, str]) -> None:
        """Take in a complete list, `read` already; what was known before it was asked for and is not in it is gone.

        An object that was made again while the list was under way has another uid, and stays.
        """
        listed = set()
        for each in everything:
            self._take(each)
            listed.add(each.uid)
        for key, uid in known_before.items():
            known = self._objects.get(key)
            if known is not None and known.uid == uid and uid not in listed:
                del self._objects[key]
                self._woken()

    def uids(self) -> dict[K, str]:
        """Return the uid of every object."""
        return {key: each.uid for key, each in self._objects.items()}

    def snapshot(self) -> dict[K, T]:
        """Return all objects that are not being deleted."""
        return {key: each for key, each in self._objects.items() if not each.deleting}

    def get(self, key: K) -> T | None:
        """Return one object as last seen."""
        return self._objects.get(key)

    def _key(self, seen: T) -> K:
        return seen.key  # type: ignore[return-value]  # K is the type of T's key
