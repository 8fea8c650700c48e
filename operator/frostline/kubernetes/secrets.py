"""One Secret, written only in the state in which it was read."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from kubernetes.aio.client import ApiException

from frostline.kubernetes.resource import Objects, Resource

SECRETS: Final = Resource("", "v1", "secrets")


@dataclass(frozen=True, slots=True)
class Held:
    """What a Secret holds, as of its resource version."""

    data: Mapping[str, bytes]
    version: str


class Secret:
    """The Secret NAMESPACE/NAME, of type kubernetes.io/tls."""

    def __init__(self, objects: Objects, namespace: str, name: str) -> None:
        self._objects = objects
        self._namespace = namespace
        self._name = name

    def __str__(self) -> str:
        return f"secret {self._name} in namespace {self._namespace}"

    async def read(self) -> Held | None:
        """Return what it holds, None when it is not there.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        found = await self._objects.get(SECRETS, self._namespace, self._name)
        if found is None:
            return None
        data = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
        return Held(data, found["metadata"]["resourceVersion"])

    async def write(self, data: Mapping[str, bytes], before: Held | None) -> bool:
        """Write `data` if the Secret is still as it was read; say whether it was.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused for another reason.
        """
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        if before is None:
            return await self._create(encoded)
        patch = {"metadata": {"resourceVersion": before.version}, "data": encoded}
        return await self._objects.merge(SECRETS, self._namespace, self._name, patch) is not None

    async def _create(self, encoded: Mapping[str, str]) -> bool:
        manifest = {
            "apiVersion": SECRETS.api_version,
            "kind": "Secret",
            "metadata": {"namespace": self._namespace, "name": self._name},
            "type": "kubernetes.io/tls",
            "data": encoded,
        }
        try:
            await self._objects.create(SECRETS, manifest)
        except ApiException as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True
