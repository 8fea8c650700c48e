"""How fast a thousand manifests are linted, through the command line as people and CI run it."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from bench.fleet import manifest
from bench.results import Result, UnavailableError, median, of_runs, timed
from bench.startup import frostline

MANIFESTS: Final = 1_000
_RUNS: Final = 5
_CLEAN_OR_NOT: Final = (0, 1)
"""Exit codes of a run that judged every file."""


def run() -> list[Result]:
    """Lint a thousand files.

    Raises:
        UnavailableError: there is no such command.
    """
    if subprocess.run([frostline(), "lint", "--help"], check=False, capture_output=True).returncode != 0:
        raise UnavailableError("`frostline lint` is missing: this version has no such command to measure")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(MANIFESTS):
            written = manifest(number)
            written["metadata"] = {key: written["metadata"][key] for key in ("name", "namespace")}
            (Path(folder) / f"slo-{number:04d}.yaml").write_text(json.dumps(written, indent=2))
        seconds = [timed(lambda: _lint(folder)) for _ in range(_RUNS)]
    name, value = f"lint-{MANIFESTS}", median(seconds)
    return [Result(name, value, "s", of_runs(seconds, us_per_manifest=round(value / MANIFESTS * 1e6)))]


def _lint(folder: str) -> None:
    done = subprocess.run([frostline(), "lint", folder], check=False, capture_output=True, text=True)
    if done.returncode not in _CLEAN_OR_NOT or f"in {MANIFESTS} files" not in done.stderr:
        raise UnavailableError(f"`frostline lint` ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
