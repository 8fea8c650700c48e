"""`python -m examples.soulsync.app gateway --listen 127.0.0.1:8001 --upstream http://127.0.0.1:8002`."""

import argparse
import asyncio

from .server import serve
from .workloads import ROUTES

TWO_HOURS = 7200.0


def main() -> None:
    """Play one workload until told to stop, or until its time is over."""
    parser = argparse.ArgumentParser(prog="soulsync", description="One workload of SoulSync, a dating app.")
    parser.add_argument("workload", choices=sorted(ROUTES), help="which of the four to play")
    parser.add_argument("--listen", default="127.0.0.1:8000", help="address and port (default: %(default)s)")
    parser.add_argument("--upstream", default="", help="base URL of user-profile; the gateway needs it")
    parser.add_argument(
        "--for", dest="seconds", type=float, default=TWO_HOURS, help="stop by itself after so many seconds"
    )
    options = parser.parse_args()
    if options.workload == "gateway" and not options.upstream:
        parser.error("gateway asks user-profile for every match: give its base URL with --upstream")
    host, _, port = options.listen.rpartition(":")
    if not host or not port.isdecimal():
        parser.error(f"--listen takes ADDRESS:PORT, not {options.listen!r}")
    asyncio.run(serve(options.workload, host, int(port), upstream=options.upstream, seconds=options.seconds))


if __name__ == "__main__":
    main()
