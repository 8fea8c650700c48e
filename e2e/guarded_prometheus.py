"""A real Prometheus behind TLS, a client certificate and a password; and a proxy that knows tenants."""

import ssl
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError

import requests
import yaml

from e2e.cluster import certificates
from e2e.cluster.processes import Command
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.supervisor import Ports

USER = "ann"
PASSWORDS = {
    "first-password-of-ann": "$2b$10$BsNSMMMk1OH8px8Lg5p0Dedko.fAf.aDM/TuG92edCHYZr8dC9TR2",
    "second-password-of-ann": "$2b$10$IAwp0WJ58le9sNd094xj2uvyYvVX6KoiuSHreqJ7EwYJJcVpaBigS",
}
"""Each with the hash that Prometheus compares it with."""


class GuardedPrometheus(Prometheus):
    """One that lets in only clients with a certificate of its authority and the password of the moment."""

    def __init__(self, folder: Path, *arguments: Any, **more: Any) -> None:
        super().__init__(folder, *arguments, **more)
        folder.mkdir(parents=True)
        self._web = folder / "web.yml"
        self.authority = certificates.authority("metrics")
        self.authority.write(folder, "ca")
        certificates.issue(self.authority, "prometheus", serves=True).write(folder, "serving")
        certificates.issue(self.authority, "frostline").write(folder, "client")
        self.certificates = folder
        self.take(next(iter(PASSWORDS)))

    def take(self, password: str) -> None:
        """Let in those with another password from now on: the file is read at each request."""
        tls = {
            "cert_file": "serving.crt",
            "key_file": "serving.key",
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": "ca.crt",
        }
        self._web.write_text(
            yaml.safe_dump({"tls_server_config": tls, "basic_auth_users": {USER: PASSWORDS[password]}})
        )

    @property
    def url(self) -> str:
        return super().url.replace("http://", "https://")

    def _command(self, ports: Ports) -> Command:
        plain = super()._command(ports)
        return Command(plain.name, (*plain.argv, f"--web.config.file={self._web}"), plain.inputs)

    def _ready(self, ports: Ports) -> bool:
        trust = ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))
        trust.load_cert_chain(self.certificates / "client.crt", self.certificates / "client.key")
        try:
            urllib.request.urlopen(f"https://127.0.0.1:{ports['http']}/-/ready", timeout=2, context=trust)
        except urllib.error.HTTPError as error:
            # Without the password it says no more than that it is there.
            return error.code == 401
        except (URLError, OSError):
            return False
        return True


class TenantProxy:
    """Passes requests of one tenant on to `upstream`, from a thread of this process, until closed."""

    def __init__(self, upstream: str, tenant: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream, tenant))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to ask instead of the upstream."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "TenantProxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(upstream: str, tenant: str) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self) -> None:
            self._pass_on(None)

        def _pass_on(self, body: bytes | None) -> None:
            if self.headers.get("X-Scope-OrgID") != tenant:
                self._say(401, b"no org id")
                return
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            real = requests.request(self.command, upstream + self.path, data=body, headers=form, timeout=60)
            self._say(real.status_code, real.content)

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: the operator asks often."""

    return Handler
