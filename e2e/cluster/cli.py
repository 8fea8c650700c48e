"""The command line: up, down, status, tools, env."""

import argparse
import os
import shlex
import sys
import time
from pathlib import Path

from e2e.cluster.catalogue import NODE_TOOLS, TOOLS
from e2e.cluster.cluster import Cluster
from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import duration, say
from e2e.cluster.state import DEFAULT_FOLDER
from e2e.cluster.tools import Finder

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    commands = {"up": _up, "down": _down, "status": _status, "tools": _tools, "env": _env}
    try:
        return commands[options.command](options)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("\ninterrupted; `up` goes on from here, `down` stops what was started", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.cluster",
        description="A Kubernetes control plane, Prometheus and Frostline as processes of this machine.",
    )
    parser.add_argument(
        "--state", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER", help="where it is kept (build/local)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what does not run, and return when all is ready")
    up.add_argument(
        "--without-operator", action="store_true", help="install the chart, run neither operator nor webhook"
    )
    commands.add_parser("down", help="stop exactly what was started")
    commands.add_parser("status", help="show the processes; fails unless all are healthy")
    tools = commands.add_parser("tools", help="find or build every tool, and say where each came from")
    tools.add_argument("--node", action="store_true", help="those of a real node as well (make e2e-node)")
    tools.add_argument("--no-archives", action="store_true", help="build rather than download")
    commands.add_parser("env", help='print what a shell needs: eval "$(python -m e2e.cluster env)"')
    return parser


def _up(options: argparse.Namespace) -> int:
    began = time.monotonic()
    cluster = Cluster(options.state)
    say(f"Starting the cluster in {_short(cluster.folder)}")
    cluster.up(operator=not options.without_operator)
    # Something to make a promise about at once: Prometheus itself.
    cluster.prometheus.add_target("prometheus", cluster.prometheus_url.removeprefix("http://"))
    say(f"Ready after {duration(time.monotonic() - began)}.")
    say(f"  kubeconfig  {_short(cluster.kubeconfig)}")
    say(f"  Prometheus  {cluster.prometheus_url}")
    if not options.without_operator:
        say(f"  operator    {cluster.operator().url}/metrics")
        if webhook := cluster.webhook():
            say(f"  webhook     {webhook.url}/metrics")
    say(f"  output      {_short(cluster.folder / 'logs')}")
    say(f"\nexport KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    return 0


def _down(options: argparse.Namespace) -> int:
    stopped = Cluster(options.state).down()
    say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _status(options: argparse.Namespace) -> int:
    cluster = Cluster(options.state)
    rows = cluster.status()
    if not rows:
        say(f"There is no cluster in {_short(cluster.folder)}.")
        return EXIT_FAILED
    for row in rows:
        health = "healthy" if row.healthy else "not healthy" if row.pid else "dead"
        ports = ", ".join(f"127.0.0.1:{port}" for port in row.ports)
        say(f"{row.name:<26}{health:<14}{row.pid or '-':<10}{ports}".rstrip())
    return 0 if all(row.healthy for row in rows) else EXIT_FAILED


def _tools(options: argparse.Namespace) -> int:
    finder = Finder(os.environ, say, archives=not options.no_archives)
    wanted = [name for name in TOOLS if options.node or name not in NODE_TOOLS]
    for name, found in finder.find(wanted).items():
        say(f"{name:<26}{found.path}")
        say(f"{'':<26}from {found.source}")
        for reason in found.passed_over:
            say(f"{'':<26}passed over: {reason}")
    return 0


def _env(options: argparse.Namespace) -> int:
    cluster = Cluster(options.state)
    if not cluster.kubeconfig.exists():
        raise ClusterError(f"There is no cluster in {_short(cluster.folder)}: start it first (make up).")
    say(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    say(f"export PATH={shlex.quote(str(cluster.folder / 'bin'))}:$PATH")
    return 0


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
