"""Namespaces as last seen: the mode that people set, and our own mark."""

from collections.abc import Mapping
from dataclasses import dataclass

from frostline import names
from frostline.controller.account import Key
from frostline.controller.known import Known, Manifest
from frostline.core.policy import Mode

EXEMPT = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Namespaces in which nothing is ever held back, beside the operator's own."""


@dataclass(frozen=True, slots=True)
class SeenNamespace:
    """One namespace. `mode` and `source` (of a PrometheusSource, its name) are what labels say, None without one."""

    key: Key
    uid: str
    version: str
    deleting: bool
    mode: str | None
    source: str | None
    enforced: bool
    labels: Mapping[str, str]

    def mode_or(self, policy: Mode) -> Mode | None:
        """Return the label's mode, the policy's where there is none, or None where the label says no mode."""
        if self.mode is None:
            return policy
        return Mode(self.mode) if self.mode in set(Mode) else None


def seen_namespace(manifest: Manifest) -> SeenNamespace:
    """Return the parts of a namespace that the operator reads."""
    metadata = manifest["metadata"]
    labels = metadata.get("labels") or {}
    return SeenNamespace(
        key=Key("", metadata["name"]),
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        deleting="deletionTimestamp" in metadata,
        mode=labels.get(names.Label.MODE),
        source=labels.get(names.Label.SOURCE),
        enforced=labels.get(names.Label.ENFORCED) == "true",
        labels=dict(labels),
    )


def _is_news(old: SeenNamespace, new: SeenNamespace) -> bool:
    return (old.mode, old.enforced, old.source) != (new.mode, new.enforced, new.source)


class Namespaces(Known[Key, SeenNamespace]):
    """Namespaces by name (the namespace part of the key is empty)."""

    def __init__(self) -> None:
        super().__init__(seen_namespace, _is_news)

    def called(self, name: str) -> SeenNamespace | None:
        """Return one namespace."""
        return self.get(Key("", name))
