"""Ways around a freeze of the gateway, as they are typed, what refuses each, and what the audit log keeps of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HELD: Final = "releases of deployment/gateway are held back"
POLICY: Final = "POLICY"
"""Stands for the name of the error budget policy."""
NAMESPACE: Final = "NAMESPACE"
"""Stands for the name of the namespace."""

_RELEASE = {"name": "app", "image": "app:4"}
_UNMARKED = {
    "metadata": {"labels": {"frostline.dev/releases": None}},
    "spec": {"template": {"spec": {"containers": [_RELEASE]}}},
}
_RENAMED = [{"op": "replace", "path": "/spec/template/spec/containers/0/name", "value": "main"}]
_RENAMED_AND_RELEASED = [
    {"op": "replace", "path": "/spec/template/spec/containers/0", "value": {"name": "main", "image": "app:4"}}
]
_GATEWAY = ("patch", "deploy/gateway", "--type")
_GATE = ("patch", "releasegate/deployment-gateway", "--type=merge", "-p")
_PROMISE = ("patch", "slo/availability", "--type=merge", "-p")
_EBP = ("patch", "ebp", POLICY, "--type=merge", "-p")


@dataclass(frozen=True)
class Guard:
    """An admission policy, the verdict it notes of what it refuses, and about what."""

    name: str
    about: str
    refuses: str = "Refused"

    def notes(self, operation: str, verdict: str) -> dict[str, str]:
        """Return the annotation of the audit log."""
        return {f"{self.name}/verdict": f"{self.about} {operation} {verdict}"}


_FREEZE = Guard("frostline-freeze", "deployment-gateway", "Held")
_KEEP = Guard("frostline-keep", "deployment-gateway", "Kept")
_GATES = Guard("frostline-guard-records", "releasegates")
_STATUSES = Guard("frostline-guard-records", "servicelevelobjectives")
_PROMISES = Guard("frostline-guard-objectives", "availability")
_POLICIES = Guard("frostline-guard-policies", POLICY)
_NAMESPACES = Guard("frostline-guard-namespaces", NAMESPACE)


@dataclass(frozen=True)
class Way:
    """What is typed after `kubectl`, a part of the refusal, and who refuses."""

    typed: tuple[str, ...]
    says: str
    guard: Guard

    def meant(self, policy: str, namespace: str) -> "Way":
        """Return it with the names that the placeholders stand for."""
        said = {POLICY: policy, NAMESPACE: namespace}
        guard = Guard(self.guard.name, said.get(self.guard.about, self.guard.about), self.guard.refuses)
        return Way(tuple(said.get(word, word) for word in self.typed), self.says, guard)

    @property
    def operation(self) -> str:
        """What the API server calls it."""
        return "DELETE" if self.typed[0] == "delete" else "UPDATE"


def _ways() -> Iterator[tuple[str, Way]]:
    yield "the mark removed with the release", Way((*_GATEWAY, "strategic", "-p", json.dumps(_UNMARKED)), HELD, _FREEZE)
    yield "the container renamed", Way((*_GATEWAY, "json", "-p", json.dumps(_RENAMED)), HELD, _FREEZE)
    released = json.dumps(_RENAMED_AND_RELEASED)
    yield "the container renamed and released", Way((*_GATEWAY, "json", "-p", released), HELD, _FREEZE)
    yield "the workload deleted", Way(("delete", "deploy/gateway"), "frostline-keep", _KEEP)
    writes = "only the Frostline operator writes"
    yield "the gate loosened", Way((*_GATE, '{"spec":{"rule":"Warn"}}'), writes, _GATES)
    yield "the gate made to know the release", Way((*_GATE, '{"spec":{"good":[]}}'), writes, _GATES)
    yield "the gate deleted", Way(("delete", "releasegate/deployment-gateway"), writes, _GATES)
    status = (*_PROMISE, '{"status":{"releases":"Open"}}', "--subresource=status")
    yield "the status rewritten", Way(status, writes, _STATUSES)
    for way, patch, says in (
        ("the target lowered", '{"spec":{"objective":{"target":50}}}', "target cannot be lowered"),
        ("the promise re-pointed", '{"spec":{"policyRef":"default"}}', "policyRef cannot be changed"),
        ("another indicator", '{"spec":{"indicator":{"ratio":{"bad":"none_total"}}}}', "indicator cannot be changed"),
        ("the workload let go", '{"spec":{"protects":[]}}', "protects keeps all its entries"),
    ):
        yield way, Way((*_PROMISE, patch), says, _PROMISES)
    yield "the promise deleted", Way(("delete", "slo/availability"), "it cannot be deleted", _PROMISES)
    yield "the policy made to warn", Way((*_EBP, '{"spec":{"mode":"Warn"}}'), "mode", _POLICIES)
    sooner = '{"spec":{"lift":{"hold":"1s"}}}'
    yield "the policy lifting sooner", Way((*_EBP, sooner), "lift.hold cannot be made shorter", _POLICIES)
    yield "the policy deleted", Way(("delete", "ebp", POLICY), "it cannot be deleted", _POLICIES)
    observed = ("label", "namespace", NAMESPACE, "frostline.dev/mode=Observe")
    yield "the namespace only observed", Way(observed, "cannot be lowered", _NAMESPACES)
    unlabelled = ("label", "namespace", NAMESPACE, "frostline.dev/enforced-")
    operators = "frostline.dev/enforced is the operator's"
    yield "the namespace's label removed", Way(unlabelled, operators, _NAMESPACES)


WAYS: Final = dict(_ways())
