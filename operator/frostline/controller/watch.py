"""kopf's watches, feeding the stores; nothing is written to the objects and no finalizer is set."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import kopf

from frostline.controller.known import Known
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.resource import Resource


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing: kopf runs no handlers here whose progress would matter."""

    def fetch(self, **_: Any) -> None:
        """Return nothing."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""

    def purge(self, **_: Any) -> None:
        """Remove nothing."""

    def touch(self, **_: Any) -> None:
        """Mark nothing."""

    def clear(self, *, essence: Any) -> Any:  # noqa: ANN401 - kopf's types are private
        """Return the essence as it is."""
        return essence


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing: no last-handled copies, which cost a deep copy an event."""

    def build(self, **_: Any) -> Any:  # noqa: ANN401 - kopf's types are private
        """Return an empty essence."""
        return {}

    def fetch(self, **_: Any) -> None:
        """Return nothing."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""


_SERVER_TIMEOUT_S: Final = 290
_INACTIVITY_S: Final = 310
_CONNECT_S: Final = 5
_REQUEST_S: Final = 15


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings: it watches, and does nothing else."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.queueing.idle_timeout = 0.1
    chosen.watching.server_timeout = _SERVER_TIMEOUT_S
    chosen.watching.client_timeout = _INACTIVITY_S
    chosen.watching.connect_timeout = _CONNECT_S
    chosen.networking.request_timeout = _REQUEST_S
    chosen.persistence.progress_storage = _NoProgress()
    chosen.persistence.diffbase_storage = _NoDiffBase()
    return chosen


Watched = Mapping[Resource, Known[Any, Any]]
"""Where what is seen of each kind goes."""


def registry(watched: Watched, cluster: Cluster) -> kopf.OperatorRegistry:
    """Return kopf handlers: log in, and pass every event on to the store of its kind."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return cluster.credentials()

    for resource, store in watched.items():
        _pass_on(handlers, resource, store)
    return handlers


def _pass_on(handlers: kopf.OperatorRegistry, resource: Resource, store: Known[Any, Any]) -> None:
    @kopf.on.event(resource.group, resource.version, resource.plural, registry=handlers, id=resource.plural)
    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        if event["type"] == "DELETED":
            store.drop(event["object"])
        else:
            store.put(event["object"])


async def watch(watched: Watched, cluster: Cluster, namespaces: Sequence[str]) -> None:
    """Watch until a signal ends the process; `namespaces` empty means all."""
    await kopf.operator(
        registry=registry(watched, cluster),
        settings=settings(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
    )
