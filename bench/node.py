"""A real node: how large the image is, how long helm install takes, what each pod uses at rest.

The figures come from the first test of e2e/node, which leaves them beside the other results.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.results import FOLDER, Result, UnavailableError

PREFIX: Final = "node-"
"""Begins the names of the results that the test writes."""

_TEST: Final = "e2e/node/test_install.py"
_SECONDS: Final = 1_800


def run(say: Callable[[str], None], folder: Path = FOLDER) -> list[Result]:
    """Install the chart on a real node; return what it cost.

    Raises:
        UnavailableError: a node cannot be had here, or the test failed.
    """
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        raise UnavailableError("a real node needs Linux and root: sudo make e2e-node, or run it where you are root")
    for old in folder.glob(f"{PREFIX}*.json"):
        old.unlink()
    say("  a real node starts, and the chart is installed on it")
    done = subprocess.run(
        [sys.executable, "-m", "e2e.node", _TEST, "-q"], capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    if done.returncode != 0:
        raise UnavailableError(f"{_TEST} failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    return [
        *_image(done.stdout),
        *(Result(**json.loads(path.read_text())) for path in sorted(folder.glob(f"{PREFIX}*.json"))),
    ]


def _image(told: str) -> list[Result]:
    """Return the size of the image, which is told when it is built."""
    found = re.search(r"image \S+: (\d+) MB, (\d+) of them", told)
    return [Result("node-image", float(found[1]), "MB", {"of these the base": float(found[2])})] if found else []
