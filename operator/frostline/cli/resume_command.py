"""frostline resume: undo the kill switch, so that the operator arms the gates again."""

import argparse
from collections.abc import Mapping

from frostline.cli import arguments


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", environment: Mapping[str, str]) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "resume",
        help="undo the kill switch: let the operator refuse releases again",
        description="Undoes the kill switch, also when it was thrown in part: what was deleted stays deleted until"
        " this is run. Then waits until the operator has made it again.",
        epilog="Exit code: 0 when everything is armed, 1 when it cannot be done or the operator does not answer.",
    )
    command.set_defaults(run=run)
    arguments.add_cluster(command, environment)


def run(parsed: argparse.Namespace) -> int:
    """Resume; return the exit code."""
    # Clients of Kubernetes take a second to import; --help does not wait for them.
    from frostline.cli.resuming import resume  # noqa: PLC0415
    from frostline.cli.talking import talk  # noqa: PLC0415
    from frostline.kubernetes.connection import Cluster  # noqa: PLC0415

    return talk(Cluster(parsed.kubeconfig, parsed.context), resume)
