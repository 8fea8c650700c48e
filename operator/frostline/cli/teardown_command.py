"""frostline teardown: take away what the operator left in the cluster, before it is uninstalled."""

import argparse
from collections.abc import Mapping

from frostline.cli import arguments
from frostline.cli.arguments import Flags


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", environment: Mapping[str, str]) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "teardown",
        help="take bindings, webhook configuration, gates and marks out of the cluster, before an uninstall",
        description="Takes away all that the operator left in the cluster: what refuses releases first, then gates,"
        " then marks on workloads and namespaces. Promises, policies and overrides stay.",
        epilog="Exit code: 0 when nothing is left, 1 when something is, or comes back: then an operator still runs.",
    )
    command.set_defaults(run=run)
    arguments.add_cluster(command, environment)
    operator = Flags(command.add_argument_group("operator"), environment)
    operator.add(
        "--stop-operator", arguments.namespaced_name, "NAMESPACE/NAME", "its Deployment: scaled to nothing before"
    )
    operator.add("--rules-namespace", str, "NS", "where it wrote rules, to be taken away, too; left where absent")


def run(parsed: argparse.Namespace) -> int:
    """Take away; return the exit code."""
    # Clients of Kubernetes take a second to import; --help does not wait for them.
    from frostline.cli.talking import talk  # noqa: PLC0415
    from frostline.cli.tearing_down import tear_down  # noqa: PLC0415
    from frostline.kubernetes.connection import Cluster  # noqa: PLC0415

    return talk(
        Cluster(parsed.kubeconfig, parsed.context),
        lambda objects: tear_down(objects, parsed.stop_operator, parsed.rules_namespace),
    )
