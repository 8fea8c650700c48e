"""frostline webhook: flags to options, and the process around them."""

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
    command = commands.add_parser("webhook", help="answer the API server whether a release may go out")
    command.set_defaults(run=lambda parsed: run(command, parsed))
    tls = Flags(command.add_argument_group("certificate, one of the two"), environment)
    tls.add("--tls-cert", arguments.path, "FILE", "certificate with its chain; read again when it changes")
    tls.add("--tls-key", arguments.path, "FILE", "key of that certificate")
    tls.add("--tls-secret", arguments.namespaced_name, "NAMESPACE/NAME", "Secret with tls.crt and tls.key")
    arguments.add_cluster(command, environment)
    process = Flags(command.add_argument_group("process"), environment)
    process.add(
        "--webhook-listen",
        arguments.address,
        "HOST:PORT",
        "address that the API server asks, over TLS",
        default="0.0.0.0:8443",
    )
    process.add("--drain", arguments.offset, "TIME", "how long to go on answering after a signal", default="10s")
    arguments.add_process(process)


def run(command: argparse.ArgumentParser, parsed: argparse.Namespace) -> int:
    """Run the webhook until a signal; return the exit code."""
    if (parsed.tls_cert is None) != (parsed.tls_key is None):
        command.error("--tls-cert and --tls-key go together")
    if (parsed.tls_cert is None) == (parsed.tls_secret is None):
        command.error("give either --tls-cert FILE and --tls-key FILE, or --tls-secret NAMESPACE/NAME")
    configure(parsed.log_format, parsed.log_level)
    # Clients of Kubernetes take a second to import; --help and errors above do not wait for them.
    from frostline.kubernetes.connection import Cluster, NoClusterError  # noqa: PLC0415
    from frostline.webhook.process import Options  # noqa: PLC0415
    from frostline.webhook.process import run as run_webhook  # noqa: PLC0415
    from frostline.webhook.sources import Files, SecretName  # noqa: PLC0415

    host, port = parsed.webhook_listen
    probes_host, probes_port = parsed.listen
    options = Options(
        cluster=Cluster(parsed.kubeconfig, parsed.context),
        certificate=(
            SecretName(*parsed.tls_secret) if parsed.tls_secret is not None else Files(parsed.tls_cert, parsed.tls_key)
        ),
        host=host,
        port=port,
        probes_host=probes_host,
        probes_port=probes_port,
        drain_s=parsed.drain,
    )
    try:
        asyncio.run(run_webhook(options))
    except (NoClusterError, OSError) as error:
        _LOG.error("%s", error)
        return 1
    return 0
