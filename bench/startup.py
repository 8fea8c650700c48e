"""How long a person waits for the command line."""

import subprocess
import sys
from pathlib import Path

from bench.results import Result, median, of_runs, timed

_RUNS = 10
_LINES = {"cli-version": ("--version",), "cli-operator-help": ("operator", "--help")}


def frostline() -> str:
    """Return the command, as installed beside this Python."""
    return str(Path(sys.executable).parent / "frostline")


def run() -> list[Result]:
    """Start the command line again and again; the first start, which fills caches of files, does not count."""
    return [_started(name, line) for name, line in _LINES.items()]


def _started(name: str, line: tuple[str, ...]) -> Result:
    argv = [frostline(), *line]

    def start() -> None:
        subprocess.run(argv, check=True, capture_output=True)

    start()
    seconds = [timed(start) for _ in range(_RUNS)]
    return Result(name, median(seconds), "s", of_runs(seconds, command=" ".join(("frostline", *line))))
