"""Edits of a pod template, as people make them."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

Template = dict[str, Any]
Edit = Callable[[Template], None]


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


def variables(last: str, count: int = 100) -> list[dict[str, str]]:
    """Return an env as long as they come, in which only the last variable tells templates apart."""
    return [{"name": f"VARIABLE_{each:03}", "value": f"value of {each}"} for each in range(count - 1)] + [
        {"name": "LAST", "value": last}
    ]


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
