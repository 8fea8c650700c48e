"""Requests to the API server as somebody else, warnings included: what kubectl does, in a twentieth of the time."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from e2e.cluster import kubeconfig
from e2e.cluster.cluster import Cluster

OPERATOR = "system:serviceaccount:frostline-system:frostline-operator"

_PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}


@dataclass(frozen=True)
class Answer:
    """Status, body and the texts of warnings."""

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def message(self) -> str:
        """What the server says, of a refusal."""
        return str(self.body.get("message", ""))


class Api:
    """The API server of a cluster of the kind that `make up` starts."""

    def __init__(self, cluster: Cluster) -> None:
        address = urlsplit(kubeconfig.current_cluster(cluster.kubeconfig)["server"])
        certs = cluster.folder / "certs"
        tls = ssl.create_default_context(cafile=str(certs / "ca.crt"))
        tls.load_cert_chain(certs / "admin.crt", certs / "admin.key")
        self._connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=tls)

    def __call__(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        user: str | None = None,
        groups: tuple[str, ...] = (),
        kind: str = "application/json",
    ) -> Answer:
        """Send one request; as the administrator, unless a user is named."""
        self._connection.putrequest(method, path)
        content = b"" if body is None else json.dumps(body).encode()
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(content)))):
            self._connection.putheader(name, value)
        if user is not None:
            self._connection.putheader("Impersonate-User", user)
        for group in groups:
            self._connection.putheader("Impersonate-Group", group)
        self._connection.endheaders(content)
        with self._connection.getresponse() as response:
            heard = response.headers.get_all("Warning") or ()
            read = response.read()
        return Answer(response.status, json.loads(read), tuple(_text(each) for each in heard))

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def workloads(namespace: str, kind: str, name: str = "") -> str:
    """Return the path of workloads of a kind, or of one."""
    base = f"/apis/apps/v1/namespaces/{namespace}/{_PLURALS[kind]}"
    return f"{base}/{name}" if name else base


def gates(namespace: str, name: str = "") -> str:
    """Return the path of release gates, or of one."""
    base = f"/apis/frostline.dev/v1alpha1/namespaces/{namespace}/releasegates"
    return f"{base}/{name}" if name else base


def workload(kind: str, name: str, template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workload without pods, where its kind allows that."""
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": "web"}}, "template": dict(template)}
    if kind != "DaemonSet":
        spec["replicas"] = 0
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _text(header: str) -> str:
    """Return the quoted text of a Warning header."""
    return header.partition('"')[2].removesuffix('"').replace('\\"', '"')
