"""After a lift: asks the GitOps controllers whose releases were refused to try again at once."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
from kubernetes.aio.client import ApiException

from frostline.core.gitops import Manifest, Owner, Tool, owner_of, retry
from frostline.kubernetes.resource import reason_of

_LOG = logging.getLogger(__name__)


class Server(Protocol):
    """The API server; each call raises ApiException when it refuses."""

    async def get(self, owner: Owner) -> Manifest | None:
        """Return the object, None when it or its kind is not there."""

    async def patch(self, owner: Owner, patch: dict[str, Any]) -> None:
        """Merge a patch into the object."""


class GitOps:
    """Asks the given tools only. `argocd_namespace` is where Argo CD has its Applications."""

    def __init__(self, server: Server, tools: frozenset[Tool], argocd_namespace: str = "argocd") -> None:
        self._server = server
        self._tools = tools
        self._argocd_namespace = argocd_namespace
        self._told: set[tuple[str, str]] = set()

    async def lifted(self, workloads: Iterable[Mapping[str, Any]], now: float) -> None:
        """Ask whatever applies these workloads (their metadata) to try again; each once.

        `now` in epoch seconds. What cannot be asked is told once and raises nothing.
        """
        owners = {owner_of(metadata, self._argocd_namespace) for metadata in workloads}
        token = datetime.fromtimestamp(now, UTC).isoformat()
        for owner in sorted((each for each in owners if each is not None), key=str):
            if owner.controller.tool in self._tools:
                await self._ask(owner, token)

    async def _ask(self, owner: Owner, token: str) -> None:
        try:
            live = await self._server.get(owner)
            if live is None:
                if not owner.guessed:
                    self._tell(owner, "it is not there")
                return
            await self._server.patch(owner, retry(owner, live, token))
        except ApiException as error:
            self._tell(owner, reason_of(error))
        except (aiohttp.ClientError, TimeoutError) as error:
            self._tell(owner, f"{type(error).__name__} {error}")
        else:
            _LOG.info("releases lifted: asked %s to try again", owner)

    def _tell(self, owner: Owner, why: str) -> None:
        if (str(owner), why) not in self._told:
            self._told.add((str(owner), why))
            _LOG.warning("releases lifted, but %s cannot be asked to try again: %s", owner, why)
