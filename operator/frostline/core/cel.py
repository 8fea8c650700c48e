"""The verdict as CEL: the admission policies that hold a freeze while every process of ours is dead.

Same facts, same verdict as `verdict.judge`, made from the tables of `projection`; only what Kubernetes 1.30 knows.
Costs decide the form. Sets are compared in their order first, env by name; no cheap difference waits behind a dear one.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from frostline import names
from frostline.core.admission import WORKLOADS
from frostline.core.projection import (
    CONTAINER_SETS,
    MIRRORED,
    OF_VOLUMES,
    OPERATIONAL_CONTAINER,
    OPERATIONAL_POD,
    RESTARTED_AT,
    STRUCTURE,
    TEMPLATE_HASH,
    Operational,
)
from frostline.core.verdict import COLLECTORS, Why

Manifest = dict[str, Any]

EXEMPT_NAMESPACES: Final = ("kube-system", "kube-public", "kube-node-lease")
"""Namespaces that no policy looks at, beside the release's own, which the chart adds."""

_TERMINATING: Final = "has(namespaceObject.metadata.deletionTimestamp)"
_BYPASS: Final = f"'{names.BYPASS_GROUP}' in request.userInfo.?groups.orValue([])"
_HOLDS: Final = "params.spec.rule in ['Slush', 'Freeze']"


def freeze() -> Manifest:
    """Return the policy on CREATE and UPDATE: releases of a gated workload wait."""
    return _policy(
        names.Admission.FREEZE,
        operations=("CREATE", "UPDATE"),
        # Without the parameter's kind nobody can say what is held back: then nothing of an enforced namespace is
        # released. The operator binds the policy only while the kind is there.
        failure_policy="Fail",
        conditions={
            "template-changed": "oldObject == null || object.spec.template != oldObject.spec.template",
            "gate-of-the-workload": f"{_HOLDS} && params.spec.workload.name == object.metadata.name"
            " && params.spec.workload.kind == request.kind.kind",
        },
        variables=_variables(),
        validation={
            "expression": f"variables.why != '{Why.HELD}'",
            "messageExpression": "string(params.spec.message)",
            "reason": "Forbidden",
        },
    )


def keep() -> Manifest:
    """Return the policy on DELETE: what was deleted could only be created again as it was."""
    return _policy(
        names.Admission.KEEP,
        operations=("DELETE",),
        # A namespace must be deletable in any state of the cluster; a deleted workload is still held at its CREATE.
        failure_policy="Ignore",
        conditions={
            "gate-of-the-workload": f"{_HOLDS} && params.spec.workload.name == oldObject.metadata.name"
            " && params.spec.workload.kind == request.kind.kind",
        },
        variables={
            "why": _first(
                (_TERMINATING, Why.TERMINATING),
                (f"request.userInfo.username in {_list(COLLECTORS)}", Why.COLLECTED),
                (_BYPASS, Why.BYPASS),
                last=Why.KEPT,
            )
        },
        validation={
            "expression": f"variables.why != '{Why.KEPT}'",
            "messageExpression": "string('deleting it is refused, since only what ran before could be created again. '"
            " + params.spec.message)",
            "reason": "Forbidden",
        },
    )


def _policy(
    name: names.Admission,
    *,
    operations: Iterable[str],
    failure_policy: str,
    conditions: Mapping[str, str],
    variables: Mapping[str, str],
    validation: Mapping[str, str],
) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": str(name)},
        "spec": {
            "failurePolicy": failure_policy,
            "paramKind": {"apiVersion": names.API_VERSION, "kind": str(names.Kind.RELEASE_GATE)},
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {
                    "matchLabels": {str(names.Label.ENFORCED): "true"},
                    "matchExpressions": [
                        {
                            "key": "kubernetes.io/metadata.name",
                            "operator": "NotIn",
                            "values": list(EXEMPT_NAMESPACES),
                        }
                    ],
                },
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": list(operations),
                        "resources": list(WORKLOADS),
                        "scope": "Namespaced",
                    }
                ],
            },
            "matchConditions": [{"name": key, "expression": text} for key, text in conditions.items()],
            "variables": [{"name": key, "expression": text} for key, text in variables.items()],
            "validations": [dict(validation)],
            "auditAnnotations": [
                {
                    "key": "verdict",
                    "valueExpression": "params.metadata.name + ' ' + request.operation + ' ' + variables.why",
                }
            ],
        },
    }


