"""Rule files as objects of one namespace: PrometheusRules, or ConfigMaps where nobody reads those."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

from kubernetes.aio.client import ApiException

from frostline import names
from frostline.core.rule_delivery import ForeignError
from frostline.core.rule_files import MANAGED, RuleFile, config_map, prometheus_rule
from frostline.kubernetes.resource import Manifest, Objects, Resource

PROMETHEUS_RULES: Final = Resource("monitoring.coreos.com", "v1", "prometheusrules")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps")

SELECTOR: Final = ",".join(f"{label}={value}" for label, value in MANAGED.items())


@dataclass(frozen=True, slots=True)
class _Seen:
    uid: str
    version: str
    digest: str


class RuleObjects:
    """Objects of `resource` in `namespace`, which carry `labels` beside our own. Those that are of `owner` are ours."""

    def __init__(
        self, objects: Objects, resource: Resource, namespace: str, labels: Mapping[str, str], owner: str
    ) -> None:
        self._objects = objects
        self._resource = resource
        self._namespace = namespace
        self._labels = {**labels, **MANAGED, str(names.Label.RULES_OF): owner}
        self._seen: dict[str, _Seen] = {}

    def __str__(self) -> str:
        return f"{self._resource.plural} of namespace {self._namespace}"

    async def found(self) -> dict[str, str | None]:
        """Return what is there: digests by name, None for objects of somebody else. Only what changed is read.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        found: dict[str, str | None] = {}
        seen: dict[str, _Seen] = {}
        for metadata in await self._objects.metadata(self._resource, self._namespace, selector=SELECTOR):
            name = metadata["name"]
            if not self._is_ours(metadata):
                found[name] = None
                continue
            known = self._seen.get(name)
            if known is None or (known.uid, known.version) != (metadata["uid"], metadata["resourceVersion"]):
                manifest = await self._objects.get(self._resource, self._namespace, name)
                if manifest is None or not self._is_ours(manifest["metadata"]):
                    continue
                known = self._known(manifest)
            seen[name] = known
            found[name] = known.digest
        self._seen = seen
        return found

    def digest(self, file: RuleFile) -> str:
        """Return the digest of what is to be written."""
        return _digest(self._manifest(file), self._labels)

    async def write(self, file: RuleFile) -> None:
        """Create or replace one object.

        Raises:
            ForeignError: there is one of somebody else's, or it was written by somebody else a moment ago.
            kubernetes.aio.client.ApiException: the API server refused.
        """
        manifest = self._manifest(file)
        known = self._seen.get(file.name)
        if known is None:
            written = await self._create(manifest)
        else:
            unchanged = {"uid": known.uid, "resourceVersion": known.version}
            patch = {**manifest, "metadata": {**unchanged, "labels": manifest["metadata"]["labels"]}}
            replaced = await self._objects.merge(self._resource, self._namespace, file.name, patch)
            if replaced is None:
                raise ForeignError(f"{file.name} in {self} was changed by somebody else a moment ago")
            written = replaced
        self._seen[file.name] = self._known(written)

    async def _create(self, manifest: Manifest) -> Manifest:
        try:
            return await self._objects.create(self._resource, manifest)
        except ApiException as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            name = manifest["metadata"]["name"]
            raise ForeignError(f"{name} in {self} is somebody else's: remove it, or choose --rules-namespace") from None

    async def remove(self, name: str) -> None:
        """Delete one object of ours, if it is as it was read.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        known = self._seen.pop(name, None)
        if known is not None:
            await self._objects.delete(self._resource, self._namespace, name, known.uid)

    def _manifest(self, file: RuleFile) -> dict[str, Any]:
        make = prometheus_rule if self._resource == PROMETHEUS_RULES else config_map
        manifest = make(file, self._namespace)
        manifest["metadata"]["labels"] = dict(self._labels)
        return manifest

    def _is_ours(self, metadata: Mapping[str, Any]) -> bool:
        label = str(names.Label.RULES_OF)
        return bool((metadata.get("labels") or {}).get(label) == self._labels[label])

    def _known(self, manifest: Manifest) -> _Seen:
        metadata = manifest["metadata"]
        return _Seen(metadata["uid"], metadata["resourceVersion"], _digest(manifest, self._labels))


def _digest(manifest: Manifest, ours: Mapping[str, str]) -> str:
    """Return a digest of the rules and of the labels that we set: others may add their own labels and keys."""
    metadata = manifest["metadata"]
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name in ours}
    rules = (manifest.get("spec") or {}).get("groups"), (manifest.get("data") or {}).get(f"{metadata['name']}.yaml")
    content = json.dumps([rules, labels], sort_keys=True)
    return blake2b(content.encode(), digest_size=16).hexdigest()
