"""Complete lists of what is watched: at the start, and now and then, for a gap in a watch loses deletions."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from frostline.controller.effects import REFUSALS, brief
from frostline.controller.known import Known
from frostline.controller.stores import Stores
from frostline.controller.watch import Watched
from frostline.core.gate import Workload
from frostline.kubernetes.resource import (
    GATES,
    NAMESPACES,
    OBJECTIVES,
    OVERRIDES,
    POLICIES,
    SOURCES,
    WORKLOADS,
    NotInstalledError,
    Objects,
    Resource,
)

_LOG = logging.getLogger(__name__)
_RELIST_S: Final = 300.0
_RETRY_S: Final = 3.0


def watched(stores: Stores) -> Watched:
    """Return where what is seen of each kind goes."""
    ours: Mapping[Resource, Known[Any, Any]] = {
        OBJECTIVES: stores.objectives,
        POLICIES: stores.policies,
        GATES: stores.gates,
        OVERRIDES: stores.overrides,
        SOURCES: stores.sources,
        NAMESPACES: stores.namespaces,
    }
    return {**ours, **dict.fromkeys(WORKLOADS.values(), stores.workloads)}


@dataclass(frozen=True, slots=True)
class Lists:
    """Complete lists of what is watched; `listed` is told the plural of each kind that was listed."""

    objects: Objects
    namespaces: tuple[str, ...]
    watched: Watched
    listed: Callable[[str], None] = lambda _plural: None

    async def all(self) -> bool:
        """List every kind; return whether all could be."""
        return all([await self._one(resource, store) for resource, store in self.watched.items()])

    async def _one(self, resource: Resource, store: Known[Any, Any]) -> bool:
        # One store can hold several kinds: what a list says is gone must be of the kind that was listed.
        known = {key: uid for key, uid in store.uids().items() if _is_of(key, resource)}
        try:
            store.replace(await self.objects.read(resource, self.namespaces, store.read), known)
        except NotInstalledError as error:
            _LOG.error("%s", error)
            return False
        except REFUSALS as error:
            _LOG.warning("%s cannot be listed, trying again: %s", resource.plural, brief(error))
            return False
        self.listed(resource.plural)
        return True


def _is_of(key: object, resource: Resource) -> bool:
    return not isinstance(key, Workload) or WORKLOADS[key.kind] == resource


async def first_list(lists: Lists) -> None:
    """Wait until all objects are known: readiness means that a cycle looked at each of them.

    kopf looks only once, at its start, which kinds there are: it must not start before the kind is installed.
    """
    while not await lists.all():  # noqa: ASYNC110 - each round asks the API server
        await asyncio.sleep(_RETRY_S)


async def relist(lists: Lists) -> None:
    """List again every few minutes, until cancelled."""
    while True:
        await asyncio.sleep(_RELIST_S)
        await lists.all()
