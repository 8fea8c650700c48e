"""An API server that remembers objectives and their statuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.account import Key
from frostline.controller.store import Stored
from tests.controller.world.manifests import copied, merged


@dataclass
class Told:
    key: Key
    warning: bool
    reason: names.Reason
    note: str


@dataclass
class ApiServer:
    """Objects and their statuses, as writes leave them."""

    objects: dict[Key, JsonObject] = field(default_factory=dict)
    events: list[Told] = field(default_factory=list)
    patches: list[JsonObject] = field(default_factory=list)
    refuses: bool = False
    version: int = 100
    before_write: Callable[[], None] = lambda: None

    def apply(self, name: str, spec: JsonObject, *, uid: str | None = None) -> JsonObject:
        """Create an object, or change its spec."""
        key = Key("dating", name)
        old = self.objects.get(key)
        self.version += 1
        if old is None:
            metadata = {"namespace": key.namespace, "name": name, "uid": uid or f"uid-{name}", "generation": 1}
            old = {"metadata": metadata, "spec": spec}
        elif old["spec"] != spec:
            old = {**old, "spec": spec, "metadata": {**old["metadata"]}}
            old["metadata"]["generation"] += 1
        old["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = old
        return copied(old)

    def tamper(self, name: str, status: JsonObject) -> None:
        """Merge something into a status as somebody else would."""
        stored = self.objects[Key("dating", name)]
        self.version += 1
        stored["status"] = merged(stored.get("status", {}), status)
        stored["metadata"]["resourceVersion"] = str(self.version)

    def status(self, name: str) -> JsonObject:
        found: JsonObject = self.objects[Key("dating", name)].get("status", {})
        return found

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        self.before_write()
        known = self.objects.get(stored.key)
        if self.refuses or known is None or known["metadata"]["uid"] != stored.uid:
            return None
        self.patches.append(patch)
        self.tamper(stored.key.name, patch)
        return copied(known)

    async def tell(self, stored: Stored, *, warning: bool, reason: names.Reason, note: str) -> None:
        self.events.append(Told(stored.key, warning, reason, note))
