"""ServiceLevelObjectives on the API server: list, status patches, Events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, cast

from kubernetes.aio import client

from frostline import names

_MERGE_PATCH: Final = "application/merge-patch+json"
_TIMEOUT_S: Final = 15.0
_PAGE: Final = 500
_NOTE_CHARACTERS: Final = 1024


class NotInstalledError(RuntimeError):
    """The API server does not know the kind."""


class Objectives:
    """The objects of all namespaces, or of the given ones."""

    def __init__(self, api: client.ApiClient, namespaces: Sequence[str] = ()) -> None:
        self._custom = client.CustomObjectsApi(api)
        self._events = client.EventsV1Api(api)
        self._namespaces = tuple(namespaces)

    async def everything(self) -> list[Mapping[str, Any]]:
        """Return every object as the API server holds it.

        Raises:
            NotInstalledError: the CustomResourceDefinition is missing.
            kubernetes.aio.client.ApiException: the API server refused.
        """
        if not self._namespaces:
            return await self._pages(self._custom.list_cluster_custom_object, {})
        found: list[Mapping[str, Any]] = []
        for namespace in self._namespaces:
            found += await self._pages(self._custom.list_namespaced_custom_object, {"namespace": namespace})
        return found

    async def _pages(self, call: Any, where: Mapping[str, str]) -> list[Mapping[str, Any]]:  # noqa: ANN401 - the client has no types
        found: list[Mapping[str, Any]] = []
        token: str | None = None
        while True:
            try:
                page = await call(
                    group=names.GROUP,
                    version=names.VERSION,
                    plural=str(names.Plural.SERVICE_LEVEL_OBJECTIVES),
                    limit=_PAGE,
                    _continue=token,
                    _request_timeout=_TIMEOUT_S,
                    **where,
                )
            except client.ApiException as error:
                if error.status == HTTPStatus.GONE and token is not None:
                    # The token of an interrupted listing has expired: begin again.
                    found, token = [], None
                    continue
                if error.status == HTTPStatus.NOT_FOUND:
                    raise NotInstalledError(
                        f"the API server does not know {names.Kind.SERVICE_LEVEL_OBJECTIVE} in {names.API_VERSION}:"
                        " install the chart, or kubectl apply --server-side -f crds/"
                    ) from error
                raise
            found += page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return found

    async def patch_status(
        self, namespace: str, name: str, uid: str, patch: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """Merge `patch` into the status; return the object after it, or None when it (this `uid`) is gone.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused for another reason.
        """
        try:
            patched = await self._custom.patch_namespaced_custom_object_status(
                group=names.GROUP,
                version=names.VERSION,
                plural=str(names.Plural.SERVICE_LEVEL_OBJECTIVES),
                namespace=namespace,
                name=name,
                body={"metadata": {"uid": uid}, "status": patch},
                field_manager=names.FIELD_MANAGER,
                _content_type=_MERGE_PATCH,
                _request_timeout=_TIMEOUT_S,
            )
        except client.ApiException as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                return None
            raise
        return cast(Mapping[str, Any], patched)

    async def record(
        self,
        regarding: Mapping[str, Any],
        *,
        warning: bool,
        reason: names.Reason,
        action: str,
        note: str,
        by: str,
    ) -> None:
        """Create an Event about an object; `by` names the reporting instance.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        metadata = regarding["metadata"]
        # The client reads the time and prints it anew, without microseconds when they are zero: the API demands them.
        now = datetime.now(UTC)
        event: Any = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"generateName": f"{metadata['name'][:200]}-", "namespace": metadata["namespace"]},
            "eventTime": now.replace(microsecond=now.microsecond or 1).isoformat(),
            "type": "Warning" if warning else "Normal",
            "reason": str(reason),
            "action": action,
            "note": note[:_NOTE_CHARACTERS],
            "reportingController": names.REPORTING_CONTROLLER,
            "reportingInstance": by[:128],
            "regarding": {
                "apiVersion": names.API_VERSION,
                "kind": str(names.Kind.SERVICE_LEVEL_OBJECTIVE),
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        }
        await self._events.create_namespaced_event(metadata["namespace"], event, _request_timeout=_TIMEOUT_S)
