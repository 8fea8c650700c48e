"""What Secrets and ConfigMaps of one namespace hold, read by name."""

import base64
from collections.abc import Mapping
from typing import Final

from frostline.kubernetes.resource import Objects, Resource
from frostline.kubernetes.secrets import SECRETS

CONFIG_MAPS: Final = Resource("", "v1", "configmaps")


class Contents:
    """Reads objects of one namespace."""

    def __init__(self, objects: Objects, namespace: str) -> None:
        self._objects = objects
        self.namespace = namespace

    async def secret(self, name: str) -> Mapping[str, bytes] | None:
        """Return what a Secret holds by key, None when there is none of that name.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        found = await self._objects.get(SECRETS, self.namespace, name)
        if found is None:
            return None
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}

    async def config_map(self, name: str) -> Mapping[str, bytes] | None:
        """Return what a ConfigMap holds by key, None when there is none of that name.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        found = await self._objects.get(CONFIG_MAPS, self.namespace, name)
        if found is None:
            return None
        binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
        return binary | {key: value.encode() for key, value in (found.get("data") or {}).items()}
