"""frostline rules: the recording and alerting rules of manifests, for those who deliver them by Git."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frostline.cli.garbage import uncollected

if TYPE_CHECKING:
    from frostline.cli.judging import Judge

_FORMATS: Final = ("prometheus", "prometheusrule", "configmap")
_PROFILES: Final = ("burn", "pace", "none")
_UNREADABLE: Final = 2


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "rules",
        help="print the Prometheus rules of manifests",
        description="Prints the recording and alerting rules of objectives, the same that the operator would write."
        " Give all objectives of one Prometheus at once: they share most of the rules. Kinds of others are skipped.",
        epilog="Exit code: 0 when the rules were written; 1 with errors in manifests, 2 when a file cannot be read or"
        " written, or is not YAML: then nothing is written.",
    )
    command.set_defaults(run=run)
    command.add_argument(
        "-f",
        "--file",
        dest="files",
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help="file, folder (all *.yaml and *.yml below it), or - for standard input",
    )
    command.add_argument(
        "--format", choices=_FORMATS, default=_FORMATS[0], help="form of the rules, rule files by default"
    )
    command.add_argument(
        "--output-dir",
        type=Path,
        metavar="DIR",
        help="write one file a shard into this folder, and remove shards of an earlier run, instead of printing",
    )
    command.add_argument(
        "--namespace",
        default="default",
        metavar="NAME",
        help="namespace of objectives whose manifest names none, 'default' if absent",
    )
    command.add_argument(
        "--rules-namespace", metavar="NAME", help="namespace of the objects that --format makes; none if absent"
    )
    command.add_argument(
        "--alerts",
        choices=_PROFILES,
        default=_PROFILES[0],
        help="for objectives without spec.alerting.profile; burn: pages and tickets; pace: yellow and red; none",
    )
    command.add_argument("--runbooks", metavar="URL", help="page with a heading for each alert")
    command.add_argument("--dashboard", metavar="URL", help="dashboard that takes var-namespace and var-name")
    command.add_argument("--operator-dashboard", metavar="URL", help="dashboard of the operator itself")


def run(parsed: argparse.Namespace) -> int:
    """Print rules; return the exit code."""
    # The models take a moment to import; --help and other commands do not wait for them.
    from frostline.cli.findings_report import FORMS  # noqa: PLC0415
    from frostline.cli.judging import judge  # noqa: PLC0415
    from frostline.cli.manifest_files import read  # noqa: PLC0415
    from frostline.cli.rules_output import Wanted, rendered, replace, written  # noqa: PLC0415
    from frostline.core.finding import Rule, Severity  # noqa: PLC0415
    from frostline.core.rule_delivery import ForeignError  # noqa: PLC0415
    from frostline.core.rules import Alerting  # noqa: PLC0415

    wanted = Wanted(
        parsed.format,
        parsed.namespace,
        parsed.rules_namespace,
        Alerting(parsed.alerts.capitalize()),
        runbooks=parsed.runbooks,
        dashboard=parsed.dashboard,
        operator_dashboard=parsed.operator_dashboard,
    )
    with uncollected():
        judged = judge(read(parsed.files))
        found, rules = rendered(judged, wanted)
    errors = [each for each in found if each.finding.severity is Severity.ERROR]
    sys.stderr.write(FORMS["text"](each for each in found if each.finding.severity is not Severity.INFO))
    if errors or rules is None:
        return _UNREADABLE if any(each.finding.rule in (Rule.UNREADABLE, Rule.YAML) for each in errors) else 1
    if parsed.output_dir is None:
        return _print(written(rules, wanted))
    try:
        changed = replace(parsed.output_dir, rules, wanted)
    except ForeignError as error:
        sys.stderr.write(f"{error}\n")
        return _UNREADABLE
    except OSError as error:
        sys.stderr.write(f"{error.filename or parsed.output_dir} cannot be written: {error.strerror or error}\n")
        return _UNREADABLE
    sys.stderr.write(f"{_counted(judged)}: {len(rules)} files in {parsed.output_dir}, {changed} changed\n")
    return 0


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough, as in `frostline rules … | head`; nothing more can be written at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _counted(judged: "Judge") -> str:
    several = "" if len(judged.promised) == 1 else "s"
    return f"{len(judged.promised)} objective{several}"
