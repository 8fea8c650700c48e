"""The webhook as a process of this machine, with the identity that the chart gives it in the cluster."""

import base64
import datetime as dt
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.cluster.caller import PLAIN, Caller
from e2e.cluster.launch import write_atomically
from e2e.cluster.operator_process import become
from e2e.cluster.processes import Command
from e2e.cluster.site import Site
from e2e.cluster.supervisor import Part, Ports
from frostline.controller.certificates import ServerNames, Step, carried_out
from frostline.core.admission import webhook_configuration
from frostline.names import WEBHOOK_PATH

SERVICE_ACCOUNT = "frostline-webhook"
SECRET = "frostline-webhook-tls"
ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Certificates:
    """An authority and what it signed for 127.0.0.1, as the operator makes them."""

    authority: bytes
    certificate: bytes
    key: bytes

    @classmethod
    def made(cls, at: dt.datetime | None = None) -> "Certificates":
        """Make them new, or as they were made at some time."""
        data = carried_out(Step.CREATE, {}, ServerNames(addresses=(ADDRESS,)), at or dt.datetime.now(dt.UTC))
        return cls(data["ca.crt"], data["tls.crt"], data["tls.key"])

    def secret(self, name: str, namespace: str) -> dict[str, Any]:
        """Return the Secret that holds them."""
        parts = {"ca.crt": self.authority, "tls.crt": self.certificate, "tls.key": self.key}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": "kubernetes.io/tls",
            "data": {key: base64.b64encode(each).decode() for key, each in parts.items()},
        }


class WebhookProcess:
    """One webhook process on the loopback address.

    Args:
        site: whose cluster it works on.
        name: of the process.
        flags: further flags of `frostline webhook`.
        secret: NAMESPACE/NAME of the Secret with its certificate; files of its own if absent.
        environment: passed to it besides the usual few.

    """

    def __init__(
        self,
        site: Site,
        name: str,
        flags: tuple[str, ...] = (),
        secret: str | None = None,
        environment: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.certificates = Certificates.made()
        self.part = Part(name, ("https", "http"), self._command, self._ready)
        self._site = site
        self._flags = flags
        self._secret = secret
        self._environment = environment
        self._folder = site.folder / name

    @property
    def base_url(self) -> str:
        """Where it is, for the operator's --webhook-url."""
        return f"https://{ADDRESS}:{self._ports['https']}"

    @property
    def review_url(self) -> str:
        """Where the API server asks."""
        return f"{self.base_url}{WEBHOOK_PATH}"

    @property
    def url(self) -> str:
        """Base of /healthz, /readyz and /metrics."""
        return f"http://{ADDRESS}:{self._ports['http']}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._site.processes.log(self.part.name)

    @property
    def pid(self) -> int | None:
        """Its process id, None when it does not run."""
        record = self._site.processes.running(self.part.name)
        return record.pid if record else None

    @property
    def caller(self) -> Caller:
        """Asks it as the API server does."""
        path = self._folder / "ca.crt"
        write_atomically(path, self.certificates.authority.decode())
        return Caller(path)

    def configuration(self) -> dict[str, Any]:
        """Return the configuration by which the API server asks it."""
        bundle = base64.b64encode(self.certificates.authority).decode()
        return dict(webhook_configuration({"url": self.review_url, "caBundle": bundle}))

    def start(self, *, wait: bool = True) -> None:
        """Start it; `wait` until /readyz says yes.

        Raises:
            ClusterError: it cannot be started, ends, or is not ready in time.

        """
        become(self._site, SERVICE_ACCOUNT, credentials_file(self._site))
        if self._secret is None:
            self.show(self.certificates)
        fresh = self._site.supervisor.begin(self.part)
        if wait:
            self._site.supervisor.finish(self.part, fresh=fresh)

    def show(self, certificates: Certificates) -> None:
        """Put certificates into its files, all at once, as the kubelet does."""
        self.certificates = certificates
        self._folder.mkdir(exist_ok=True)
        fresh = self._folder / f"..{len([*self._folder.iterdir()])}"
        fresh.mkdir()
        write_atomically(fresh / "tls.crt", certificates.certificate.decode())
        write_atomically(fresh / "tls.key", certificates.key.decode(), mode=0o600)
        half = self._folder / "..half"
        half.symlink_to(fresh.name)
        half.replace(self._folder / "..data")
        for name in ("tls.crt", "tls.key"):
            if not (self._folder / name).is_symlink():
                (self._folder / name).symlink_to(f"..data/{name}")

    def stop(self) -> None:
        """End it, as Kubernetes would."""
        self._site.processes.stop(self.part.name)

    def kill(self) -> None:
        """Kill it without a warning (SIGKILL)."""
        self._site.processes.kill(self.part.name)

    def readiness(self) -> tuple[int, str]:
        """Return status and text of /readyz; 0 when nobody answers."""
        try:
            status, body = PLAIN.request(f"{self.url}/readyz")
        except OSError as error:
            return 0, str(error)
        return status, body.decode()

    def metric(self, series: str) -> float:
        """Return the sum of the series that begin with frostline_webhook_`series`, 0 for none."""
        _, body = PLAIN.request(f"{self.url}/metrics")
        pattern = rf"^frostline_webhook_{series}(?:\{{[^}}]*\}})? (\S+)$"
        return sum(float(value) for value in re.findall(pattern, body.decode(), re.MULTILINE))

    @property
    def _ports(self) -> Ports:
        return self._site.supervisor.ports(self.part)

    def _command(self, ports: Ports) -> Command:
        credentials = credentials_file(self._site)
        argv = [str(Path(sys.executable).with_name("frostline")), "webhook", "--kubeconfig", str(credentials)]
        argv += ["--webhook-listen", f"{ADDRESS}:{ports['https']}", "--listen", f"{ADDRESS}:{ports['http']}"]
        if self._secret is None:
            argv += ["--tls-cert", str(self._folder / "tls.crt"), "--tls-key", str(self._folder / "tls.key")]
        else:
            argv += ["--tls-secret", self._secret]
        argv += ["--drain", "1s", *self._flags]
        return Command(self.part.name, tuple(argv), (credentials,), dict(self._environment))

    def _ready(self, ports: Ports) -> bool:
        return PLAIN.answers(f"http://{ADDRESS}:{ports['http']}/readyz")


def credentials_file(site: Site) -> Path:
    """Say where the webhook's kubeconfig is."""
    return site.folder / "webhook.kubeconfig"
