"""What a person sees while things take their time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from e2e.cluster.errors import ClusterError

Say = Callable[[str], None]

# Lines in a log that nobody rewrites: rarely enough to read, often enough to see that it lives.
LOG_EVERY_SECONDS = 30.0
TERMINAL_EVERY_SECONDS = 1.0


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    print(line, flush=True)


def silent(line: str) -> None:
    """Print nothing."""
    del line


def duration(seconds: float) -> str:
    """Render seconds as people say them: `4 s`, `1 min 20 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Elapsed:
    """The time that one piece of work takes, shown while it goes on.

    In a terminal one line is rewritten each second; elsewhere there is a line every 30 s.
    """

    def __init__(self, what: str, tell: Say) -> None:
        self._what = what
        self._tell = tell
        self._terminal = tell is say and sys.stdout.isatty()
        self._began = time.monotonic()
        self._shown = self._began

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._began

    def tick(self, more: str = "") -> None:
        """Show the time so far, if it is time to."""
        now = time.monotonic()
        if now - self._shown < (TERMINAL_EVERY_SECONDS if self._terminal else LOG_EVERY_SECONDS):
            return
        self._shown = now
        line = f"  {self._what} … {duration(self.seconds)}{more}"
        if self._terminal:
            print(f"\r\x1b[K{line}", end="", flush=True)
        else:
            self._tell(line)

    def done(self, result: str) -> None:
        """Close the line with what came out."""
        if self._terminal:
            print("\r\x1b[K", end="", flush=True)
        self._tell(f"  {self._what}: {result}")


def run_shown(argv: list[str], what: str, tell: Say, *, cwd: str, env: dict[str, str]) -> None:
    """Run a long command and show how long it takes.

    Raises:
        ClusterError: it failed; carries the end of what it said.

    """
    elapsed = Elapsed(what, tell)
    # A session of its own, so that a stop reaches the compilers that it starts as well.
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            while True:
                try:
                    output, _ = process.communicate(timeout=TERMINAL_EVERY_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    elapsed.tick()
        except BaseException:
            _end_group(process)
            raise
    if process.returncode != 0:
        end = "\n".join(output.strip().splitlines()[-15:])
        raise ClusterError(f"{what} failed after {duration(elapsed.seconds)}: `{' '.join(argv)}` in {cwd} said:\n{end}")
    elapsed.done(f"done in {duration(elapsed.seconds)}")


def _end_group(process: subprocess.Popen[str]) -> None:
    """Kill a process that leads its own group, with all it started, and wait for it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
