"""Alertmanager as a process, and a receiver that keeps what it is told."""

import json
import subprocess
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from e2e.cluster.caller import PLAIN
from e2e.cluster.errors import ClusterError
from e2e.cluster.launch import write_atomically
from e2e.cluster.processes import Command
from e2e.cluster.supervisor import Part, Ports, Supervisor

Notification = dict[str, Any]


class Alertmanager:
    """One Alertmanager, alone, with its own folder and port.

    Args:
        folder: for configuration and data.
        tools: path of each binary by name.
        supervisor: runs it.
        config: the text of its configuration.
        name: of the process.

    """

    def __init__(
        self, folder: Path, tools: Callable[[str], Path], supervisor: Supervisor, config: str, *, name: str
    ) -> None:
        self.part = Part(name, ("http",), self._command, self._ready)
        self._folder = folder
        self._tools = tools
        self._supervisor = supervisor
        self._text = config

    @property
    def address(self) -> str:
        """HOST:PORT, as Prometheus is told."""
        return f"127.0.0.1:{self._supervisor.ports(self.part)['http']}"

    def check(self) -> str:
        """Return what amtool says to the configuration.

        Raises:
            ClusterError: amtool refuses it.

        """
        write_atomically(self._config, self._text)
        argv = [str(self._tools("amtool")), "check-config", str(self._config)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClusterError(f"amtool refuses {self._config}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start it unless it runs, and wait until it takes alerts.

        Raises:
            ClusterError: it does not come up.

        """
        write_atomically(self._config, self._text)
        self._supervisor.ensure(self.part)

    def stop(self) -> None:
        """Stop it."""
        self._supervisor.processes.stop(self.part.name)

    def alerts(self, *matchers: str) -> list[dict[str, Any]]:
        """Return the alerts that it holds: [{"labels": {…}, "status": {"state": …, "inhibitedBy": […]}, …}, …]."""
        asked = urllib.parse.urlencode([("filter", matcher) for matcher in matchers])
        status, body = PLAIN.request(f"http://{self.address}/api/v2/alerts?{asked}", timeout=30)
        if status != 200:
            raise ClusterError(f"Alertmanager tells no alerts: {body.decode(errors='replace')}")
        held: list[dict[str, Any]] = json.loads(body)
        return held

    @property
    def _config(self) -> Path:
        return self._folder / "alertmanager.yml"

    def _command(self, ports: Ports) -> Command:
        argv = (
            str(self._tools("alertmanager")),
            f"--config.file={self._config}",
            f"--storage.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{ports['http']}",
            # No peers: it would look for an address other than the loopback one.
            "--cluster.listen-address=",
            "--log.level=warn",
        )
        return Command(self.part.name, argv, (self._config,))

    def _ready(self, ports: Ports) -> bool:
        return PLAIN.answers(f"http://127.0.0.1:{ports['http']}/-/ready")


class Receiver:
    """Keeps the notifications that webhooks bring, by the path they come to, until closed."""

    def __init__(self) -> None:
        self._told: list[tuple[str, Notification]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def told(self, path: str) -> list[Notification]:
        """Return what came to `path`, the first first."""
        with self._lock:
            return [each for where, each in self._told if where == path]

    def keep(self, path: str, notification: Notification) -> None:
        """Take a notification in."""
        with self._lock:
            self._told.append((path, notification))

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.keep(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what came is kept."""

    return Handler
