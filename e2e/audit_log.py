"""The API server's audit log: who wrote what, and what the admission policies noted about it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from e2e.cluster.cluster import Cluster
from e2e.cluster.local import LocalProvider
from frostline.names import BYPASS_GROUP

WRITES = ("create", "update", "patch", "delete", "deletecollection")


class Asked(NamedTuple):
    """What was asked for; `resource` with its subresource, `namespace` empty for all or none."""

    group: str
    resource: str
    verb: str
    namespace: str


@dataclass(frozen=True)
class Entry:
    """One write, tried or done.

    Attributes:
        verb: create, update, patch, delete.
        what: resource/name, with the subresource where there is one.
        by: who asked the API server.
        as_: whom that one took on, "" for nobody.
        bypass: whether the group of the bypass was taken on.
        status: of the answer.
        notes: annotations by key.

    """

    verb: str
    what: str
    by: str
    as_: str
    bypass: bool
    status: int
    notes: dict[str, str]

    @classmethod
    def read(cls, line: str) -> "Entry":
        event: dict[str, Any] = json.loads(line)
        about = event["objectRef"]
        taken_on = event.get("impersonatedUser", {})
        named = (about["resource"], about.get("name", ""), about.get("subresource", ""))
        return cls(
            verb=event["verb"],
            what="/".join(filter(None, named)),
            by=event["user"]["username"],
            as_=taken_on.get("username", ""),
            bypass=BYPASS_GROUP in taken_on.get("groups", ()),
            status=event["responseStatus"]["code"],
            notes=event.get("annotations", {}),
        )


class AuditLog:
    """The log from the moment of its opening on."""

    def __init__(self, cluster: Cluster) -> None:
        self._path: Path = LocalProvider(cluster.site).plane.audit_log
        self._read = self._path.stat().st_size

    def news(self) -> list[Entry]:
        """Return what was written since the last reading."""
        return [each for each in map(Entry.read, self._lines()) if each.verb in WRITES]

    def asked(self, *accounts: str) -> dict[str, dict[Asked, set[int]]]:
        """Return what service accounts asked for since the last reading, with the codes of the answers."""
        found: dict[str, dict[Asked, set[int]]] = {account: {} for account in accounts}
        for line in self._lines():
            event = json.loads(line)
            account, about = event["user"]["username"], event.get("objectRef")
            if account in found and about is not None:
                resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
                asked = Asked(about.get("apiGroup", ""), resource, event["verb"], about.get("namespace", ""))
                found[account].setdefault(asked, set()).add(event["responseStatus"]["code"])
        return found

    def _lines(self) -> list[str]:
        if self._path.stat().st_size < self._read:
            # The log was full, and begun anew.
            self._read = 0
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.decode().splitlines()
