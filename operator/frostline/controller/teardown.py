"""Takes away all that the operator left in the cluster, before it is uninstalled: what holds first, marks last.

An operator that still runs would put it back: it has to be stopped before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from frostline import names
from frostline.controller import marks
from frostline.kubernetes.admission import BINDINGS, CONFIGURATIONS
from frostline.kubernetes.resource import GATES, NAMESPACES, WORKLOADS, Manifest, NotInstalledError, Objects, Resource
from frostline.kubernetes.rules import CONFIG_MAPS, PROMETHEUS_RULES


@dataclass(frozen=True, slots=True)
class TakenAway:
    """How many of each were there."""

    admission: int
    gates: int
    workloads: int
    namespaces: int
    rules: int

    @property
    def nothing(self) -> bool:
        """Whether there was nothing left."""
        return not (self.admission or self.gates or self.workloads or self.namespaces or self.rules)


async def take_away(objects: Objects, rules_in: str | None) -> TakenAway:
    """Remove bindings, webhook configuration, gates, every mark, and rules where a namespace is named; count them.

    Raises:
        kubernetes.aio.client.ApiException: the API server refused; what was removed until then stays removed.
    """
    # The guards would refuse what follows to whoever is not the operator.
    guards = ("records", "namespaces")
    admission = [
        *[await objects.delete(BINDINGS, None, f"{names.GUARD_PREFIX}{each}") for each in guards],
        await objects.delete(BINDINGS, None, str(names.Admission.FREEZE)),
        await objects.delete(BINDINGS, None, str(names.Admission.KEEP)),
        await objects.delete(BINDINGS, None, str(names.Admission.PROBE)),
        await objects.delete(CONFIGURATIONS, None, str(names.Admission.WEBHOOK_CONFIGURATION)),
    ]
    gates = [
        await objects.delete(GATES, each["metadata"]["namespace"], each["metadata"]["name"])
        for each in await _installed(objects, GATES)
    ]
    unmarked = [
        await objects.merge(resource, each["metadata"]["namespace"], each["metadata"]["name"], marks.patch({}))
        for resource in WORKLOADS.values()
        for each in await objects.everything(resource)
        if _marked(each)
    ]
    label = str(names.Label.ENFORCED)
    released = [
        await objects.merge(NAMESPACES, None, each["metadata"]["name"], {"metadata": {"labels": {label: None}}})
        for each in await objects.everything(NAMESPACES, selector=label)
    ]
    return TakenAway(sum(admission), sum(gates), len(unmarked), len(released), await _without_rules(objects, rules_in))


async def _without_rules(objects: Objects, namespace: str | None) -> int:
    """Remove the objects with rules that an operator wrote in a namespace; return how many there were."""
    removed = 0
    for resource in (PROMETHEUS_RULES, CONFIG_MAPS):
        if namespace is None or not await objects.knows(resource):
            continue
        for each in await objects.everything(resource, (namespace,), selector=str(names.Label.RULES_OF)):
            removed += await objects.delete(resource, namespace, each["metadata"]["name"])
    return removed


async def _installed(objects: Objects, resource: Resource) -> list[Manifest]:
    try:
        return await objects.everything(resource)
    except NotInstalledError:
        return []


def _marked(manifest: Manifest) -> bool:
    metadata = manifest["metadata"]
    known: Mapping[str, str] = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return any(name in known for name in marks.ALL)


async def stop_operator(
    objects: Objects, namespace: str, name: str, pause: Callable[[], Awaitable[None]], patience: int
) -> bool:
    """Scale the operator's Deployment to nothing and wait until its pods are gone; return whether they are.

    `pause` is awaited up to `patience` times in between. A Deployment that is not there has no pods.

    Raises:
        kubernetes.aio.client.ApiException: the API server refused.
    """
    deployments = WORKLOADS["Deployment"]
    if await objects.merge(deployments, namespace, name, {"spec": {"replicas": 0}}, sub="scale") is None:
        return True
    for _ in range(patience):
        deployment = await objects.get(deployments, namespace, name)
        if deployment is None or not (deployment.get("status") or {}).get("replicas"):
            return True
        await pause()
    return False
