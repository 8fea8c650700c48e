"""Starting processes that outlive us, and stopping exactly those again."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2e.cluster import launch
from e2e.cluster.errors import ClusterError
from e2e.cluster.waiting import becomes

# All that a part is told by default of the environment it was started from. Proxies are left out on
# purpose: everything talks over the loopback interface, and some clients would ask a proxy even there.
PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ")

# Told to every process, so that one is still known as ours when the folder with its record was deleted.
MARK = "FROSTLINE_STATE"

TERM_SECONDS = 10.0
KILL_SECONDS = 10.0


@dataclass(frozen=True)
class Command:
    """A program to run in the background."""

    name: str
    argv: tuple[str, ...]
    # Files whose content decides how the program behaves: a change of one means a restart.
    inputs: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Tell this command from any other, by its arguments, environment and input files."""
        digest = hashlib.sha256(json.dumps([self.argv, sorted(self.environment.items())]).encode())
        for path in self.inputs:
            digest.update(path.read_bytes() if path.exists() else b"absent")
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class ProcessRecord:
    """A process that was started: enough to recognise it for sure."""

    name: str
    pid: int
    identity: str
    argv: tuple[str, ...]
    fingerprint: str

    @classmethod
    def read(cls, path: Path) -> "ProcessRecord | None":
        """Read a record; None when there is none that can be understood."""
        try:
            stored = json.loads(path.read_text())
            return cls(
                name=str(stored["name"]),
                pid=int(stored["pid"]),
                identity=str(stored["identity"]),
                argv=tuple(stored["argv"]),
                fingerprint=str(stored["fingerprint"]),
            )
        except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    def alive(self) -> bool:
        """Say whether this very process runs, not another that was given its id since."""
        return launch.identity(self.pid) == self.identity

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to what it started, if it still runs."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def end(self) -> None:
        """Ask the process to end, kill it if it does not, and wait until it is gone.

        Raises:
            ClusterError: it outlived even SIGKILL.

        """
        self.signal(signal.SIGTERM)
        if not becomes(lambda: not self.alive(), TERM_SECONDS, interval=0.02):
            self.kill()

    def kill(self) -> None:
        """Kill the process without a warning, as a crash would, and wait until it is gone.

        Raises:
            ClusterError: it is still there.

        """
        self.signal(signal.SIGKILL)
        if not becomes(lambda: not self.alive(), KILL_SECONDS, interval=0.02):
            raise ClusterError(f"{self.name} (process {self.pid}) does not end, not even when killed.")


class Processes:
    """The background processes of one state folder: records in `run`, output in `logs`."""

    def __init__(self, run: Path, logs: Path) -> None:
        self.run = run
        self.logs = logs

    def log(self, name: str) -> Path:
        """Say where the output of a process goes."""
        return self.logs / f"{name}.log"

    def log_end(self, name: str, lines: int = 8) -> str:
        """Return the last lines that a process wrote."""
        log = self.log(name)
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def running(self, name: str) -> ProcessRecord | None:
        """Return the record of a process that runs now, None when it does not."""
        record = ProcessRecord.read(self._record(name))
        return record if record and record.alive() else None

    def names(self) -> list[str]:
        """Name all that was started and not stopped, dead or alive."""
        return sorted(path.stem for path in self.run.glob("*.json"))

    def start(self, command: Command) -> ProcessRecord:
        """Start a program in a session of its own. The log of its life before is kept as NAME.previous.log.

        Raises:
            ClusterError: it is not there or cannot be executed.

        """
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        described = {
            "name": command.name,
            "argv": command.argv,
            "fingerprint": command.fingerprint(),
            "cwd": str(self.run.parent),
            "environment": passed | dict(command.environment) | {MARK: str(self.run.parent)},
        }
        self.run.mkdir(parents=True, exist_ok=True)
        log = self.log(command.name)
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        done = subprocess.run(
            [sys.executable, "-I", "-S", launch.__file__, self._record(command.name), log],
            input=json.dumps(described),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        record = ProcessRecord.read(self._record(command.name))
        if done.returncode != 0 or record is None:
            raise ClusterError(f"{command.name} could not be started: {done.stderr.strip()}")
        return record

    def stop(self, name: str) -> bool:
        """End a process and wait until it is gone: asked first, then killed.

        Returns:
            whether it ran.

        Raises:
            ClusterError: it outlived even SIGKILL.

        """
        record = self.running(name)
        if record:
            record.end()
        self._record(name).unlink(missing_ok=True)
        return record is not None

    def stop_strays(self) -> list[str]:
        """Kill what was started in this folder and has no record any more: somebody deleted the folder.

        Found by its environment, so where the system shows that (Linux). Killed, not asked: the data that an
        orderly end would save are deleted.

        Returns:
            names of the programs.

        Raises:
            ClusterError: one outlived even SIGKILL.

        """
        known = {record.pid for name in self.names() if (record := self.running(name))}
        mark = f"{MARK}={self.run.parent}".encode()
        stopped = []
        for process in Path("/proc").glob("[0-9]*"):
            pid = int(process.name)
            try:
                marked = mark in (process / "environ").read_bytes().split(b"\0")
                program = (process / "comm").read_text().strip()
                leads = os.getpgid(pid) == pid
            except OSError:
                continue
            life = launch.identity(pid)
            if marked and leads and life and pid not in known:
                ProcessRecord(program, pid, life, (), "").kill()
                stopped.append(program)
        return stopped

    def kill(self, name: str) -> None:
        """Kill a process without a warning; its record stays, as after a crash."""
        if record := self.running(name):
            record.kill()

    def _record(self, name: str) -> Path:
        return self.run / f"{name}.json"
