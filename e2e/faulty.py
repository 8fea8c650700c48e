"""A proxy in front of a real Prometheus that can be told to fail in the ways that servers do."""

import json
import threading
import time
import urllib.parse
from collections.abc import Callable
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import requests

SILENCE = 22.0
"""Seconds of silence: longer than the operator waits for an answer."""


class Fault(Enum):
    """How the proxy fails."""

    NONE = "none"
    SERVER_ERROR = "500"
    PAGE = "a page of HTML with 200"
    TOO_MUCH = "422"
    SILENT = "no answer"
    CUT = "a connection closed in the middle of the answer"
    TRUNCATED = "half of a JSON document"
    WARNINGS = "warnings beside the answer"
    HALF = "the series of one of two shards"


class FaultyProxy:
    """Passes requests on to `upstream`, from a thread of this process, until closed.

    Attributes:
        fault: how to fail from now on.
        narrowed: (text of queries, what it becomes) while half of the series are kept back.

    """

    def __init__(self, upstream: str, narrowed: tuple[str, str]) -> None:
        self.fault = Fault.NONE
        self.narrowed = narrowed
        self._upstream = upstream
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to ask instead of the upstream."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, form: dict[str, str], fault: Fault) -> tuple[int, bytes]:
        """Return what the upstream says to a form, marred by the fault."""
        if fault is Fault.SERVER_ERROR:
            return 500, b"upstream is on fire"
        if fault is Fault.PAGE:
            return 200, b"<html><body>Please sign in</body></html>"
        if fault is Fault.TOO_MUCH:
            said = {
                "status": "error",
                "errorType": "execution",
                "error": "query processing would load too many samples",
            }
            return 422, json.dumps(said).encode()
        if fault is Fault.HALF and "query" in form:
            form = {**form, "query": form["query"].replace(*self.narrowed)}
        real = requests.post(self._upstream + path, data=form, timeout=30)
        body = real.content
        if fault is Fault.WARNINGS:
            body = json.dumps({**real.json(), "warnings": ["store gateway 2 did not answer"]}).encode()
        if fault is Fault.TRUNCATED:
            body = body[: len(body) // 2]
        return real.status_code, body

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "FaultyProxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _handler(proxy: FaultyProxy) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fault = proxy.fault
            if fault is Fault.SILENT:
                time.sleep(SILENCE)
                return
            status, body = proxy.answer(self.path, dict(urllib.parse.parse_qsl(sent)), fault)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault is Fault.CUT else body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: the operator asks often."""

    return Handler
