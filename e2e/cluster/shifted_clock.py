"""Processes whose wall clock is off, while that of the machine and of everything else is right."""

import functools
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

from e2e.cluster.errors import ClusterError

HOUR = 3600
_TOLERANCE = 60.0
_LIBRARY = Path("vendor", "libfaketime", "src", "libfaketime.so.1")


@functools.cache
def shifted(hours: int) -> tuple[tuple[str, str], ...]:
    """Return the environment that puts a process's wall clock `hours` fast, or slow if negative.

    Steady clocks, by which timeouts go, stay as they are, as they do when a real clock is set wrong.

    Raises:
        ClusterError: what does it is not there, or was built for another machine.

    """
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        raise ClusterError("There is no libfaketime in this environment: make setup.")
    library = Path(found.origin).parent / _LIBRARY
    environment = {"LD_PRELOAD": str(library), "FAKETIME": f"{hours:+d}h", "DONT_FAKE_MONOTONIC": "1"}
    shows = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    if abs(float(shows.stdout) - time.time() - hours * HOUR) > _TOLERANCE:
        raise ClusterError(
            f"{library} does not shift the clock ({shows.stderr.strip()}). It has to be built for this machine:"
            " .venv/bin/pip install --force-reinstall --no-deps --no-binary libfaketime libfaketime"
        )
    return tuple(environment.items())
