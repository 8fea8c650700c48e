"""Events about objects, so that `kubectl describe` tells what happened."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from frostline import names
from frostline.kubernetes.resource import EVENTS, Objects

_NOTE_CHARACTERS: Final = 1024


@dataclass(frozen=True, slots=True)
class About:
    """The object that an Event is about; cluster-scoped ones have an empty namespace."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Told:
    """What an Event says."""

    reason: names.Reason
    action: str
    note: str
    warning: bool = False


class Recorder:
    """Leaves Events. `controller` and `instance` name who reports."""

    def __init__(self, objects: Objects, instance: str, controller: str = names.REPORTING_CONTROLLER) -> None:
        self._objects = objects
        self._instance = instance
        self._controller = controller

    async def record(self, about: About, told: Told) -> None:
        """Create an Event about an object.

        Raises:
            kubernetes.aio.client.ApiException: the API server refused.
        """
        # The API demands microseconds, also when they are zero.
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        regarding = {"apiVersion": about.api_version, "kind": about.kind, "name": about.name, "uid": about.uid}
        event: dict[str, Any] = {
            "apiVersion": EVENTS.api_version,
            "kind": "Event",
            "metadata": {"generateName": f"{about.name[:200]}-", "namespace": about.namespace or "default"},
            "eventTime": now,
            "type": "Warning" if told.warning else "Normal",
            "reason": str(told.reason),
            "action": told.action,
            "note": told.note[:_NOTE_CHARACTERS],
            "reportingController": self._controller,
            "reportingInstance": self._instance[:128],
            "regarding": regarding | ({"namespace": about.namespace} if about.namespace else {}),
        }
        await self._objects.create(EVENTS, event)
