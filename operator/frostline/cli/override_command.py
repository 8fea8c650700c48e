"""frostline override: let one release pass a gate by declared exception."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from frostline.cli import arguments
from frostline.core.policy import OverrideClass

_KINDS: Final = {
    **dict.fromkeys(("deployment", "deployments", "deploy"), "Deployment"),
    **dict.fromkeys(("statefulset", "statefulsets", "sts"), "StatefulSet"),
    **dict.fromkeys(("daemonset", "daemonsets", "ds"), "DaemonSet"),
}
_CLASSES: Final = {each.value.lower(): each for each in OverrideClass}
_LENGTH: Final = timedelta(hours=2)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", environment: Mapping[str, str]) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "override",
        help="let a release pass by declared exception, on record, for a while",
        description="Creates a ReleaseOverride in your name and waits until it counts. Then release as you were"
        " about to.",
        epilog="Exit code: 0 when the override is live (or was printed, or found to be in order), 1 when it is not:"
        " the reason is told.",
    )
    command.set_defaults(run=run)
    command.add_argument("workloads", nargs="+", type=workload, metavar="KIND/NAME", help="such as deployment/web")
    command.add_argument("-n", "--namespace", metavar="NS", help="namespace; that of the context if absent")
    command.add_argument(
        "--class",
        dest="override_class",
        type=override_class,
        required=True,
        metavar="CLASS",
        help=f"what the release is for: {', '.join(OverrideClass)}",
    )
    command.add_argument("--reason", type=_said, required=True, metavar="TEXT", help="why it cannot wait")
    command.add_argument("--ticket", type=_said, metavar="TEXT", help="where the work is tracked")
    ends = command.add_mutually_exclusive_group()
    ends.add_argument("--for", dest="length", type=_length, metavar="TIME", help="how long it counts, 2h by default")
    ends.add_argument("--until", type=_moment, metavar="TIME", help="when it ends, such as 2026-03-01T12:00Z")
    command.add_argument(
        "--image", action="append", default=[], metavar="IMAGE", help="the only images allowed; may be repeated"
    )
    command.add_argument(
        "--user", action="append", default=[], metavar="NAME",
        help="who may use it in your place, such as system:serviceaccount:flux-system:kustomize-controller;"
        " may be repeated",
    )  # fmt: skip
    command.add_argument("--single-use", action="store_true", help="the first template released is the only one")
    command.add_argument(
        "--like", type=arguments.readable_file, metavar="FILE",
        help="manifest of the workload: only its pod template may be released",
    )  # fmt: skip
    command.add_argument("--name", metavar="NAME", help="name of the ReleaseOverride; made up if absent")
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--dry-run", action="store_true", help="have the API server check it, create nothing")
    shown.add_argument("-o", dest="output", choices=("yaml",), help="print the manifest, create nothing")
    arguments.add_cluster(command, environment)


def run(parsed: argparse.Namespace) -> int:
    """Create the override; return the exit code."""
    # Clients of Kubernetes take a second to import; --help and errors above do not wait for them.
    from frostline.cli.overriding import Asked, override  # noqa: PLC0415
    from frostline.cli.talking import talk  # noqa: PLC0415
    from frostline.kubernetes.connection import Cluster  # noqa: PLC0415

    cluster = Cluster(parsed.kubeconfig, parsed.context)
    until = parsed.until or datetime.now(UTC) + (parsed.length or _LENGTH)
    asked = Asked(
        namespace=parsed.namespace,
        workloads=tuple(parsed.workloads),
        override_class=parsed.override_class,
        reason=parsed.reason,
        ticket=parsed.ticket,
        until=until,
        images=tuple(parsed.image),
        users=tuple(parsed.user),
        single_use=parsed.single_use,
        like=parsed.like,
        name=parsed.name,
        dry_run=parsed.dry_run,
        print_only=parsed.output is not None,
    )
    return talk(cluster, lambda objects: override(objects, cluster, asked))


def workload(text: str) -> tuple[str, str]:
    """Return KIND/NAME as the kind's own name and the name."""
    kind, slash, name = text.partition("/")
    if not slash or not name or kind.split(".")[0].lower() not in _KINDS:
        raise argparse.ArgumentTypeError(f'"{text}" must be deployment/NAME, statefulset/NAME or daemonset/NAME')
    return _KINDS[kind.split(".")[0].lower()], name


def override_class(text: str) -> OverrideClass:
    """Return the class that a text names, in whatever case."""
    if text.lower() not in _CLASSES:
        raise argparse.ArgumentTypeError(f'"{text}" must be one of {", ".join(OverrideClass)}')
    return _CLASSES[text.lower()]


def _said(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _length(text: str) -> timedelta:
    return timedelta(seconds=arguments.seconds(text))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" must be a moment such as 2026-03-01T12:00Z') from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f'"{text}" does not say in which time zone: add Z for UTC, or +02:00')
    if moment <= datetime.now(UTC):
        raise argparse.ArgumentTypeError(f'"{text}" is over already')
    return moment
