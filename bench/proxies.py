"""Proxies on the loopback interface that make servers slow, or have them refuse."""

import http.client
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
_CHUNK: Final = 1 << 16
_TIMEOUT_S: Final = 330.0


class Proxy:
    """Passes requests on to `url`; `slowness` 2 takes twice as long, while `refusing` all but watches get 429."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self.slowness = 1.0
        self.refusing = False
        self.refused = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, url, tls))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(proxy: Proxy, url: str, tls: ssl.SSLContext | None) -> type[BaseHTTPRequestHandler]:
    address = urlsplit(url)

    def connect() -> http.client.HTTPConnection:
        if tls is None:
            return http.client.HTTPConnection(str(address.hostname), address.port, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(str(address.hostname), address.port, timeout=_TIMEOUT_S, context=tls)

    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if proxy.refusing and "watch=" not in self.path:
                proxy.refused += 1
                self.send_response(429)
                self.send_header("Retry-After", "1")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            begun = time.monotonic()
            upstream = connect()
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            upstream.request(self.command, self.path, body=body or None, headers=headers)
            answer = upstream.getresponse()
            first = answer.read1(_CHUNK) if "watch=" in self.path else answer.read()
            time.sleep((time.monotonic() - begun) * (proxy.slowness - 1.0))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                while first:
                    self.wfile.write(first)
                    self.wfile.flush()
                    first = answer.read1(_CHUNK)
            except (BrokenPipeError, ConnectionResetError):
                # Whoever watched is gone.
                return
            finally:
                upstream.close()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.pass_on)
    return Handler
