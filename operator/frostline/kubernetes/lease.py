"""The Lease by which operators agree on who leads."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from kubernetes.aio.client import ApiException

from frostline.core.election import Record
from frostline.kubernetes.resource import Manifest, Objects, Resource

LEASES: Final = Resource("coordination.k8s.io", "v1", "leases")


@dataclass(frozen=True, slots=True)
class Found:
    """A Lease as it was read, to be written in this state only."""

    record: Record
    manifest: Manifest


class Lease:
    """The Lease NAMESPACE/NAME."""

    def __init__(self, objects: Objects, namespace: str, name: str) -> None:
        self._objects = objects
        self._namespace = namespace
        self._name = name

    def __str__(self) -> str:
        return f"lease {self._name} in namespace {self._namespace}"

    async def read(self) -> Found | None:
        """Return what it says, None when it is not there.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
            aiohttp.ClientError: it cannot be reached.
        """
        found = await self._objects.get(LEASES, self._namespace, self._name)
        return None if found is None else Found(_record(found.get("spec") or {}), found)

    async def write(self, record: Record, before: Found | None) -> Found | None:
        """Write a record if the Lease is still as it was read; return it as it stands, None when another was faster.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused for another reason.
            aiohttp.ClientError: it cannot be reached.
        """
        metadata: dict[str, Any] = {"namespace": self._namespace, "name": self._name}
        if before is not None:
            metadata["resourceVersion"] = before.manifest["metadata"]["resourceVersion"]
        kept = {} if before is None else before.manifest.get("spec") or {}
        manifest = {
            "apiVersion": LEASES.api_version,
            "kind": "Lease",
            "metadata": metadata,
            "spec": {**kept, **_spec(record)},
        }
        try:
            if before is None:
                written = await self._objects.create(LEASES, manifest)
            else:
                written = await self._objects.replace(LEASES, manifest)
        except ApiException as error:
            if error.status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                return None
            raise
        return Found(_record(written["spec"]), written)


def _record(spec: Manifest) -> Record:
    return Record(
        holder=spec.get("holderIdentity") or "",
        lease_s=float(spec.get("leaseDurationSeconds") or 0),
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
        transitions=spec.get("leaseTransitions") or 0,
    )


def _spec(record: Record) -> dict[str, Any]:
    return {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": int(record.lease_s),
        "acquireTime": record.acquired,
        "renewTime": record.renewed,
        "leaseTransitions": record.transitions,
    }
