"""Named cases of what people do to a gated workload, each with the verdict: for `judge`, and for the API server.

A case is told in edits of one template, so that a test on an API server can apply them to a template with defaults.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from frostline.api import gated
from frostline.core.gate import Gate, Workload
from frostline.core.policy import Rule
from frostline.core.projection import Shape, project
from frostline.core.verdict import Change, Operation, Why
from frostline.names import BYPASS_GROUP

Template = dict[str, Any]
Edit = Callable[[Template], None]
Settle = Callable[[Template], Template]
"""Gives a template as the API server would print it."""

NOW: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
USER: Final = "alice"
ALL_CLASSES: Final = ("LowRisk", "Reliability", "Security", "Emergency")
FREEZE_CLASSES: Final = ("Reliability", "Security", "Emergency")


def base() -> Template:
    """Return the pod template that all cases start from."""
    return {
        "metadata": {
            "labels": {"app": "web", "chart": "web-1"},
            "annotations": {"checksum/config": "aaaa", "example.com/injected": "1"},
        },
        "spec": {
            "initContainers": [
                {"name": "migrate", "image": "migrate:1", "args": ["up"]},
                {"name": "warm", "image": "warm:1"},
            ],
            "containers": [
                {
                    "name": "web",
                    "image": "web:2",
                    "command": ["serve"],
                    "args": ["--verbose"],
                    "env": [
                        {"name": "LEVEL", "value": "info"},
                        {"name": "REGION", "value": "north"},
                        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "login", "key": "token"}}},
                    ],
                    "envFrom": [{"configMapRef": {"name": "settings"}}],
                    "ports": [
                        {"name": "http", "containerPort": 8080, "protocol": "TCP"},
                        {"name": "metrics", "containerPort": 9090, "protocol": "TCP"},
                    ],
                    "resources": {"requests": {"cpu": "100m"}},
                    "volumeMounts": [
                        {"name": "config", "mountPath": "/etc/web"},
                        {"name": "cache", "mountPath": "/var/cache"},
                    ],
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
                },
                {"name": "proxy", "image": "proxy:1"},
            ],
            "volumes": [
                {"name": "config", "configMap": {"name": "web"}},
                {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}},
            ],
            "nodeSelector": {"kubernetes.io/os": "linux"},
        },
    }


def edited(template: Mapping[str, Any], *edits: Edit) -> Template:
    """Return a template after some edits."""
    copied: Template = copy.deepcopy(dict(template))
    for edit in edits:
        edit(copied)
    return copied


def nothing(_template: Template) -> None:
    """Leave the template as it is."""


def spec(**fields: object) -> Edit:
    """Set fields of the pod's spec."""
    return lambda template: template["spec"].update(copy.deepcopy(fields))


def container(name: str = "web", /, **fields: object) -> Edit:
    """Set fields of a container."""

    def edit(template: Template) -> None:
        for each in (*template["spec"]["containers"], *template["spec"].get("initContainers", ())):
            if each["name"] == name:
                each.update(copy.deepcopy(fields))

    return edit


def image(value: str, name: str = "web") -> Edit:
    """Set the image of a container."""
    return container(name, image=value)


def variable(name: str, value: str | None, of: str = "web") -> Edit:
    """Set a variable of a container, or take it away."""

    def edit(template: Template) -> None:
        for each in template["spec"]["containers"]:
            if each["name"] == of:
                kept = [entry for entry in each.get("env", ()) if entry["name"] != name]
                each["env"] = kept + ([] if value is None else [{"name": name, "value": value}])

    return edit


def turned(field_: str, name: str = "web") -> Edit:
    """Turn round the order of a list of a container."""

    def edit(template: Template) -> None:
        for each in template["spec"]["containers"]:
            if each["name"] == name:
                each[field_].reverse()

    return edit


def turned_in_spec(field_: str) -> Edit:
    """Turn round the order of a list of the pod's spec."""
    return lambda template: template["spec"][field_].reverse()


def added(field_: str, *items: Mapping[str, Any]) -> Edit:
    """Add to a list of the pod's spec."""
    return lambda template: template["spec"].setdefault(field_, []).extend(copy.deepcopy(items))


def mounted(name: str, path: str, of: str = "web") -> Edit:
    """Mount a volume in a container."""

    def edit(template: Template) -> None:
        for each in template["spec"]["containers"]:
            if each["name"] == of:
                each.setdefault("volumeMounts", []).append({"name": name, "mountPath": path})

    return edit


def without(field_: str, name: str) -> Edit:
    """Take an entry out of a list of the pod's spec."""

    def edit(template: Template) -> None:
        template["spec"][field_] = [each for each in template["spec"][field_] if each["name"] != name]

    return edit


def annotation(key: str, value: str | None) -> Edit:
    """Set an annotation of the template, or take it away."""
    return _metadata("annotations", key, value)


def label(key: str, value: str | None) -> Edit:
    """Set a label of the template, or take it away."""
    return _metadata("labels", key, value)


def _metadata(part: str, key: str, value: str | None) -> Edit:
    def edit(template: Template) -> None:
        if value is None:
            del template["metadata"][part][key]
        else:
            template["metadata"][part][key] = value

    return edit


