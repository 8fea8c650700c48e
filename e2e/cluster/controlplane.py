"""etcd, API server, controller manager and scheduler: how each is started and when it is ready."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from e2e.cluster import kubeconfig
from e2e.cluster.caller import Caller
from e2e.cluster.processes import Command
from e2e.cluster.supervisor import Part, Ports, Supervisor

CONTEXT = "frostline-local"
SERVICE_ADDRESSES = "10.96.0.0/16"
AUDIT_POLICY = Path(__file__).with_name("audit-policy.yaml")
# Megabytes, twice: the log in use, and the one before it.
AUDIT_LOG_SIZE = 20

CLIENTS = ("controller-manager", "scheduler", "kwok")
ON_LOOPBACK = (
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    # A loopback address may not stand in an Endpoints object, and no pod is there to follow it.
    "--endpoint-reconciler-type=none",
    "--authorization-mode=RBAC",
)


class ControlPlane:
    """The parts of a control plane in one state folder.

    Args:
        folder: of the state; certificates are in `certs`, data of etcd in `etcd`, who wrote what in `logs/audit.log`.
        tools: path of each binary by name.
        supervisor: knows the ports.
        flags: of the API server: where it is reached, and whom it lets do what.
        clients: of the API server, beside the administrator: names of certificates in `certs`.

    """

    def __init__(
        self,
        folder: Path,
        tools: Callable[[str], Path],
        supervisor: Supervisor,
        *,
        flags: tuple[str, ...] = ON_LOOPBACK,
        clients: tuple[str, ...] = CLIENTS,
    ) -> None:
        self.certs = folder / "certs"
        self.data = folder / "etcd"
        self.audit_log = folder / "logs" / "audit.log"
        self._folder = folder
        self._tools = tools
        self._supervisor = supervisor
        self._flags = flags
        self._clients = clients
        self.etcd = Part("etcd", ("clients", "peers"), self._etcd, self._etcd_ready)
        self.api_server = Part("kube-apiserver", ("https",), self._api_server, self._api_server_ready)
        self.controller_manager = Part(
            "kube-controller-manager", ("https",), self._controller_manager, self._serving_ready
        )
        self.scheduler = Part("kube-scheduler", ("https",), self._scheduler, self._serving_ready)

    @property
    def url(self) -> str:
        """Where the API server is."""
        return f"https://127.0.0.1:{self._supervisor.ports(self.api_server)['https']}"

    @property
    def admin(self) -> Caller:
        """The administrator, for requests made from here."""
        return Caller(self.certs / "ca.crt", self.certs / "admin.crt", self.certs / "admin.key")

    def read(self, path: str) -> dict[str, Any] | None:
        """Read an object of the API as the administrator; None when it is not there or nobody answers."""
        try:
            status, body = self.admin.request(f"{self.url}{path}")
        except OSError:
            return None
        found: dict[str, Any] | None = json.loads(body) if status == 200 else None
        return found

    def client_config(self, user: str) -> Path:
        """Say where the kubeconfig of a part is."""
        return self._folder / "certs" / f"{user}.kubeconfig"

    def write_client_configs(self) -> None:
        """Write the kubeconfig of each client of the API server, the administrator's as `kubeconfig`."""
        server = kubeconfig.server(self.url, self.certs / "ca.crt")
        for user in self._clients:
            identity = kubeconfig.certificate_user(self.certs, user)
            kubeconfig.write(self.client_config(user), kubeconfig.render(CONTEXT, server, identity))
        identity = kubeconfig.certificate_user(self.certs, "admin")
        kubeconfig.write(self._folder / "kubeconfig", kubeconfig.render(CONTEXT, server, identity))

    def _etcd(self, ports: Ports) -> Command:
        clients, peers = (f"https://127.0.0.1:{ports[name]}" for name in ("clients", "peers"))
        return self._command(
            "etcd",
            f"--data-dir={self.data}",
            # The data are worth no more than the machine's uptime: see `local.LocalProvider`.
            "--unsafe-no-fsync",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            f"--cert-file={self.certs}/etcd.crt",
            f"--key-file={self.certs}/etcd.key",
            "--client-cert-auth",
            f"--trusted-ca-file={self.certs}/etcd-ca.crt",
            f"--peer-cert-file={self.certs}/etcd.crt",
            f"--peer-key-file={self.certs}/etcd.key",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={self.certs}/etcd-ca.crt",
            "--log-level=warn",
        )

    def _etcd_ready(self, ports: Ports) -> bool:
        client = self.certs / "etcd-client.crt", self.certs / "etcd-client.key"
        return Caller(self.certs / "etcd-ca.crt", *client).answers(f"https://127.0.0.1:{ports['clients']}/health")

    def _api_server(self, ports: Ports) -> Command:
        etcd = self._supervisor.ports(self.etcd)["clients"]
        return self._command(
            "kube-apiserver",
            f"--etcd-servers=https://127.0.0.1:{etcd}",
            f"--etcd-cafile={self.certs}/etcd-ca.crt",
            f"--etcd-certfile={self.certs}/etcd-client.crt",
            f"--etcd-keyfile={self.certs}/etcd-client.key",
            *self._flags,
            f"--secure-port={ports['https']}",
            *self._serving(),
            f"--client-ca-file={self.certs}/ca.crt",
            "--allow-privileged=true",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.certs}/sa.pub",
            f"--service-account-signing-key-file={self.certs}/sa.key",
            f"--audit-policy-file={AUDIT_POLICY}",
            f"--audit-log-path={self.audit_log}",
            f"--audit-log-maxsize={AUDIT_LOG_SIZE}",
            "--audit-log-maxbackup=1",
            reads=(AUDIT_POLICY,),
        )

    def _api_server_ready(self, ports: Ports) -> bool:
        return self.admin.answers(f"https://127.0.0.1:{ports['https']}/readyz")

    def _controller_manager(self, ports: Ports) -> Command:
        return self._command(
            "kube-controller-manager",
            f"--kubeconfig={self.client_config('controller-manager')}",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports['https']}",
            *self._serving(),
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.certs}/sa.key",
            f"--root-ca-file={self.certs}/ca.crt",
            # Tests make and remove namespaces by the dozen; the defaults are meant for a shared server.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            reads=(self.client_config("controller-manager"),),
        )

    def _scheduler(self, ports: Ports) -> Command:
        return self._command(
            "kube-scheduler",
            f"--kubeconfig={self.client_config('scheduler')}",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports['https']}",
            *self._serving(),
            "--leader-elect=false",
            reads=(self.client_config("scheduler"),),
        )

    def _serving_ready(self, ports: Ports) -> bool:
        return Caller(self.certs / "ca.crt").answers(f"https://127.0.0.1:{ports['https']}/healthz")

    def _serving(self) -> tuple[str, str]:
        return f"--tls-cert-file={self.certs}/serving.crt", f"--tls-private-key-file={self.certs}/serving.key"

    def _command(self, name: str, *arguments: str, reads: tuple[Path, ...] = ()) -> Command:
        return Command(name, (str(self._tools(name)), *arguments), (self.certs / "ca.crt", *reads))
