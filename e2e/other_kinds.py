"""Kinds of other projects, where these themselves are not installed."""

from typing import Any


def definition(name: str, kind: str) -> dict[str, Any]:
    """Return a CustomResourceDefinition, called PLURAL.GROUP, of a kind in version v1 that takes anything."""
    plural, _, group = name.partition(".")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [served],
        },
    }
