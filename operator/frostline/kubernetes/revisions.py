"""The templates that a workload ran before: from its ReplicaSets or ControllerRevisions."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from frostline.kubernetes.resource import CONTROLLER_REVISIONS, REPLICA_SETS, WORKLOADS, Manifest, Objects

_REVISION: Final = "deployment.kubernetes.io/revision"
_HASH: Final = "pod-template-hash"
_MOST: Final = 10

Template: TypeAlias = Mapping[str, Any]


async def templates(
    objects: Objects, namespace: str, kind: str, name: str, uid: str
) -> tuple[Template, list[tuple[str, Template]]] | None:
    """Return the pod template that is asked for now, and (source, template) of up to ten revisions before it.

    Both are read at one time: what was released a moment ago counts as running, what it replaced as earlier. The
    newest comes first. None when the workload (this `uid`) is gone.

    Raises:
        kubernetes.aio.client.ApiException: the API server refused.
    """
    workload = await objects.get(WORKLOADS[kind], namespace, name)
    if workload is None or workload["metadata"]["uid"] != uid:
        return None
    resource = REPLICA_SETS if kind == "Deployment" else CONTROLLER_REVISIONS
    found = await objects.everything(resource, [namespace], selector=_selector(workload["spec"]["selector"]))
    read = _replica_set if kind == "Deployment" else _controller_revision
    revisions = sorted((read(each) for each in found if _owned(each, uid)), key=lambda each: -each[0])
    first = 1 if _is_newest(workload) else 0
    earlier = [(f"revision {number}", template) for number, template in revisions[first : first + _MOST]]
    return workload["spec"]["template"], earlier


def _is_newest(workload: Manifest) -> bool:
    """Return whether the newest revision is that of the present template: it is made a moment after a change."""
    seen = (workload.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= workload["metadata"]["generation"] and not workload["spec"].get("paused"))


def _owned(manifest: Manifest, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in manifest["metadata"].get("ownerReferences") or ())


def _replica_set(manifest: Manifest) -> tuple[int, Template]:
    number = int((manifest["metadata"].get("annotations") or {}).get(_REVISION, 0))
    template = manifest["spec"]["template"]
    metadata = template.get("metadata") or {}
    # The controller adds it to what people wrote.
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _HASH}
    return number, {**template, "metadata": {**metadata, "labels": labels}}


def _controller_revision(manifest: Manifest) -> tuple[int, Template]:
    return int(manifest["revision"]), manifest["data"]["spec"]["template"]


def _selector(selector: Mapping[str, Any]) -> str:
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], ",".join(each.get("values") or ())
        operator = each["operator"]
        if operator == "Exists":
            parts.append(key)
        elif operator == "DoesNotExist":
            parts.append(f"!{key}")
        else:
            parts.append(f"{key} {'in' if operator == 'In' else 'notin'} ({values})")
    return ",".join(parts)
