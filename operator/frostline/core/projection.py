"""The functional projection of a pod template: what of it makes a change a release.

A release is a change of what runs: images, commands, environment, volumes, and every field that is not listed as
operational below, fields that a later Kubernetes brings included. The admission policy's CEL is made from the same
tables.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeAlias

import orjson

Template: TypeAlias = Mapping[str, Any]
"""A pod template as the API server prints it."""

Projection: TypeAlias = dict[str, Any]
"""What is stored of a template: containers, initContainers, volumes, annotations, labels and the pod's own fields.

Its parts are as the API server prints them, but for the env of a container: an object by name, so that the admission
policy can look a variable up. An env in which a name repeats stays a list, since then its order matters.
"""


class Operational(StrEnum):
    """Groups of template fields that may change during a freeze, unless a policy withholds them."""

    RESOURCES = "Resources"
    PROBES = "Probes"
    SCHEDULING = "Scheduling"
    PULL_SECRETS = "PullSecrets"
    GRACE_PERIOD = "GracePeriod"
    LABELS = "Labels"


CONTAINER_SETS: Final = ("ports", "volumeMounts", "volumeDevices")
"""Functional lists of a container whose order says nothing; so it is with env."""

OF_VOLUMES: Final = ("volumeMounts", "volumeDevices")
"""Lists of a container whose entries name a volume."""

OPERATIONAL_CONTAINER: Final[Mapping[Operational, tuple[str, ...]]] = {
    Operational.RESOURCES: ("resources", "resizePolicy"),
    Operational.PROBES: ("livenessProbe", "readinessProbe", "startupProbe"),
}
OPERATIONAL_POD: Final[Mapping[Operational, tuple[str, ...]]] = {
    Operational.RESOURCES: ("resources", "resourceClaims", "overhead"),
    Operational.PROBES: ("readinessGates",),
    Operational.SCHEDULING: (
        "affinity", "nodeName", "nodeSelector", "tolerations", "topologySpreadConstraints", "schedulerName",
        "schedulingGates", "schedulingGroup", "priority", "priorityClassName", "preemptionPolicy",
    ),
    Operational.PULL_SECRETS: ("imagePullSecrets",),
    Operational.GRACE_PERIOD: ("terminationGracePeriodSeconds", "evictionResponders"),
}  # fmt: skip
STRUCTURE: Final = ("containers", "initContainers", "volumes")
"""Fields of the pod's spec that a projection holds as parts of their own."""

MIRRORED: Final = ("serviceAccount",)
"""Fields of the pod's spec that only repeat another one."""

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
"""What `kubectl rollout restart` writes into a template: a restart is no release."""

TEMPLATE_HASH: Final = "pod-template-hash"
"""The label that tells a ReplicaSet's template from its Deployment's."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts of a template make a release.

    Attributes:
        withheld: groups that a policy counts as functional, too.
        ignored_annotations: template annotations that are no configuration, beside that of a restart.
        ignored_containers, ignored_volumes: what injectors put into the workload object itself; a mount of an ignored
            volume is ignored, too.
    """

    withheld: frozenset[Operational] = frozenset()
    ignored_annotations: frozenset[str] = frozenset()
    ignored_containers: frozenset[str] = frozenset()
    ignored_volumes: frozenset[str] = frozenset()


def project(template: Template, shape: Shape) -> Projection:
    """Return what of a pod template makes a release; absent and empty parts are the same."""
    metadata = template.get("metadata") or {}
    spec = template.get("spec") or {}
    left_out = _left_out_of_pods(shape)
    parts: Projection = {
        "containers": _containers(spec.get("containers"), shape),
        "initContainers": _containers(spec.get("initContainers"), shape),
        "volumes": [each for each in spec.get("volumes") or () if each["name"] not in shape.ignored_volumes],
        "annotations": {
            key: value
            for key, value in (metadata.get("annotations") or {}).items()
            if key != RESTARTED_AT and key not in shape.ignored_annotations
        },
        "pod": {name: value for name, value in spec.items() if name not in left_out and value is not None},
    }
    if Operational.LABELS in shape.withheld:
        labels = metadata.get("labels") or {}
        parts["labels"] = {key: value for key, value in labels.items() if key != TEMPLATE_HASH}
    return {name: part for name, part in parts.items() if part}


def operational(groups: Mapping[Operational, tuple[str, ...]], shape: Shape) -> list[str]:
    """Return the fields of `groups` that make no release under a shape."""
    return [name for group, fields in groups.items() if group not in shape.withheld for name in fields]


@lru_cache
def _left_out_of_pods(shape: Shape) -> frozenset[str]:
    return frozenset({*STRUCTURE, *MIRRORED, *operational(OPERATIONAL_POD, shape)})


@lru_cache
def _left_out_of_containers(shape: Shape) -> frozenset[str]:
    return frozenset(operational(OPERATIONAL_CONTAINER, shape))


