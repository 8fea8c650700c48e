"""Objects of one kind on the API server, as the JSON that it holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias, TypeVar

import aiohttp
import orjson
from kubernetes.aio import client

from frostline import names
from frostline.kubernetes.traffic import Request, Traffic

Manifest: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

TIMEOUT_S: Final = 15.0
_PAGE: Final = 500
_MERGE_PATCH: Final = "application/merge-patch+json"
_JSON: Final = "application/json"
_METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class NotInstalledError(RuntimeError):
    """The API server does not know the kind."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind by its address; `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What stands in apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, sub: str | None = None) -> str:
        """Return the path of a collection, an object or a subresource."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        where = f"/namespaces/{namespace}" if self.namespaced and namespace is not None else ""
        return base + where + "".join(f"/{part}" for part in (self.plural, name, sub) if part is not None)


def _ours(plural: names.Plural, *, namespaced: bool = True) -> Resource:
    return Resource(names.GROUP, names.VERSION, str(plural), namespaced)


OBJECTIVES: Final = _ours(names.Plural.SERVICE_LEVEL_OBJECTIVES)
POLICIES: Final = _ours(names.Plural.ERROR_BUDGET_POLICIES, namespaced=False)
GATES: Final = _ours(names.Plural.RELEASE_GATES)
OVERRIDES: Final = _ours(names.Plural.RELEASE_OVERRIDES)
SOURCES: Final = _ours(names.Plural.PROMETHEUS_SOURCES, namespaced=False)
NAMESPACES: Final = Resource("", "v1", "namespaces", namespaced=False)
WORKLOADS: Final[Mapping[str, Resource]] = {
    "Deployment": Resource("apps", "v1", "deployments"),
    "StatefulSet": Resource("apps", "v1", "statefulsets"),
    "DaemonSet": Resource("apps", "v1", "daemonsets"),
}
REPLICA_SETS: Final = Resource("apps", "v1", "replicasets")
CONTROLLER_REVISIONS: Final = Resource("apps", "v1", "controllerrevisions")
EVENTS: Final = Resource("events.k8s.io", "v1", "events")


class Objects:
    """Reads and writes objects through one client. Statuses and Events wait for everything else."""

    def __init__(self, api: client.ApiClient) -> None:
        self._traffic = Traffic(api)

    async def everything(
        self, resource: Resource, namespaces: Sequence[str] = (), *, selector: str | None = None
    ) -> list[Manifest]:
        """Return all objects, or those of the given namespaces, or those whose labels match `selector`.

        Raises:
            NotInstalledError: the API server does not know the kind.
            kubernetes.aio.client.ApiException: the API server refused.
        """
        return await self.read(resource, namespaces, lambda manifest: manifest, selector=selector)

    async def read(
        self,
        resource: Resource,
        namespaces: Sequence[str],
        read: Callable[[Manifest], T],
        /,
        *,
        selector: str | None = None,
    ) -> list[T]:
        """Return what `read` makes of each object, a page at a time: whole manifests of a large fleet are 200 MB.

        Raises:
            NotInstalledError: the API server does not know the kind.
            kubernetes.aio.client.ApiException: the API server refused.
        """
        found: list[T] = []
        for namespace in namespaces if namespaces and resource.namespaced else (None,):
            found += await self._pages(resource, namespace, selector, read)
        return found

    async def _pages(
        self, resource: Resource, namespace: str | None, selector: str | None, read: Callable[[Manifest], T]
    ) -> list[T]:
        found: list[T] = []
        token: str | None = None
        while True:
            asked = {"limit": str(_PAGE), "continue": token, "labelSelector": selector}
            try:
                page = await self._call("GET", resource.path(namespace), asked)
            except client.ApiException as error:
                if error.status == HTTPStatus.GONE and token is not None:
                    # The token of an interrupted listing has expired: begin again.
                    found, token = [], None
                    continue
                if error.status == HTTPStatus.NOT_FOUND:
                    raise NotInstalledError(
                        f"the API server does not know {resource.plural} in {resource.api_version}:"
                        " install the chart, or kubectl apply --server-side -f crds/"
                    ) from error
                raise
            # The items of a list of a built-in kind do not say what they are.
            kind = page["kind"].removesuffix("List")
            found += [read({"apiVersion": resource.api_version, "kind": kind, **item}) for item in page["items"]]
            token = page["metadata"].get("continue")
            if not token:
                return found

    async def metadata(self, resource: Resource, namespace: str, *, selector: str) -> list[Manifest]:
        """Return the metadata, and nothing else, of the objects of a namespace whose labels match: for large ones.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused; 404 when it does not know the kind.
        """
        asked = {"labelSelector": selector}
        page = await self._call("GET", resource.path(namespace), asked, accept=_METADATA)
        # A list of metadata alone that is empty has null for its items.
        return [item["metadata"] for item in page["items"] or ()]

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Manifest | None:
        """Return one object, None when there is none.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        try:
            return await self._call("GET", resource.path(namespace, name))
        except client.ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def knows(self, resource: Resource) -> bool:
        """Return whether the API server serves a kind.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        try:
            found = await self._call("GET", resource.path().removesuffix(f"/{resource.plural}"))
        except client.ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return any(each["name"] == resource.plural for each in found["resources"])

    async def preferred(self, group: str) -> str | None:
        """Return the version of a group that the API server prefers; None where it has no such group.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        try:
            found = await self._call("GET", f"/apis/{group}")
        except client.ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return str(found["preferredVersion"]["version"])

    async def create(self, resource: Resource, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object and return it; `dry_run`: as it would be, defaults filled in, nothing written.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused; 409 when it is there already.
        """
        path = resource.path(manifest["metadata"].get("namespace"))
        asked = {"fieldManager": names.FIELD_MANAGER, "dryRun": "All" if dry_run else None}
        return await self._call("POST", path, asked, manifest, _JSON, urgent=resource != EVENTS)

    async def replace(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Replace an object that has not changed since it was read, and return it.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused; 409 when it has changed, 404 when it is gone.
        """
        metadata = manifest["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"])
        return await self._call("PUT", path, {"fieldManager": names.FIELD_MANAGER}, manifest, _JSON)

    async def merge(
        self, resource: Resource, namespace: str | None, name: str, patch: Manifest, *, sub: str | None = None
    ) -> Manifest | None:
        """Merge a patch into an object or its subresource `sub`; return the object after it.

        None when it is gone, or when `metadata.uid` or `metadata.resourceVersion` in the patch are no longer true.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused for another reason.
        """
        asked = {"fieldManager": names.FIELD_MANAGER}
        try:
            return await self._call(
                "PATCH", resource.path(namespace, name, sub), asked, patch, _MERGE_PATCH, urgent=sub is None
            )
        except client.ApiException as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                return None
            raise

    async def delete(
        self, resource: Resource, namespace: str | None, name: str, uid: str | None = None, version: str | None = None
    ) -> bool:
        """Delete an object, this very one where `uid` is given, in this very state where `version` is.

        Returns whether it was there so.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused for another reason.
        """
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        wanted = {"uid": uid, "resourceVersion": version}
        if preconditions := {key: value for key, value in wanted.items() if value is not None}:
            body["preconditions"] = preconditions
        try:
            await self._call("DELETE", resource.path(namespace, name), body=body, content_type=_JSON)
        except client.ApiException as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                return False
            raise
        return True

    async def settle(self, timeout_s: float) -> bool:
        """Wait for the writes that are under way, `timeout_s` at most; return whether all have ended."""
        return await self._traffic.settle(timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        body: Manifest | None = None,
        content_type: str | None = None,
        *,
        accept: str = _JSON,
        urgent: bool = True,
    ) -> Manifest:
        headers = {"Accept": accept} | ({"Content-Type": content_type} if content_type else {})
        asked = [(name, value) for name, value in (query or {}).items() if value is not None]
        answer = await self._traffic.send(Request(method, path, asked, headers, body, TIMEOUT_S, urgent))
        try:
            read: Manifest = orjson.loads(answer)
        except orjson.JSONDecodeError as error:
            # Something between us and the API server that answers in its place.
            raise aiohttp.ClientPayloadError(f"the answer to {method} {path} is no JSON: {error}") from error
        return read


def reason_of(error: client.ApiException) -> str:
    """Return what an API server said of a refusal, in one line."""
    try:
        said = orjson.loads(error.body or b"")["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = error.reason or ""
    return f"{error.status} {' '.join(str(said).split())}"