def both(*edits: Edit) -> Edit:
    """Make one edit of several."""

    def edit(template: Template) -> None:
        for each in edits:
            each(template)

    return edit


@dataclass(frozen=True)
class Exceptional:
    """An override in the gate; it ends `minutes` from now."""

    override_class: str = "Security"
    minutes: int = 60
    users: tuple[str, ...] = (USER,)
    images: tuple[str, ...] = ()
    template: Edit | None = None
    used: bool = False


@dataclass(frozen=True)
class Case:
    """What somebody does to a workload whose gate has rule Freeze, and the verdict.

    Attributes:
        does: in words; names the case.
        verdict: of `judge`, and of the policy.
        because: why that is right, in words.
        change: from the template that is there to the new one; None to delete it.
        before: the template that is there, as an edit of `base`.
        good: templates that may come back, as edits of `base`; the one that ran when the gate closed is `culprit`.
        classes: what an override may be for.
        clock: whether the request carries managed fields.

    """

    section: str
    does: str
    verdict: Why
    because: str
    change: Edit | None = nothing
    operation: Operation = Operation.UPDATE
    before: Edit = nothing
    culprit: Edit = nothing
    good: tuple[Edit, ...] = ()
    shape: Mapping[str, list[str]] = field(default_factory=dict)
    overrides: tuple[Exceptional, ...] = ()
    classes: tuple[str, ...] = FREEZE_CLASSES
    user: str = USER
    groups: tuple[str, ...] = ()
    clock: bool = True
    terminating: bool = False

    @property
    def passes(self) -> bool:
        """Whether the API server lets it through."""
        return self.verdict not in (Why.HELD, Why.KEPT)

    def old(self, start: Template | None = None) -> Template:
        """Return the template that is there."""
        return edited(start or base(), self.before)

    def new(self, start: Template | None = None) -> Template | None:
        """Return the template that is wanted; None for a deletion."""
        return None if self.change is None else edited(self.old(start), self.change)

    def manifest(
        self, workload: Workload, now: datetime = NOW, rule: Rule = Rule.FREEZE, settle: Settle = lambda each: each
    ) -> dict[str, Any]:
        """Return the ReleaseGate, as the operator would write it at `now`."""
        core_shape = gated.shape(gated.GateShape.model_validate(self.shape))

        def stored(edit: Edit) -> Template:
            return project(settle(edited(base(), edit)), core_shape)

        return {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ReleaseGate",
            "metadata": {"name": workload.gate_name, "namespace": workload.namespace},
            "spec": {
                "workload": {"kind": workload.kind, "name": workload.name},
                "rule": str(rule),
                "since": _text(now - timedelta(hours=2)),
                "by": [
                    {
                        "objective": "matching-availability",
                        "uid": "00000000-0000-0000-0000-000000000001",
                        "policy": "default",
                        "through": workload.name,
                        "level": "Exhausted",
                        "since": _text(now - timedelta(hours=2)),
                        "rule": str(rule),
                        "budget": "-12.4%",
                        "measuredAt": _text(now - timedelta(minutes=3)),
                    }
                ],
                "liftsAbout": _text(now + timedelta(hours=1)),
                "message": f"releases of {workload} are held back",
                "overrideClasses": list(self.classes),
                "shape": dict(self.shape),
                "running": stored(self.culprit),
                "good": [
                    {"source": f"revision {number}", "template": stored(edit)}
                    for number, edit in enumerate(self.good, start=3)
                ],
                "overrides": [
                    self._override(number, each, now, stored) for number, each in enumerate(self.overrides, start=1)
                ],
            },
        }

    def gate(self, workload: Workload, rule: Rule = Rule.FREEZE) -> Gate:
        """Return the gate that `judge` is given."""
        return gated.gate(self.manifest(workload, rule=rule))

    def request(self, workload: Workload) -> Change:
        """Return the change that `judge` is asked about."""
        return Change(
            workload=workload,
            operation=self.operation,
            old=None if self.operation is Operation.CREATE else self.old(),
            new=self.new(),
            user=self.user,
            groups=frozenset(("system:authenticated", *self.groups)),
            times=(NOW.timestamp() - 60, NOW.timestamp()) if self.clock and self.change else (),
            terminating=self.terminating,
        )

    @staticmethod
    def _override(number: int, each: Exceptional, now: datetime, stored: Callable[[Edit], Template]) -> dict[str, Any]:
        tied = {} if each.template is None else {"template": stored(each.template)}
        return {
            "name": f"exception-{number}",
            "uid": f"00000000-0000-0000-0000-00000000001{number}",
            "class": each.override_class,
            "until": _text(now + timedelta(minutes=each.minutes)),
            "users": list(each.users),
            "images": list(each.images),
            "used": each.used,
            **tied,
        }


def at_slush(case: Case) -> Case:
    """Return a case as it is where the gate takes overrides of every class."""
    return replace(case, classes=ALL_CLASSES)


def shape_of(case: Case) -> Shape:
    """Return which parts of a template make a release in a case."""
    return gated.shape(gated.GateShape.model_validate(case.shape))


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


BYPASS: Final = (BYPASS_GROUP,)
