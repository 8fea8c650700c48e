"""What arms the gates, on the API server: bindings, the webhook configuration, the memory of them, the probe."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from kubernetes.aio import client

from frostline import names
from frostline.core import admission
from frostline.core.armed import OBJECTS, Answer, Facts, Mark, Part, mark
from frostline.kubernetes.events import About, Recorder, Told
from frostline.kubernetes.resource import GATES, Manifest, Objects, Resource, reason_of

_GROUP: Final = "admissionregistration.k8s.io"
POLICIES: Final = Resource(_GROUP, "v1", "validatingadmissionpolicies", namespaced=False)
BINDINGS: Final = Resource(_GROUP, "v1", "validatingadmissionpolicybindings", namespaced=False)
CONFIGURATIONS: Final = Resource(_GROUP, "v1", "mutatingwebhookconfigurations", namespaced=False)
_RESOURCES: Final[Mapping[str, Resource]] = MappingProxyType(
    {admission.BINDING: BINDINGS, admission.CONFIGURATION: CONFIGURATIONS}
)
_DEFINITIONS: Final = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False)
_GATE_DEFINITION: Final = f"{names.Plural.RELEASE_GATES}.{names.GROUP}"
_CONFIG_MAPS: Final = Resource("", "v1", "configmaps")
_MEMORY: Final = {
    Part.FREEZE: names.Memory.FREEZE,
    Part.KEEP: names.Memory.KEEP,
    Part.WEBHOOK: names.Memory.WEBHOOK,
}
_BOUND: Final = (names.Admission.FREEZE, names.Admission.KEEP, names.Admission.PROBE)

# What the API server says for want of a parameter of a kind that it knows; any other refusal by the probe's policy
# is the one that the probe looks for.
_NO_GATE: Final = "no params found"


class AdmissionObjects:
    """Reads and writes what arms the gates."""

    def __init__(self, objects: Objects, recorder: Recorder) -> None:
        self._objects = objects
        self._recorder = recorder

    async def facts(self) -> Facts:
        """Return what the API server has, and ask it the probe's question while the probe's binding is there.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        policies = await self._named(POLICIES, _BOUND)
        validates = bool(policies) or await self._objects.knows(POLICIES)
        anchor = await self._anchor(policies, validates=validates)
        return Facts(
            validates=validates,
            served=await self._objects.knows(GATES),
            policies=frozenset(policies),
            present=await self.present(),
            marks=_marks(anchor),
            probe=await self._asked(policies.get(names.Admission.PROBE)),
        )

    async def marks(self) -> Mapping[Part, Mark]:
        """Return what the operator remembers.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        return _marks(await self._find_anchor())

    async def present(self) -> Mapping[Part, Manifest]:
        """Return the objects that arm a part.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        found = {part: await self._objects.get(_RESOURCES[kind], None, name) for part, (kind, name) in OBJECTS.items()}
        return {part: live for part, live in found.items() if live is not None}

    async def make(self, manifest: Manifest) -> None:
        """Create an object.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        await self._objects.create(_RESOURCES[manifest["kind"]], manifest)

    async def restore(self, live: Manifest, patch: Manifest) -> None:
        """Merge a patch into an object, unless somebody changed it since it was read.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        metadata = {**patch.get("metadata", {}), "resourceVersion": live["metadata"]["resourceVersion"]}
        await self._objects.merge(
            _RESOURCES[live["kind"]], None, live["metadata"]["name"], {**patch, "metadata": metadata}
        )

    async def drop(self, manifest: Manifest) -> None:
        """Delete an object.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        await self._objects.delete(_RESOURCES[manifest["kind"]], None, manifest["metadata"]["name"])

    async def note(self, marks: Mapping[Part, Mark | None]) -> None:
        """Remember something of parts; None forgets.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        written = {str(_MEMORY[part]): None if each is None else each.text for part, each in marks.items()}
        resource, name = await self._anchor_name()
        await self._objects.merge(resource, None, name, {"metadata": {"annotations": written}})

    async def tell(self, told: Told) -> None:
        """Leave an Event about the object that remembers; without it nobody would look there.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        anchor = await self._find_anchor()
        if anchor is None:
            return
        about = About(anchor["apiVersion"], anchor["kind"], "", anchor["metadata"]["name"], anchor["metadata"]["uid"])
        await self._recorder.record(about, told)

    async def _named(self, resource: Resource, wanted: Iterable[names.Admission]) -> dict[names.Admission, Manifest]:
        found = {name: await self._objects.get(resource, None, name) for name in wanted}
        return {name: each for name, each in found.items() if each is not None}

    async def _find_anchor(self) -> Manifest | None:
        resource, name = await self._anchor_name()
        return await self._objects.get(resource, None, name)

    async def _anchor(self, policies: Mapping[names.Admission, Manifest], *, validates: bool) -> Manifest | None:
        if validates:
            return policies.get(names.Admission.FREEZE)
        return await self._objects.get(_DEFINITIONS, None, _GATE_DEFINITION)

    async def _anchor_name(self) -> tuple[Resource, str]:
        """Return where is remembered: by the policy, or by the kind where there are no policies."""
        if await self._objects.knows(POLICIES):
            return POLICIES, str(names.Admission.FREEZE)
        return _DEFINITIONS, _GATE_DEFINITION

    async def _asked(self, policy: Manifest | None) -> Answer | None:
        if policy is None or await self._objects.get(BINDINGS, None, names.Admission.PROBE) is None:
            return None
        selector: Mapping[str, Any] = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchLabels"]
        metadata = {"name": str(names.Admission.PROBE), "namespace": selector["kubernetes.io/metadata.name"]}
        question = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        try:
            await self._objects.create(_CONFIG_MAPS, question, dry_run=True)
        except client.ApiException as error:
            said = reason_of(error)
            if f"'{names.Admission.PROBE}'" not in said:
                raise
            return Answer.KNOWN if _NO_GATE in said else Answer.UNKNOWN
        return Answer.UNSEEN


def _marks(anchor: Manifest | None) -> Mapping[Part, Mark]:
    annotations = (anchor or {"metadata": {}})["metadata"].get("annotations") or {}
    return {part: mark(annotations[name]) for part, name in _MEMORY.items() if name in annotations}
