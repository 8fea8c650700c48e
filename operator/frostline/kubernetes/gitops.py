"""Objects of GitOps tools on the API server: read and asked, where they are installed."""

from typing import Any

from frostline.core.gitops import Owner
from frostline.kubernetes.resource import Manifest, Objects, Resource


class GitOpsObjects:
    """Reads and patches the objects that workloads are applied from."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def get(self, owner: Owner) -> Manifest | None:
        """Return the object, None when it or its kind is not there.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        resource = await self._resource(owner)
        return None if resource is None else await self._objects.get(resource, owner.namespace, owner.name)

    async def patch(self, owner: Owner, patch: dict[str, Any]) -> None:
        """Merge a patch into the object.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        resource = await self._resource(owner)
        if resource is not None:
            await self._objects.merge(resource, owner.namespace, owner.name, patch)

    async def _resource(self, owner: Owner) -> Resource | None:
        plural, _, group = owner.controller.partition(".")
        version = await self._objects.preferred(group)
        return None if version is None else Resource(group, version, plural)
