"""A process that exposes the counters of a mixed fleet: `python -m bench.exposition SERVICES SINCE`; prints its port.

PUT /degrade?AT,FACTOR,REACH has half of the services below REACH make FACTOR times as many bad events from AT on.
"""

import contextlib
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.mixed import Counters


def main(services: int, since: float) -> None:
    """Serve until the standard input ends."""
    counters = Counters(services, since)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(counters.text(time.time()).encode())

        def do_PUT(self) -> None:
            at, factor, reach = self.path.partition("?")[2].split(",")
            counters.degrade(float(at), float(factor), int(reach))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Ends with who started it, also where that is killed.
    sys.stdin.read()


@dataclass(frozen=True)
class Exposition:
    """The process as seen from outside: its HOST:PORT, and the same counters."""

    address: str
    counters: Counters

    def degrade(self, factor: float, reach: int) -> None:
        """Have half of the services below `reach` degrade: those of larger fleets still have their budgets."""
        at = time.time()
        url = f"http://{self.address}/degrade?{at},{factor},{reach}"
        urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10)
        self.counters.degrade(at, factor, reach)


@contextlib.contextmanager
def exposing(services: int) -> Iterator[Exposition]:
    """Run the process."""
    since = time.time()
    argv = [sys.executable, "-m", "bench.exposition", str(services), str(since)]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parent.parent
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the exposition has no output")
        yield Exposition(f"127.0.0.1:{int(process.stdout.readline())}", Counters(services, since))
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