def images(projection: Mapping[str, Any]) -> frozenset[str]:
    """Return the images of all containers of a projection, init containers included."""
    containers = [*(projection.get("containers") or ()), *(projection.get("initContainers") or ())]
    return frozenset(str(each.get("image", "")) for each in containers)


def _containers(containers: Iterable[Mapping[str, Any]] | None, shape: Shape) -> list[Projection]:
    return [_container(each, shape) for each in containers or () if each["name"] not in shape.ignored_containers]


def _container(container: Mapping[str, Any], shape: Shape) -> Projection:
    left_out = _left_out_of_containers(shape)
    kept = {name: value for name, value in container.items() if name not in left_out and value is not None}
    for name in OF_VOLUMES:
        if shape.ignored_volumes and name in kept:
            kept[name] = [each for each in kept[name] if each["name"] not in shape.ignored_volumes]
    if "env" in kept:
        kept["env"] = _env(kept["env"])
    return {name: value for name, value in kept.items() if value or name not in ("env", *CONTAINER_SETS)}


def _env(env: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | list[Any]:
    if isinstance(env, Mapping):
        return env
    variables = list(env)
    by_name = {each["name"]: each for each in variables}
    return by_name if len(by_name) == len(variables) else variables


@dataclass(frozen=True, slots=True)
class Canonical:
    """A projection made comparable: equal when two templates run the same.

    A fingerprint stands for the text: 10,000 gates with a dozen templates each would fill 400 MB.
    """

    fingerprint: bytes

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name it."""
        return self.fingerprint.hex()[:16]


def canonical(projection: Mapping[str, Any]) -> Canonical:
    """Return the comparable form: the order of containers, volumes, env and of the listed sets says nothing.

    The order of init containers does: they run one after the other.
    """
    comparable = {
        "containers": sorted((_comparable(each) for each in projection.get("containers") or ()), key=_name),
        "initContainers": [_comparable(each) for each in projection.get("initContainers") or ()],
        "volumes": _as_set(projection.get("volumes")),
        "annotations": projection.get("annotations") or {},
        "labels": projection.get("labels") or {},
        "pod": projection.get("pod") or {},
    }
    return Canonical(hashlib.sha256(_dumped(comparable).encode()).digest())


def _comparable(container: Mapping[str, Any]) -> dict[str, Any]:
    comparable = {name: value for name, value in container.items() if name not in ("env", *CONTAINER_SETS)}
    if container.get("env"):
        comparable["env"] = _env(container["env"])
    for name in CONTAINER_SETS:
        if container.get(name):
            comparable[name] = _as_set(container[name])
    return comparable


def _name(container: Mapping[str, Any]) -> str:
    return str(container["name"])


def _as_set(items: Iterable[Any] | None) -> tuple[int, list[str]]:
    """Return how many items there are, and which: equal as the policy's CEL compares sets."""
    dumped = [_dumped(each) for each in items or ()]
    return len(dumped), sorted(set(dumped))


def _dumped(value: object) -> str:
    # Four times as fast as json, and no request waits longer for anything than for this.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what differs between two projections, in words: "image of gateway", "volumes", "env LEVEL of gateway"."""
    found = [
        *_container_differences("container", before.get("containers"), after.get("containers")),
        *_container_differences("init container", before.get("initContainers"), after.get("initContainers")),
    ]
    one, other = ([each["name"] for each in side.get("initContainers") or ()] for side in (before, after))
    if one != other and sorted(one) == sorted(other):
        found.append("order of init containers")
    were, are = before.get("volumes"), after.get("volumes")
    if were != are and _as_set(were) != _as_set(are):
        found.append("volumes")
    for part, word in (("annotations", "annotation "), ("labels", "label "), ("pod", "")):
        found += [f"{word}{key}" for key in _changed(before.get(part) or {}, after.get(part) or {})]
    return tuple(found)


def _container_differences(
    kind: str, before: Iterable[Mapping[str, Any]] | None, after: Iterable[Mapping[str, Any]] | None
) -> list[str]:
    old = {each["name"]: each for each in before or ()}
    new = {each["name"]: each for each in after or ()}
    found = [f"{kind} {name} added" for name in new if name not in old]
    found += [f"{kind} {name} removed" for name in old if name not in new]
    for name in [each for each in new if each in old]:
        # Comparable forms cost, and most fields are equal as they are.
        keys = _changed(old[name], new[name])
        one, other = (_comparable({key: side[key] for key in keys if key in side}) for side in (old[name], new[name]))
        for key in _changed(one, other):
            found += [f"{what} of {kind} {name}" for what in _within(key, one.get(key), other.get(key))]
    return found


def _within(key: str, before: object, after: object) -> list[str]:
    """Return a changed field of a container in words, a changed variable by its name."""
    if key != "env" or isinstance(before, list) or isinstance(after, list):
        return [key]
    return [f"env {name}" for name in _changed(_mapping(before), _mapping(after))]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]
