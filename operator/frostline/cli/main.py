"""The command `frostline`."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from frostline import __version__
from frostline.cli import (
    lint_command,
    operator_command,
    override_command,
    resume_command,
    rules_command,
    teardown_command,
    webhook_command,
)

_INTERRUPTED = 130


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the command line; `environment` gives defaults."""
    top = argparse.ArgumentParser(
        prog="frostline",
        description="Keeps the promises a service makes: error budgets as Kubernetes resources.",
    )
    top.add_argument("--version", action="version", version=f"frostline {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    operator_command.add(commands, environment)
    webhook_command.add(commands, environment)
    lint_command.add(commands)
    rules_command.add(commands)
    override_command.add(commands, environment)
    resume_command.add(commands, environment)
    teardown_command.add(commands, environment)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parsed = parser(os.environ).parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
