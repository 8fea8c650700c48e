"""A scrape target whose numbers the test sets."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Labels = tuple[tuple[str, str], ...]


class LiveExporter:
    """Serves counters at /metrics from a thread of this process, until closed."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Labels, float]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """HOST:PORT, as a scrape target is given."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def set(self, name: str, value: float, labels: Mapping[str, str] | None = None, **more: str) -> None:
        """Set a counter. Labels whose names are words of Python go into `labels`."""
        with self._lock:
            self._values.setdefault(name, {})[_key(labels, more)] = value

    def add(self, name: str, amount: float, labels: Mapping[str, str] | None = None, **more: str) -> float:
        """Let a counter, which starts at 0, grow; returns its new value."""
        with self._lock:
            series = self._values.setdefault(name, {})
            key = _key(labels, more)
            series[key] = series.get(key, 0.0) + amount
            return series[key]

    def get(self, name: str, labels: Mapping[str, str] | None = None, **more: str) -> float:
        """Return the value of a series, 0 when there is none."""
        with self._lock:
            return self._values.get(name, {}).get(_key(labels, more), 0.0)

    def remove(self, name: str, labels: Mapping[str, str] | None = None, **more: str) -> None:
        """Expose a series no longer."""
        with self._lock:
            self._values.get(name, {}).pop(_key(labels, more), None)

    def text(self) -> str:
        """Return what is exposed now, in Prometheus' text format."""
        with self._lock:
            lines = []
            for name, series in self._values.items():
                lines.append(f"# TYPE {name} counter")
                lines += [f"{name}{_braces(labels)} {value!r}" for labels, value in series.items()]
        return "\n".join([*lines, ""])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "LiveExporter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _key(labels: Mapping[str, str] | None, more: Mapping[str, str]) -> Labels:
    return tuple(sorted({**(labels or {}), **more}.items()))


def _braces(labels: Labels) -> str:
    def quoted(text: str) -> str:
        return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    inside = ",".join(f'{name}="{quoted(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _handler(exporter: LiveExporter) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: Prometheus asks each second."""

    return Handler
