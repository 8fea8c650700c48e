"""Our marks on gated workloads: a label that the webhook is selected by, annotations for people. Pure."""

from collections.abc import Mapping

from frostline import names
from frostline.api.base import JsonObject
from frostline.api.gate import GateSpec
from frostline.controller.words import minute
from frostline.core.gate import gate_name

ALL = (str(names.Label.RELEASES), *(str(each) for each in names.Annotation))


def marks(spec: GateSpec | None) -> Mapping[str, str]:
    """Return the marks that a workload with this gate carries, none without a gate."""
    if spec is None:
        return {}
    first = spec.by[0]
    return {
        str(names.Label.RELEASES): spec.rule.value,
        str(names.Annotation.OBJECTIVE): ",".join(each.objective for each in spec.by),
        str(names.Annotation.LEVEL): first.level.value,
        str(names.Annotation.SINCE): f"{spec.since:%Y-%m-%dT%H:%M:%SZ}",
        str(names.Annotation.MESSAGE): (
            f"{spec.rule} since {minute(spec.since)} by {first.objective} ({first.level}):"
            f" kubectl describe releasegate {gate_name(spec.workload.kind, spec.workload.name)}"
        ),
    }


def patch(wanted: Mapping[str, str]) -> JsonObject:
    """Return the merge patch that leaves exactly these of our marks on a workload."""
    label = str(names.Label.RELEASES)
    return {
        "metadata": {
            "labels": {label: wanted.get(label)},
            "annotations": {str(each): wanted.get(str(each)) for each in names.Annotation},
        }
    }
