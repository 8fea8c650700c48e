"""An API server in memory, as its clients see it: versions, uids, conflicts; its watches tell of every change."""

import itertools
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from kubernetes.aio.client import ApiException

from frostline.api.base import JsonObject
from frostline.kubernetes.lease import LEASES
from frostline.kubernetes.resource import (
    CONTROLLER_REVISIONS,
    EVENTS,
    GATES,
    NAMESPACES,
    OBJECTIVES,
    OVERRIDES,
    POLICIES,
    REPLICA_SETS,
    SOURCES,
    WORKLOADS,
    Resource,
)
from tests.controller.world.manifests import copied, merged

KINDS = {
    **{kind.plural: name for name, kind in WORKLOADS.items()},
    OBJECTIVES.plural: "ServiceLevelObjective",
    POLICIES.plural: "ErrorBudgetPolicy",
    GATES.plural: "ReleaseGate",
    OVERRIDES.plural: "ReleaseOverride",
    SOURCES.plural: "PrometheusSource",
    NAMESPACES.plural: "Namespace",
    REPLICA_SETS.plural: "ReplicaSet",
    CONTROLLER_REVISIONS.plural: "ControllerRevision",
    LEASES.plural: "Lease",
    EVENTS.plural: "Event",
}


class Address(NamedTuple):
    """Where an object is; `namespace` is empty for cluster-scoped ones."""

    plural: str
    namespace: str
    name: str


class Change(NamedTuple):
    """What a watch tells of one object."""

    gone: bool
    plural: str
    manifest: JsonObject


class Route(NamedTuple):
    """What a path names; of a collection the name is empty."""

    address: Address
    sub: str


def route(path: str) -> Route:
    """Take a path of the API apart."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if parts[0] == NAMESPACES.plural and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    plural, name, sub = [*parts, "", ""][:3]
    return Route(Address(plural, namespace, name), sub)


def refusal(status: int) -> ApiException:
    """Return the error of an answer with this status."""
    return ApiException(status=status, reason=HTTPStatus(status).phrase)


class Server:
    """Objects by address. What people do is done by `put`, `change` and `drop`; programs call `answer`."""

    def __init__(self) -> None:
        self.objects: dict[Address, JsonObject] = {}
        self.feeds: list[list[Change]] = []
        self.events: list[JsonObject] = []
        self._versions = itertools.count(1000)
        self._uids = itertools.count(1)

    def of(self, resource: Resource) -> dict[Address, JsonObject]:
        """Return all objects of a kind."""
        return {address: each for address, each in self.objects.items() if address.plural == resource.plural}

    def get(self, resource: Resource, namespace: str, name: str) -> JsonObject | None:
        """Return one object."""
        return self.objects.get(Address(resource.plural, namespace, name))

    def put(self, resource: Resource, namespace: str, name: str, **parts: Any) -> JsonObject:
        """Create an object, or replace the given parts of it."""
        old = self.get(resource, namespace, name) or {"metadata": {}}
        metadata = {**old["metadata"], **parts.pop("metadata", {}), "name": name}
        if namespace:
            metadata["namespace"] = namespace
        return self._store(Address(resource.plural, namespace, name), {**old, **parts, "metadata": metadata})

    def change(self, resource: Resource, namespace: str, name: str, patch: JsonObject) -> None:
        """Merge a patch into an object."""
        address = Address(resource.plural, namespace, name)
        self._store(address, merged(self.objects[address], patch))

    def drop(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete an object."""
        self._drop(Address(resource.plural, namespace, name))

    def forget_news(self) -> None:
        """Have no watch ever tell of what has happened since it was last looked at."""
        for feed in self.feeds:
            feed.clear()

    def answer(
        self, method: str, path: str, query: Mapping[str, str | None] | None, body: Mapping[str, Any] | None
    ) -> JsonObject:
        """Return what the API server answers.

        Raises:
            ApiException: it refuses.
        """
        address, sub = route(path)
        if method == "GET" and not address.name:
            return self._list(address, (query or {}).get("labelSelector"))
        if method == "POST":
            return self._create(address, copied(dict(body or {})))
        found = self.objects.get(address)
        if found is None:
            raise refusal(404)
        if method == "GET":
            return copied(found)
        wanted = (body or {}).get("preconditions" if method == "DELETE" else "metadata", {})
        for name in ("uid", "resourceVersion"):
            if wanted.get(name, found["metadata"][name]) != found["metadata"][name]:
                raise refusal(409)
        if method == "DELETE":
            self._drop(address)
            return copied(found)
        if method == "PUT":
            return self._store(address, {**copied(dict(body or {})), "status": found.get("status", {})})
        patch = copied(dict(body or {}))
        patch.get("metadata", {}).pop("uid", None)
        return self._store(address, merged(found, {"status": patch["status"]} if sub == "status" else patch))

    def _list(self, address: Address, selector: str | None) -> JsonObject:
        wanted = dict(part.split("=", 1) for part in (selector or "").split(",") if part)
        found = [
            each
            for at, each in self.objects.items()
            if at.plural == address.plural
            and address.namespace in ("", at.namespace)
            and wanted.items() <= (each["metadata"].get("labels") or {}).items()
        ]
        return {"kind": f"{KINDS[address.plural]}List", "metadata": {}, "items": copied(found)}

    def _create(self, address: Address, manifest: JsonObject) -> JsonObject:
        if address.plural == EVENTS.plural:
            self.events.append(manifest)
            return manifest
        address = address._replace(name=manifest["metadata"]["name"])
        if address in self.objects:
            raise refusal(409)
        return self._store(address, manifest)

    def _store(self, address: Address, manifest: JsonObject) -> JsonObject:
        old = self.objects.get(address)
        metadata = dict(manifest["metadata"])
        if old is None:
            metadata |= {"uid": f"uid-{next(self._uids)}", "generation": 1}
        else:
            changed = old.get("spec") != manifest.get("spec")
            metadata |= {
                "uid": old["metadata"]["uid"],
                "generation": old["metadata"]["generation"] + changed,
            }
        metadata["resourceVersion"] = str(next(self._versions))
        new = {**manifest, "kind": KINDS[address.plural], "metadata": metadata}
        self.objects[address] = new
        self._tell(Change(gone=False, plural=address.plural, manifest=new))
        return copied(new)

    def _drop(self, address: Address) -> None:
        self._tell(Change(gone=True, plural=address.plural, manifest=self.objects.pop(address)))

    def _tell(self, change: Change) -> None:
        for feed in self.feeds:
            feed.append(change)
