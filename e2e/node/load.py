"""Releases and harmless changes sent all the time, and what became of each."""

import base64
import contextlib
import http.client
import json
import ssl
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from e2e.cluster import kubeconfig
from e2e.cluster.node_cluster import NodeCluster
from e2e.cluster.waiting import eventually
from e2e.node.spent import NEVER, Spent

_MERGE = "application/merge-patch+json"
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
# As kubectl's own timeout would be generous; an admission that takes longer than this has failed a person.
MOST_SECONDS = 10.0


@dataclass
class Seen:
    """What became of the requests: how many there were, how many were refused by whom, and what went wrong."""

    refused_by_webhook: int = 0
    refused_by_policy: int = 0
    passed: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def total(self) -> int:
        """How many requests were answered as they should be."""
        return self.refused_by_webhook + self.refused_by_policy + self.passed

    def __str__(self) -> str:
        """Say it in one line."""
        refused = f"{self.refused_by_webhook} refused by the webhook, {self.refused_by_policy} by the policy alone"
        return f"{refused}, {self.passed} passed; the slowest took {self.slowest:.2f} s"


class Load:
    """Threads that try a release, which must be refused, and a restart, which must pass, in turn; nothing is stored.

    Args:
        cluster: where.
        frozen: a workload that is frozen as long as this runs.
        threads: how many.

    """

    def __init__(self, cluster: NodeCluster, frozen: Spent, threads: int = 3) -> None:
        self.seen = Seen()
        self._path = f"/apis/apps/v1/namespaces/{frozen.name}/deployments/{frozen.name}?dryRun=All"
        self._config = cluster.site.kubeconfig
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "Load":
        self._tls, self._address = _client(self._config)
        for each in self._threads:
            each.start()
        self.goes_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for each in self._threads:
            each.join(MOST_SECONDS)

    def goes_on(self, requests: int = 60) -> None:
        """Wait until so many requests more were answered as they should be, or one was not."""
        before = self.seen.total
        eventually(lambda: self.seen.wrong or self.seen.total >= before + requests, 60, lambda: str(self.seen))

    def _run(self) -> None:
        connection = self._connection()
        while not self._stop.is_set():
            for body, refused in ((_release(), True), (_restart(), False)):
                began = time.monotonic()
                try:
                    connection.request("PATCH", self._path, json.dumps(body), {"Content-Type": _MERGE})
                    with connection.getresponse() as response:
                        status, answer = response.status, json.loads(response.read())
                except (OSError, http.client.HTTPException) as error:
                    with contextlib.suppress(OSError):
                        connection.close()
                    connection = self._connection()
                    self._count(0, repr(error), refused=refused, seconds=time.monotonic() - began)
                    continue
                self._count(status, str(answer.get("message", "")), refused=refused, seconds=time.monotonic() - began)
        connection.close()

    def _count(self, status: int, message: str, *, refused: bool, seconds: float) -> None:
        with self._lock:
            self.seen.slowest = max(self.seen.slowest, seconds)
            if status == 403 and refused and "admission webhook" in message:
                self.seen.refused_by_webhook += 1
            elif status in (403, 422) and refused and "ValidatingAdmissionPolicy" in message:
                self.seen.refused_by_policy += 1
            elif status == 200 and not refused:
                self.seen.passed += 1
            else:
                self.seen.wrong[f"{'release' if refused else 'restart'}: {status} {message[:200]}"] += 1

    def _connection(self) -> http.client.HTTPSConnection:
        host, port = self._address
        return http.client.HTTPSConnection(host, port, timeout=MOST_SECONDS, context=self._tls)


def _release() -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": NEVER}]}}}}


def _restart() -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": {_RESTARTED: f"{time.time()}"}}}}}


def _client(config: Path) -> tuple[ssl.SSLContext, tuple[str, int]]:
    """Read the administrator's certificate, and where the API server is, out of a kubeconfig."""
    read = kubeconfig.load(config)
    server, user = read["clusters"][0]["cluster"], read["users"][0]["user"]
    authority = base64.b64decode(server["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.NamedTemporaryFile() as certificate, tempfile.NamedTemporaryFile() as key:
        certificate.write(base64.b64decode(user["client-certificate-data"]))
        key.write(base64.b64decode(user["client-key-data"]))
        certificate.flush()
        key.flush()
        context.load_cert_chain(certificate.name, key.name)
    address = urlsplit(str(server["server"]))
    return context, (str(address.hostname), address.port or 443)
