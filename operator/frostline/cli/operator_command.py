"""frostline operator: flags to options, and the process around them."""

import argparse
import asyncio
import logging
from collections.abc import Mapping

from frostline.cli import arguments
from frostline.cli.arguments import Flags
from frostline.cli.logs import configure

_LOG = logging.getLogger(__name__)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", environment: Mapping[str, str]) -> None:
    """Add the command to the command line."""
    command = commands.add_parser("operator", help="measure objectives and keep the account on their status")
    command.set_defaults(run=lambda parsed: run(command, parsed))
    prometheus = Flags(command.add_argument_group("Prometheus"), environment)
    prometheus.add("--prometheus-url", arguments.http_url, "URL", "base URL of Prometheus")
    prometheus.add("--prometheus-ca", arguments.readable_file, "FILE", "certificate authority to trust")
    prometheus.add("--prometheus-bearer-token-file", arguments.readable_file, "FILE", "bearer token")
    prometheus.add("--prometheus-username", str, "NAME", "user for basic authentication")
    prometheus.add("--prometheus-password-file", arguments.readable_file, "FILE", "password of that user")
    cluster = arguments.add_cluster(command, environment)
    cluster.add_many("--namespace", "NS", "namespace to serve, may be repeated; all if absent")
    process = Flags(command.add_argument_group("process"), environment)
    process.add("--cycle-interval", arguments.seconds, "TIME", "time between cycles", default="30s")
    process.add("--query-offset", arguments.offset, "TIME", "how far behind Prometheus to evaluate", default="15s")
    arguments.add_process(process)


def run(command: argparse.ArgumentParser, parsed: argparse.Namespace) -> int:
    """Run the operator until a signal; return the exit code."""
    if parsed.prometheus_url is None:
        command.error("give --prometheus-url URL (or FROSTLINE_PROMETHEUS_URL): objectives are measured there")
    if (parsed.prometheus_username is None) != (parsed.prometheus_password_file is None):
        command.error("--prometheus-username and --prometheus-password-file go together")
    if parsed.prometheus_username is not None and parsed.prometheus_bearer_token_file is not None:
        command.error("give either a bearer token or a user name, not both")
    configure(parsed.log_format, parsed.log_level)
    # Clients of Kubernetes take a second to import; --help and errors above do not wait for them.
    from frostline.controller.cycle import Timing  # noqa: PLC0415
    from frostline.kubernetes.connection import Cluster, NoClusterError  # noqa: PLC0415
    from frostline.operator import Options  # noqa: PLC0415
    from frostline.operator import run as run_operator  # noqa: PLC0415
    from frostline.prometheus.client import Connection  # noqa: PLC0415

    host, port = parsed.listen
    options = Options(
        cluster=Cluster(parsed.kubeconfig, parsed.context),
        prometheus=Connection(
            url=parsed.prometheus_url,
            ca_file=parsed.prometheus_ca,
            bearer_token_file=parsed.prometheus_bearer_token_file,
            username=parsed.prometheus_username,
            password_file=parsed.prometheus_password_file,
        ),
        timing=Timing(parsed.cycle_interval, parsed.query_offset),
        namespaces=parsed.namespace,
        host=host,
        port=port,
    )
    try:
        asyncio.run(run_operator(options))
    except (NoClusterError, OSError) as error:
        _LOG.error("%s", error)
        return 1
    return 0
