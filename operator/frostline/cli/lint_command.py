"""frostline lint: what is wrong with manifests, or may mislead, before anything is applied."""

import argparse
import os
import sys
from typing import Final

from frostline.cli.garbage import uncollected

_FORMATS: Final = ("text", "github", "json", "sarif")
_UNREADABLE: Final = 2


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "lint",
        help="say what is wrong with manifests before they are applied",
        description="Says what is wrong with manifests, or may mislead, before they are applied."
        " Kinds of others are skipped.",
        epilog="Exit code: 0 without errors, 1 with errors (--strict: or warnings), 2 when a file cannot be read"
        " or is not YAML.",
    )
    command.set_defaults(run=run)
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="file, folder (all *.yaml and *.yml below it), or - for standard input"
    )
    command.add_argument("--format", choices=_FORMATS, default="text", help="form of the findings, text by default")
    command.add_argument("--strict", action="store_true", help="let warnings fail, too")


def run(parsed: argparse.Namespace) -> int:
    """Lint files; return the exit code."""
    # The models take a moment to import; --help and other commands do not wait for them.
    from frostline.cli.findings_report import FORMS  # noqa: PLC0415
    from frostline.cli.judging import judge  # noqa: PLC0415
    from frostline.cli.manifest_files import read  # noqa: PLC0415
    from frostline.core.finding import Rule, Severity  # noqa: PLC0415

    with uncollected():
        judged = judge(read(parsed.files))
        found = judged.findings()
    counts = {severity: sum(each.finding.severity is severity for each in found) for severity in Severity}
    try:
        sys.stdout.write(FORMS[parsed.format](found))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough, as in `frostline lint … | head`; nothing more can be written at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if parsed.format == "text":
        said = ", ".join(_several(count, severity) for severity, count in counts.items())
        scope = f"{_several(judged.objects, 'Frostline object')} in {_several(judged.files, 'file')}"
        sys.stderr.write(f"{scope}: {said}\n")
    if any(each.finding.rule in (Rule.UNREADABLE, Rule.YAML) for each in found):
        return _UNREADABLE
    return int(counts[Severity.ERROR] > 0 or (parsed.strict and counts[Severity.WARNING] > 0))


def _several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 or what == "info" else f"{count} {what}s"
