"""Which ErrorBudgetPolicy an objective goes by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from frostline import names
from frostline.api.accept import AcceptedPolicy, Invalid, accept_policy
from frostline.controller.account import Key
from frostline.controller.store import Stored
from frostline.core.policy import BUILT_IN, Policy

BUILT_IN_NAME: Final = "(built in)"


@dataclass(frozen=True, slots=True)
class Governed:
    """The policy that an objective goes by.

    Attributes:
        name: its name.
        policy: what it says.
        problem: why it is not the one that the manifest asks for, which field and what to do; None when it is.
        stands_in: whether it was never the one that the manifest asks for: no level can be told by it.
    """

    name: str
    policy: Policy
    problem: str | None = None
    stands_in: bool = False


_BUILT_IN: Final = Governed(BUILT_IN_NAME, BUILT_IN)


@dataclass(slots=True)
class Policies:
    """Policies by name, judged once for each change."""

    _judged: dict[str, tuple[str, int, AcceptedPolicy | Invalid]] = field(default_factory=dict)
    _last: dict[Key, Governed] = field(default_factory=dict)

    def look(self, policies: Mapping[Key, Stored]) -> None:
        """Take in what policies there are."""
        for gone in self._judged.keys() - {key.name for key in policies}:
            del self._judged[gone]
        for key, each in policies.items():
            known = self._judged.get(key.name)
            if known is None or known[:2] != (each.uid, each.generation):
                self._judged[key.name] = (each.uid, each.generation, accept_policy(each.spec))

    def govern(self, objective: Key, reference: str | None) -> Governed:
        """Return what an objective goes by; what it went by last, where that cannot be told any more."""
        found = self._find(objective.namespace, reference)
        if found.problem is None:
            self._last[objective] = found
            return found
        last = self._last.get(objective)
        return found if last is None else Governed(last.name, last.policy, found.problem)

    def forget(self, objectives: Mapping[Key, object]) -> None:
        """Forget what objectives went by that are gone."""
        for gone in self._last.keys() - objectives.keys():
            del self._last[gone]

    def _find(self, namespace: str, reference: str | None) -> Governed:
        name = reference or names.DEFAULT_POLICY
        known = self._judged.get(name)
        if known is None:
            if reference is None:
                return _BUILT_IN
            there = ", ".join(sorted(self._judged)) or "none"
            return _failing(
                _BUILT_IN, f"there is no ErrorBudgetPolicy {name}: create it or name another (there is {there})"
            )
        judged = known[2]
        if isinstance(judged, Invalid):
            return _failing(_BUILT_IN, f"ErrorBudgetPolicy {name} cannot be gone by: {'; '.join(judged.problems)}")
        if judged.spec.namespaces and namespace not in judged.spec.namespaces:
            if reference is None:
                return _BUILT_IN
            return _failing(
                _BUILT_IN,
                f"ErrorBudgetPolicy {name} is not for namespace {namespace}: have it added to the policy's"
                " spec.namespaces or name another",
            )
        return Governed(name, judged.policy)


def _failing(instead: Governed, why: str) -> Governed:
    return Governed(instead.name, instead.policy, f"spec.policyRef: {why}", stands_in=True)
