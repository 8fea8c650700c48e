"""A local HTTP server that answers as a test says, and remembers what it was asked."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


class Exchange(BaseHTTPRequestHandler):
    """One request; `respond` writes the answer."""

    protocol_version = "HTTP/1.1"
    # Head and body are written one after the other: the body would wait 40 ms for the acknowledgement of the head.
    disable_nagle_algorithm = True
    respond: ClassVar[Callable[["Exchange"], None]]
    seen: ClassVar[list[Request]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        self.seen.append(Request("POST", self.path, dict(self.headers), form))
        type(self).respond(self)

    def do_GET(self) -> None:
        self.seen.append(Request("GET", self.path, dict(self.headers), {}))
        type(self).respond(self)

    def answer(self, status: int, body: str | bytes, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *_args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what some tests are about."""


@dataclass
class Fake:
    url: str
    seen: list[Request] = field(default_factory=list)


@contextmanager
def serving(respond: Callable[[Exchange], None], tls: ssl.SSLContext | None = None) -> Iterator[Fake]:
    """Serve on a free port until the end of the block."""
    seen: list[Request] = []
    handler = type("Handler", (Exchange,), {"respond": staticmethod(respond), "seen": seen})
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        scheme = "http" if tls is None else "https"
        try:
            yield Fake(f"{scheme}://127.0.0.1:{server.server_address[1]}", seen)
        finally:
            server.shutdown()
            thread.join()