def _variables() -> dict[str, str]:
    """Return the policy's variables in the order of their use; each is evaluated when it is first asked for."""
    old_side = "[variables.sides[1]].exists(g, " + _EQUAL + ")"
    running = "[params.spec.running].exists(g, " + _EQUAL + ")"
    tied = "[o.template].exists(g, " + _EQUAL + ")"
    return {
        "withheld": "params.spec.?shape.?withheld.orValue([])",
        "skippedAnnotations": f"params.spec.?shape.?ignoredAnnotations.orValue([]) + {_list([RESTARTED_AT])}",
        "skippedContainers": "params.spec.?shape.?ignoredContainers.orValue([])",
        "skippedVolumes": "params.spec.?shape.?ignoredVolumes.orValue([])",
        "skippedInContainer": _skipped(("env", *CONTAINER_SETS), OPERATIONAL_CONTAINER),
        "skippedInPod": _skipped((*STRUCTURE, *MIRRORED), OPERATIONAL_POD),
        # [new] or [new, old] in the shape of a stored projection.
        "sides": "([object.spec.template] + (oldObject == null ? [] : [oldObject.spec.template])).map(t, {"
        "'containers': dyn(t.spec.containers.filter(c, !(c.name in variables.skippedContainers))), "
        "'initContainers': dyn(t.spec.?initContainers.orValue([])"
        ".filter(c, !(c.name in variables.skippedContainers))), "
        "'volumes': dyn(t.spec.?volumes.orValue([]).filter(v, !(v.name in variables.skippedVolumes))), "
        "'annotations': dyn(t.?metadata.?annotations.orValue({})), "
        f"'labels': dyn('{Operational.LABELS}' in variables.withheld ? t.?metadata.?labels.orValue({{}}) : {{}}), "
        "'pod': dyn(t.spec)})",
        "new": "variables.sides[0]",
        "all": "variables.new.containers + variables.new.initContainers",
        # Names of containers in whose env a name repeats: there its order matters.
        "ordered": "variables.all.filter(c, [c.?env.orValue([]).map(e, e.name)]"
        ".exists(n, !n.all(each, n.indexOf(each) == n.lastIndexOf(each)))).map(c, c.name)",
        "unchanged": f"oldObject != null && {old_side}",
        "good": "params.spec.?good.orValue([]).map(each, each.template).exists(g, " + _EQUAL + ")",
        "recreated": f"oldObject == null && has(params.spec.running) && {running}",
        # The time of the request is in the managed fields that it leaves behind.
        "clock": "object.metadata.?managedFields.orValue([]).filter(m, has(m.time)).map(m, timestamp(m.time))",
        "overridden": "variables.clock.size() > 0 && params.spec.?overrides.orValue([]).exists(o, "
        "o.class in params.spec.?overrideClasses.orValue([]) && request.userInfo.username in o.?users.orValue([])"
        " && variables.clock.all(t, t < timestamp(o.until))"
        " && (o.?images.orValue([]).size() == 0 || variables.all.all(c, c.?image.orValue('') in o.images))"
        f" && (!has(o.template) || {tied}))",
        "why": _first(
            (_TERMINATING, Why.TERMINATING),
            ("variables.unchanged", Why.OPERATIONAL),
            ("variables.good", Why.ROLLBACK),
            ("variables.recreated", Why.RECREATED),
            ("variables.overridden", Why.OVERRIDE),
            (_BYPASS, Why.BYPASS),
            last=Why.HELD,
        ),
    }


