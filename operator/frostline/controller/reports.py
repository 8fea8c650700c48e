"""Keeps the statuses of policies and overrides true: who goes by a policy, and whether an override counts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from frostline.api.base import JsonObject, as_json
from frostline.api.gate import GateSpec
from frostline.api.policy import PolicyStatus
from frostline.controller.gating import Ask
from frostline.controller.override_status import override_status
from frostline.controller.store import Store, Stored
from frostline.controller.writing import merge_patch
from frostline.core.gate import Workload


class StatusWriter(Protocol):
    """What a report needs of the API server."""

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        """Merge a patch into a status; return the object after it, None when it is gone or was refused."""


class Reports:
    """Writes what has changed, nothing else."""

    def __init__(
        self, policies: Store, overrides: Store, policy_writer: StatusWriter, override_writer: StatusWriter
    ) -> None:
        self._policies = policies
        self._overrides = overrides
        self._policy_writer = policy_writer
        self._override_writer = override_writer

    async def run(self, asks: Mapping[Any, Ask], gates: Mapping[Workload, GateSpec], now: int) -> None:
        """Bring the statuses into line with what is asked for, and held back, at epoch second `now`."""
        going_by = Counter(ask.policy for ask in asks.values())
        holding = Counter(
            policy for gate in gates.values() for policy in {claim.policy for claim in gate.by if claim.rule.holds}
        )
        for key, policy in self._policies.snapshot().items():
            status = PolicyStatus(objectives=going_by[key.name], holding=holding[key.name])
            await self._write(self._policies, self._policy_writer, policy, as_json(status))
        for override in self._overrides.snapshot().values():
            status_now = override_status(override, gates, asks.values(), now)
            await self._write(self._overrides, self._override_writer, override, status_now)

    async def _write(self, store: Store, writer: StatusWriter, stored: Stored, status: JsonObject) -> None:
        patch = merge_patch(stored.status, status)
        if patch:
            written = await writer.write(stored, patch)
            if written is not None:
                store.put(written)
