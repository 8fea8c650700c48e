"""A cluster that remembers everything but objectives, as writes leave it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from frostline import names
from frostline.api.base import JsonObject, as_json
from frostline.api.gate import GateSpec
from frostline.controller.gates import manifest as gate_manifest
from frostline.controller.marks import patch as patch_of
from frostline.controller.store import Stored
from frostline.controller.stores import Stores
from frostline.controller.workloads import SeenWorkload
from frostline.core.gate import Workload
from frostline.core.projection import Template
from tests.controller.world.manifests import copied, merged, template


@dataclass
class ToldOfWorkload:
    workload: Workload
    warning: bool
    reason: names.Reason
    note: str


class Cluster:
    """Workloads, gates, policies, overrides and namespaces, as writes leave them; its stores see each at once."""

    def __init__(self) -> None:
        self.version = 1000
        self.workloads: dict[Workload, JsonObject] = {}
        self.gates: dict[Workload, JsonObject] = {}
        self.earlier: dict[Workload, list[tuple[str, Template]]] = {}
        self.policies: dict[str, JsonObject] = {}
        self.overrides: dict[str, JsonObject] = {}
        self.namespaces: dict[str, JsonObject] = {}
        self.sources: dict[str, JsonObject] = {}
        self.events: list[ToldOfWorkload] = []
        self.poked: list[Workload] = []
        self.refuses = False
        self.unreadable = False
        self.settled = True
        self.blind = False
        self.gate_writes = 0
        self.mark_writes = 0
        self.stores = Stores()
        self.put_namespace()

    def see_all(self, stores: Stores) -> None:
        """Have an operator that starts list everything."""
        self.stores = stores
        stores.workloads.replace(map(stores.workloads.read, copied(list(self.workloads.values()))), {})
        stores.namespaces.replace(map(stores.namespaces.read, copied(list(self.namespaces.values()))), {})
        stores.gates.replace(map(stores.gates.read, copied(list(self.gates.values()))), {})
        for store, objects in ((stores.policies, self.policies), (stores.overrides, self.overrides)):
            store.replace(map(store.read, copied(list(objects.values()))), {})

    def put_namespace(self, name: str = "dating", **labels: str) -> None:
        self.namespaces[name] = self._object({"metadata": {"name": name, "labels": labels}}, f"uid-{name}")
        self.stores.namespaces.put(copied(self.namespaces[name]))

    def terminate_namespace(self, name: str = "dating") -> None:
        old = self.namespaces[name]
        self.namespaces[name] = self._object(
            merged(old, {"metadata": {"deletionTimestamp": "2027-01-15T08:00:00Z"}}), "", old
        )
        self.stores.namespaces.put(copied(self.namespaces[name]))

    def put_policy(self, name: str, spec: JsonObject) -> None:
        old = self.policies.get(name)
        generation = 1 if old is None else old["metadata"]["generation"] + 1
        manifest: JsonObject = {"metadata": {"name": name, "generation": generation}, "spec": spec}
        self.policies[name] = self._object(manifest, f"uid-{name}", old)
        self.stores.policies.put(copied(self.policies[name]))

    def drop_policy(self, name: str) -> None:
        self.stores.policies.drop(self.policies.pop(name))

    def put_override(self, name: str, spec: JsonObject, created: str) -> None:
        metadata = {"namespace": "dating", "name": name, "generation": 1, "creationTimestamp": created}
        self.overrides[name] = self._object({"metadata": metadata, "spec": spec}, f"uid-{name}")
        self.stores.overrides.put(copied(self.overrides[name]))

    def deploy(self, name: str, image: str, *, kind: str = "Deployment", at: str = "", **labels: str) -> None:
        """Create a workload or release another image of it; what ran before becomes its newest revision."""
        workload = Workload("dating", kind, name)
        old = self.workloads.get(workload)
        if old is not None and old["spec"]["template"] != template(image):
            earlier = self.earlier.setdefault(workload, [])
            earlier.insert(0, (f"revision {len(earlier) + 1}", old["spec"]["template"]))
        metadata: JsonObject = dict(old["metadata"]) if old is not None else {"namespace": "dating", "name": name}
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
        if at:
            metadata["managedFields"] = [{"time": at}]
        manifest: JsonObject = {
            "kind": kind,
            "metadata": metadata,
            "spec": {"replicas": 1, "template": template(image)},
        }
        manifest["metadata"]["generation"] = metadata.get("generation", 0) + 1
        done = {"observedGeneration": manifest["metadata"]["generation"], "updatedReplicas": 1}
        done["availableReplicas"] = int(self.settled)
        self.workloads[workload] = self._object({**manifest, "status": done}, f"uid-{name}", old)
        if not self.blind:
            self.stores.workloads.put(copied(self.workloads[workload]))

    def change(self, name: str, metadata: JsonObject) -> None:
        """Merge something into a workload's metadata as somebody else would."""
        workload = Workload("dating", "Deployment", name)
        old = self.workloads[workload]
        self.workloads[workload] = self._object({**old, "metadata": merged(old["metadata"], metadata)}, "", old)
        self.stores.workloads.put(copied(self.workloads[workload]))

    def delete(self, name: str) -> None:
        self.stores.workloads.drop(self.workloads.pop(Workload("dating", "Deployment", name)))

    def gate(self, name: str, kind: str = "Deployment") -> JsonObject | None:
        """Return what a gate says, with every field, also those that it leaves out as they hold nothing."""
        found = self.gates.get(Workload("dating", kind, name))
        if found is None:
            return None
        said: JsonObject = as_json(GateSpec.model_validate(found["spec"]))
        return said

    def edit_gate(self, name: str, edit: Callable[[JsonObject], None]) -> None:
        """Change the spec of a gate as somebody else would."""
        workload = Workload("dating", "Deployment", name)
        new = copied(self.gates[workload])
        edit(new["spec"])
        new["metadata"]["generation"] += 1
        self.gates[workload] = self._object(new, "", self.gates[workload])
        self.stores.gates.put(copied(self.gates[workload]))

    def delete_gate(self, name: str) -> None:
        self.stores.gates.drop(self.gates.pop(Workload("dating", "Deployment", name)))

    def marks(self, name: str) -> JsonObject:
        metadata = self.workloads[Workload("dating", "Deployment", name)]["metadata"]
        labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
        return {key: value for key, value in {**labels, **notes}.items() if key.startswith(names.GROUP)}

    def _object(self, manifest: JsonObject, uid: str, old: JsonObject | None = None) -> JsonObject:
        self.version += 1
        metadata = {"uid": uid if old is None else old["metadata"]["uid"], **manifest["metadata"]}
        return {**manifest, "metadata": {**metadata, "resourceVersion": str(self.version)}}

    async def templates(self, workload: SeenWorkload) -> tuple[Template, list[tuple[str, Template]]] | None:
        there = self.workloads.get(workload.key)
        if self.unreadable or there is None:
            return None
        return there["spec"]["template"], list(self.earlier.get(workload.key, []))

    async def write_gate(self, workload: Workload, spec: JsonObject, known: Stored | None) -> bool:
        old = self.gates.get(workload)
        version = None if old is None else old["metadata"]["resourceVersion"]
        if self.refuses or version != (None if known is None else known.version):
            return False
        self.gate_writes += 1
        generation = 1 if old is None else old["metadata"]["generation"] + 1
        manifest = gate_manifest(workload, copied(spec), known)
        manifest["metadata"] = {**manifest["metadata"], "generation": generation}
        self.gates[workload] = self._object(manifest, f"uid-gate-{workload.name}-{self.version}", old)
        self.stores.gates.put(copied(self.gates[workload]))
        return True

    async def remove_gate(self, known: Stored) -> bool:
        if self.refuses:
            return False
        workload = next(each for each in self.gates if each.gate_name == known.key.name)
        self.stores.gates.drop(self.gates.pop(workload))
        return True

    async def mark(self, workload: SeenWorkload, wanted: Mapping[str, str]) -> bool:
        if self.refuses:
            return False
        self.mark_writes += 1
        old = self.workloads[workload.key]
        metadata = merged(old["metadata"], patch_of(wanted)["metadata"])
        self.workloads[workload.key] = self._object({**old, "metadata": metadata}, "", old)
        self.stores.workloads.put(copied(self.workloads[workload.key]))
        return True

    async def mark_namespace(self, name: str, *, enforced: bool) -> bool:
        if self.refuses:
            return False
        labels = {str(names.Label.ENFORCED): "true" if enforced else None}
        old = self.namespaces[name]
        self.namespaces[name] = self._object(merged(old, {"metadata": {"labels": labels}}), "", old)
        self.stores.namespaces.put(copied(self.namespaces[name]))
        return True

    async def tell(
        self, workload: Workload, seen: SeenWorkload | None, *, warning: bool, reason: names.Reason, note: str
    ) -> None:
        assert seen is None or seen.key == workload
        self.events.append(ToldOfWorkload(workload, warning, reason, note))

    async def opened(self, workload: SeenWorkload) -> None:
        self.poked.append(workload.key)


class StatusWriter:
    """Writes statuses of policies, overrides or sources."""

    def __init__(self, objects: Callable[[], dict[str, JsonObject]], cluster: Cluster) -> None:
        self._objects = objects
        self._cluster = cluster

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        known = self._objects().get(stored.key.name)
        if known is None:
            return None
        known["status"] = merged(known.get("status", {}), patch)
        self._cluster.version += 1
        known["metadata"]["resourceVersion"] = str(self._cluster.version)
        return copied(known)