def _first(*cases: tuple[str, Why], last: Why) -> str:
    """Return the expression that gives the verdict of the first case that holds."""
    return " : ".join([*(f"{condition} ? '{why}'" for condition, why in cases), f"'{last}'"])


def _skipped(always: Iterable[str], groups: Mapping[Operational, tuple[str, ...]]) -> str:
    """Return the list of fields that are compared by themselves, or not at all under the gate's shape."""
    parts = [_list(always)]
    parts += [f"('{group}' in variables.withheld ? [] : {_list(fields)})" for group, fields in groups.items()]
    return " + ".join(parts)


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(json.dumps(text).replace('"', "'") for text in texts) + "]"


def _set(field: str) -> str:
    """Return the comparison of a list of containers c and d whose order says nothing."""
    mine, theirs = f"c.?{field}.orValue([])", f"d.?{field}.orValue([])"
    if field in OF_VOLUMES:
        kept = ".filter(m, !(m.name in variables.skippedVolumes))"
        mine, theirs = mine + kept, theirs + kept
    return f"(c.?{field} == d.?{field} || [[{mine}, {theirs}]].exists(p, {_same_set('p[0]', 'p[1]')}))"


def _same_set(one: str, other: str) -> str:
    """Return the comparison of two lists whose order says nothing, in their order first."""
    return f"({one} == {other} || ({one}.size() == {other}.size() && sets.equivalent({one}, {other})))"


# An env is a list in a pod template, and an object by name in a stored projection.
_ENV: Final = (
    "(c.?env == d.?env || (!(c.name in variables.ordered)"
    " && [[c.?env.orValue([]), d.?env.orValue([])]].exists(p, p[0].size() == p[1].size()"
    " && (type(p[1]) == list ? sets.equivalent(p[0], p[1]) : p[0].all(e, p[1][?e.name] == optional.of(e))))))"
)

_CONTAINERS: Final = "(g.?containers.orValue([]) + g.?initContainers.orValue([]))"
_LABELS_LEFT_OUT: Final = _list([TEMPLATE_HASH])

_EQUAL: Final = " && ".join(
    (
        # Names, number and images first: they tell most templates apart.
        "variables.new.containers.size() == g.?containers.orValue([]).size()",
        "variables.new.initContainers.map(c, c.name) == g.?initContainers.orValue([]).map(c, c.name)",
        f"variables.all.all(c, {_CONTAINERS}.exists(d, c.name == d.name && c.?image == d.?image))",
        "variables.new.annotations.all(k, k in variables.skippedAnnotations"
        " || g.?annotations[?k] == optional.of(variables.new.annotations[k]))",
        "g.?annotations.orValue({}).all(k, k in variables.skippedAnnotations || k in variables.new.annotations)",
        f"variables.new.labels.all(k, k in {_LABELS_LEFT_OUT}"
        " || g.?labels[?k] == optional.of(variables.new.labels[k]))",
        f"g.?labels.orValue({{}}).all(k, k in {_LABELS_LEFT_OUT} || k in variables.new.labels)",
        "variables.new.pod.all(k, k in variables.skippedInPod || g.?pod[?k] == optional.of(variables.new.pod[k]))",
        "g.?pod.orValue({}).all(k, k in variables.skippedInPod || k in variables.new.pod)",
        _same_set("variables.new.volumes", "g.?volumes.orValue([])"),
        f"variables.all.all(c, {_CONTAINERS}.exists(d, c.name == d.name"
        " && c.all(k, k in variables.skippedInContainer || d[?k] == optional.of(c[k]))"
        " && d.all(k, k in variables.skippedInContainer || k in c)"
        f" && {_ENV} && {' && '.join(_set(each) for each in CONTAINER_SETS)}))",
    )
)
"""Whether `variables.new` runs the same as projection g."""
