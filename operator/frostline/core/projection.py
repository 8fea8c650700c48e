"""The functional projection of a pod template: what of it makes a change a release.

A release is a change of what runs: images, commands, environment, volumes, and every field that is not listed as
operational. The tables below name each field of a pod template once; a test holds them against the client's models.
The admission policy's CEL is made from the same tables.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import orjson

Template: TypeAlias = Mapping[str, Any]
"""A pod template as the API server prints it."""

Projection: TypeAlias = dict[str, Any]
"""What is stored of a template: containers, initContainers, volumes, annotations, labels and the pod's own fields."""


class Operational(StrEnum):
    """Groups of template fields that may change during a freeze, unless a policy withholds them."""

    RESOURCES = "Resources"
    PROBES = "Probes"
    SCHEDULING = "Scheduling"
    PULL_SECRETS = "PullSecrets"
    GRACE_PERIOD = "GracePeriod"
    LABELS = "Labels"


CONTAINER_FIELDS: Final = (
    "image", "command", "args", "workingDir", "envFrom", "lifecycle", "restartPolicy", "restartPolicyRules",
    "securityContext", "stdin", "stdinOnce", "tty", "terminationMessagePath", "terminationMessagePolicy",
    "imagePullPolicy",
)  # fmt: skip
"""Functional fields of a container beside its name, compared as they are."""

CONTAINER_SETS: Final = ("env", "ports", "volumeMounts", "volumeDevices")
"""Functional lists of a container whose order says nothing."""

POD_FIELDS: Final = (
    "serviceAccountName", "automountServiceAccountToken", "securityContext", "hostNetwork", "hostPID", "hostIPC",
    "hostUsers", "hostname", "hostnameOverride", "subdomain", "setHostnameAsFQDN", "hostAliases", "dnsPolicy",
    "dnsConfig", "enableServiceLinks", "shareProcessNamespace", "restartPolicy", "activeDeadlineSeconds",
    "runtimeClassName", "os", "ephemeralContainers",
)  # fmt: skip
"""Functional fields of the pod's spec beside its containers and volumes, compared as they are."""

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
MIRRORED: Final = ("serviceAccount",)
"""Fields of the pod's spec that only repeat another one."""

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
"""What `kubectl rollout restart` writes into a template: a restart is no release."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts of a template make a release.

    Attributes:
        withheld: groups that a policy counts as functional, too.
        ignored_annotations: template annotations that are no configuration, beside that of a restart.
        ignored_containers, ignored_volumes: what injectors put into the workload object itself.
    """

    withheld: frozenset[Operational] = frozenset()
    ignored_annotations: frozenset[str] = frozenset()
    ignored_containers: frozenset[str] = frozenset()
    ignored_volumes: frozenset[str] = frozenset()


def project(template: Template, shape: Shape) -> Projection:
    """Return what of a pod template makes a release; absent and empty are the same."""
    metadata = template.get("metadata") or {}
    spec = template.get("spec") or {}
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key != RESTARTED_AT and key not in shape.ignored_annotations
    }
    pod_fields = [*POD_FIELDS, *_withheld(OPERATIONAL_POD, shape)]
    parts: Projection = {
        "containers": _containers(spec.get("containers"), shape),
        "initContainers": _containers(spec.get("initContainers"), shape),
        "volumes": [each for each in spec.get("volumes") or () if each["name"] not in shape.ignored_volumes],
        "annotations": annotations,
        "pod": {name: spec[name] for name in pod_fields if spec.get(name) is not None},
    }
    if Operational.LABELS in shape.withheld:
        parts["labels"] = dict(metadata.get("labels") or {})
    return {name: part for name, part in parts.items() if part}


def _containers(containers: Iterable[Mapping[str, Any]] | None, shape: Shape) -> list[Projection]:
    kept = ("name", *CONTAINER_FIELDS, *CONTAINER_SETS, *_withheld(OPERATIONAL_CONTAINER, shape))
    return [
        {name: each[name] for name in kept if each.get(name) is not None}
        for each in containers or ()
        if each["name"] not in shape.ignored_containers
    ]


def _withheld(groups: Mapping[Operational, tuple[str, ...]], shape: Shape) -> list[str]:
    return [name for group, fields in groups.items() if group in shape.withheld for name in fields]


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
    """Return the comparable form: the order of containers, volumes and of the listed sets says nothing.

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
    comparable = {name: value for name, value in container.items() if name not in CONTAINER_SETS}
    for name in CONTAINER_SETS:
        if container.get(name):
            comparable[name] = _as_set(container[name])
    return comparable


def _name(container: Mapping[str, Any]) -> str:
    return str(container["name"])


def _as_set(items: Iterable[Any] | None) -> list[str]:
    return sorted(_dumped(each) for each in items or ())


def _dumped(value: object) -> str:
    # Four times as fast as json, and no request waits longer for anything than for this.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what differs between two projections, in words: "image of gateway", "volumes", "env of init container"."""
    found = []
    for field, kind in (("containers", "container"), ("initContainers", "init container")):
        old = {each["name"]: each for each in before.get(field) or ()}
        new = {each["name"]: each for each in after.get(field) or ()}
        found += [f"{kind} {name} added" for name in new if name not in old]
        found += [f"{kind} {name} removed" for name in old if name not in new]
        for name in [each for each in new if each in old]:
            one, other = _comparable(old[name]), _comparable(new[name])
            changed = [key for key in {**one, **other} if one.get(key) != other.get(key)]
            found += [f"{key} of {kind} {name}" for key in changed]
        if list(old) != list(new) and old.keys() == new.keys() and field == "initContainers":
            found.append("order of init containers")
    if _as_set(before.get("volumes")) != _as_set(after.get("volumes")):
        found.append("volumes")
    for field, word in (("annotations", "annotation"), ("labels", "label"), ("pod", "")):
        one, other = before.get(field) or {}, after.get(field) or {}
        found += [f"{word} {key}".strip() for key in {**one, **other} if one.get(key) != other.get(key)]
    return tuple(found)
