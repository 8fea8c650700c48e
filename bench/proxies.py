"""Proxies on the loopback interface that make servers slow, or have them refuse."""

import http.client
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
_CHUNK: Final = 1 << 16
_TIMEOUT_S: Final = 330.0


class Proxy(ThreadingHTTPServer):
    """Passes requests on to `upstream`; `slowness` 2 takes twice as long, while `refusing` all but watches get 429."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        self.slowness = 1.0
        self.refusing = False
        self._upstream = urlsplit(upstream)
        self._tls = tls
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to where requests go."""
        host, port = str(self._upstream.hostname), self._upstream.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=self._tls)

    def handle_error(self, request: object, client_address: object) -> None:
        """Tell of what went wrong, but for operators that were killed."""
        if not isinstance(sys.exception(), ConnectionResetError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection, and another one of its own to where its requests go."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def setup(self) -> None:
        """Begin."""
        super().setup()
        self._upstream = self.server.connect()

    def finish(self) -> None:
        """End both connections."""
        self._upstream.close()
        super().finish()

    def pass_on(self) -> None:
        """Answer one request with what the other side answers."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        watches = "watch=" in self.path
        if self.server.refusing and not watches:
            self._begin(429, [("Retry-After", "1"), ("Content-Length", "0")])
            return
        begun = time.monotonic()
        answer = self._ask(body)
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        try:
            if watches:
                self._begin(answer.status, [*kept, ("Connection", "close")])
                while some := answer.read1(_CHUNK):
                    self.wfile.write(some)
            else:
                content = answer.read()
                time.sleep((time.monotonic() - begun) * (self.server.slowness - 1.0))
                self._begin(answer.status, [*kept, ("Content-Length", str(len(content)))])
                self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError, http.client.IncompleteRead):
            # One of the two sides is gone.
            self.close_connection = True

    def _begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def _ask(self, body: bytes) -> http.client.HTTPResponse:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        try:
            self._upstream.request(self.command, self.path, body=body or None, headers=headers)
            return self._upstream.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            # What is kept open for too long is closed by the other side.
            self._upstream.close()
            self._upstream.request(self.command, self.path, body=body or None, headers=headers)
            return self._upstream.getresponse()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler.pass_on)
