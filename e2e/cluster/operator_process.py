"""The operator as a process of this machine, with the identity that the chart gives it in the cluster."""

import base64
import binascii
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster import kubeconfig
from e2e.cluster.caller import PLAIN
from e2e.cluster.chart import NAMESPACE
from e2e.cluster.errors import ClusterError
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.processes import Command
from e2e.cluster.site import Site
from e2e.cluster.supervisor import Part, Ports

SERVICE_ACCOUNT = "frostline-operator"
# Longer than anybody leaves a cluster up; it ends with the service account in any case.
TOKEN_DURATION = "720h"
# A token with less left than this is not handed to an operator that starts now.
TOKEN_LEFT_SECONDS = 8 * 3600


@dataclass(frozen=True)
class OperatorSettings:
    """How to run an operator.

    Attributes:
        prometheus_url: where it measures what no PrometheusSource is for; None: nowhere.
        namespaces: which it serves; none means all.
        flags: further flags of `frostline operator`.
        environment: passed to it besides the usual few.

    """

    prometheus_url: str | None
    namespaces: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


class OperatorProcess:
    """One operator process.

    Args:
        site: whose cluster it works on.
        settings: how to run it.
        name: of the process.

    """

    def __init__(self, site: Site, settings: OperatorSettings, name: str = "operator") -> None:
        self.settings = settings
        self.part = Part(name, ("http",), self._command, self._ready)
        self._site = site

    @property
    def url(self) -> str:
        """Base of /healthz, /readyz and /metrics."""
        return f"http://127.0.0.1:{self._site.supervisor.ports(self.part)['http']}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._site.processes.log(self.part.name)

    @property
    def pid(self) -> int | None:
        """Its process id, None when it does not run."""
        record = self._site.processes.running(self.part.name)
        return record.pid if record else None

    def start(self, *, wait: bool = True) -> str:
        """Start it unless it runs with these settings; `wait` until /readyz says yes.

        Returns:
            its URL.

        Raises:
            ClusterError: it cannot be started, ends, or is not ready in time.

        """
        ensure_credentials(self._site)
        fresh = self._site.supervisor.begin(self.part)
        if wait:
            self._site.supervisor.finish(self.part, fresh=fresh)
        return self.url

    def stop(self) -> None:
        """End it, as Kubernetes would."""
        self._site.processes.stop(self.part.name)

    def restart(self, *, wait: bool = True) -> str:
        """End it and start it anew, at the same URL."""
        self.stop()
        return self.start(wait=wait)

    def kill(self) -> None:
        """Kill it without a warning (SIGKILL)."""
        self._site.processes.kill(self.part.name)

    def ready(self) -> bool:
        """Say whether it runs and /readyz says yes now."""
        return self._site.supervisor.healthy(self.part)

    def metric(self, series: str) -> float:
        """Return the value of its metric frostline_`series`, 0 where it has none such."""
        _, body = PLAIN.request(f"{self.url}/metrics")
        found = re.search(rf"^frostline_{series} (\S+)$", body.decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def _command(self, ports: Ports) -> Command:
        credentials = credentials_file(self._site)
        argv = [str(Path(sys.executable).with_name("frostline")), "operator"]
        argv += ["--kubeconfig", str(credentials)]
        if self.settings.prometheus_url is not None:
            argv += ["--prometheus-url", self.settings.prometheus_url]
        argv += ["--listen", f"127.0.0.1:{ports['http']}"]
        for namespace in self.settings.namespaces:
            argv += ["--namespace", namespace]
        return Command(self.part.name, (*argv, *self.settings.flags), (credentials,), dict(self.settings.environment))

    def _ready(self, ports: Ports) -> bool:
        return PLAIN.answers(f"http://127.0.0.1:{ports['http']}/readyz")


def credentials_file(site: Site) -> Path:
    """Say where the operator's kubeconfig is."""
    return site.folder / "operator.kubeconfig"


def ensure_credentials(site: Site) -> None:
    """Write the operator's kubeconfig.

    Raises:
        ClusterError: the service account is not there, or the server gives no token.

    """
    become(site, SERVICE_ACCOUNT, credentials_file(site))


def become(site: Site, account: str, path: Path) -> None:
    """Write a kubeconfig with a token of one of the chart's service accounts, so that its roles count.

    Raises:
        ClusterError: the service account is not there, or the server gives no token.

    """
    cluster = kubeconfig.current_cluster(site.kubeconfig)
    if path.exists() and kubeconfig.current_cluster(path) == cluster:
        token = kubeconfig.load(path)["users"][0]["user"]["token"]
        if expires(token) - time.time() > TOKEN_LEFT_SECONDS:
            return
    kubectl = Kubectl(site.tool("kubectl"), site.kubeconfig)
    asked = ("create", "token", account, "--namespace", NAMESPACE, f"--duration={TOKEN_DURATION}")
    token = kubectl(*asked).stdout.strip()
    kubeconfig.write(path, kubeconfig.render(account, cluster, {"token": token}))


def expires(token: str) -> float:
    """Say when a service account's token ends, in seconds since 1970; 0 for what is no such token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return 0.0


def check_installed() -> None:
    """Make sure that the command `frostline` is in the environment that runs this.

    Raises:
        ClusterError: it is not.

    """
    command = Path(sys.executable).with_name("frostline")
    if not command.exists():
        raise ClusterError(f"There is no {command}: install the project into this environment (make setup).")
