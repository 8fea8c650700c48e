"""What prometheus-operator does with PrometheusRules: those that its ruleSelector matches become rule files."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import yaml

from e2e.api import Api
from e2e.cluster.cluster import Cluster
from e2e.cluster.launch import write_atomically
from frostline.kubernetes.rules import PROMETHEUS_RULES

_EVERY_S: Final = 0.5

SELECTED: Final = "release=kube"
"""The label that the reader selects by."""

KIND: Final[dict[str, Any]] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"kind": "PrometheusRule", "plural": "prometheusrules", "singular": "prometheusrule"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}
"""The kind, with as much of its schema as matters here."""

Alter = Callable[[dict[str, Any]], dict[str, Any] | None]


def same(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as it is."""
    return rule


class RuleReader:
    """Keeps a folder like the objects of a namespace, from a thread, until closed.

    Attributes:
        altered: makes of each rule what is written, None to leave it out: what goes wrong on the way.

    """

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.altered: Alter = same
        self._cluster = cluster
        self._path = f"{PROMETHEUS_RULES.path(namespace)}?labelSelector={SELECTED}"
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "RuleReader":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        for left in self._folder.glob("*.yaml"):
            left.unlink()

    def _run(self) -> None:
        api = Api(self._cluster)
        while not self._over.wait(_EVERY_S):
            answer = api("GET", self._path)
            if answer.status == 200:
                self._write(answer.body["items"])
        api.close()

    def _write(self, items: list[dict[str, Any]]) -> None:
        wanted = {f"{each['metadata']['name']}.yaml": self._text(each["spec"]["groups"]) for each in items}
        for name, text in wanted.items():
            file = self._folder / name
            if not file.exists() or file.read_text() != text:
                write_atomically(file, text)
        for left in self._folder.glob("*.yaml"):
            if left.name not in wanted:
                left.unlink()

    def _text(self, groups: list[dict[str, Any]]) -> str:
        altered = self.altered
        read = [
            {**group, "rules": [found for rule in group["rules"] if (found := altered(dict(rule))) is not None]}
            for group in groups
        ]
        return yaml.safe_dump({"groups": read}, sort_keys=False)
