"""Workloads as last seen: what selects them, what they run, and our marks on them."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from frostline import names
from frostline.controller.known import Known, Manifest
from frostline.core.gate import Workload
from frostline.core.projection import Template

_OURS: Final = tuple(str(each) for each in names.Annotation)


@dataclass(frozen=True, slots=True)
class SeenWorkload:
    """One workload.

    Attributes:
        marks: our label and annotations on it.
        packed: its pod template, compressed: there are thousands, and few are looked at.
        changed_at: epoch seconds of the last write, by the API server's clock; 0 when it does not say.
        settled: whether all of its pods run the template, and are available.
    """

    key: Workload
    uid: str
    version: str
    deleting: bool
    labels: Mapping[str, str]
    marks: Mapping[str, str]
    packed: bytes
    changed_at: float
    settled: bool

    def template(self) -> Template:
        """Return the pod template."""
        unpacked: Template = orjson.loads(zlib.decompress(self.packed))
        return unpacked


def seen_workload(manifest: Manifest) -> SeenWorkload:
    """Return the parts of a Deployment, StatefulSet or DaemonSet that the operator reads."""
    metadata, spec = manifest["metadata"], manifest["spec"]
    labels = metadata.get("labels") or {}
    notes = metadata.get("annotations") or {}
    marks = {name: notes[name] for name in _OURS if name in notes}
    if names.Label.RELEASES in labels:
        marks[str(names.Label.RELEASES)] = labels[names.Label.RELEASES]
    return SeenWorkload(
        key=Workload(metadata["namespace"], manifest["kind"], metadata["name"]),
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        deleting="deletionTimestamp" in metadata,
        labels=labels,
        marks=marks,
        packed=zlib.compress(orjson.dumps(spec["template"]), 1),
        changed_at=_changed_at(metadata),
        settled=_settled(manifest["kind"], metadata, spec, manifest.get("status") or {}),
    )


def _changed_at(metadata: Mapping[str, Any]) -> float:
    fields = metadata.get("managedFields") or ()
    # A status is written by controllers, long after the change of the template.
    times = [each["time"] for each in fields if "time" in each and not each.get("subresource")]
    return max((datetime.fromisoformat(time).timestamp() for time in times), default=0.0)


def _settled(kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    if status.get("observedGeneration", -1) < metadata.get("generation", 0):
        return False
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        have = (status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0))
    else:
        wanted = spec.get("replicas", 1)
        have = (status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    return bool(min(have) >= wanted)


def _news(old: SeenWorkload, new: SeenWorkload) -> bool:
    if (old.labels, old.marks) != (new.labels, new.marks):
        return True
    return bool(new.marks) and (old.packed != new.packed or old.settled != new.settled)


class Workloads(Known[Workload, SeenWorkload]):
    """Workloads by namespace, kind and name. News is what bears on gates: labels, marks, a marked one's template."""

    def __init__(self) -> None:
        super().__init__(seen_workload, _news)
