"""Becomes another program, in the background, after writing down which process that will be.

Run as a script by `processes.Processes.start`. The process that goes on to be the program writes its own
record before it does so: whoever started it may be killed at any moment, and still nothing runs unrecorded.
Standard library only, and no import from this package, since it is run by path for speed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path


def identity(pid: int) -> str | None:
    """Name one life of a process id, so that a recycled id is not taken for the process that had it before.

    Returns:
        boot and start time as one text, or None when no process runs under `pid` (one that has ended and was
        not yet collected by its parent does not run).

    """
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        return _linux_identity(pid, boot)
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(None, 1)
    if len(answer) < 2 or answer[0].startswith("Z"):
        return None
    return answer[1].strip()


def _linux_identity(pid: int, boot: Path) -> str | None:
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may itself hold blanks and brackets.
    fields = line.rpartition(")")[2].split()
    state, threads, start = fields[0], int(fields[17]), fields[19]
    # A first thread that has ended may still have others, and with them the process its ports.
    ended = state in "ZX" and threads <= 1
    return None if ended else f"{boot.read_text().strip()}/{start}"


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    half.replace(path)


def main(record: Path, log: Path, described: str) -> int:
    """Start the program of `described` ({name, argv, fingerprint, cwd, environment} as JSON).

    Returns:
        0 once the record is written and the program has begun; 1 with a sentence on stderr otherwise.

    """
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        _become(record, log, json.loads(described), writing)
    os.close(writing)
    with os.fdopen(reading) as answer:
        problem = answer.read()
    if problem:
        sys.stderr.write(problem)
    return 1 if problem else 0


def _become(record: Path, log: Path, program: dict[str, object], answer: int) -> None:
    """Turn this process into the program. The pipe `answer` closes by itself when that has worked."""
    argv = program["argv"]
    environment = program["environment"]
    assert isinstance(argv, list)
    assert isinstance(environment, dict)
    try:
        os.setsid()
        log.parent.mkdir(parents=True, exist_ok=True)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(str(program["cwd"]))
        mine = {"name": program["name"], "pid": os.getpid(), "identity": identity(os.getpid())}
        mine |= {"argv": argv, "fingerprint": program["fingerprint"]}
        write_atomically(record, json.dumps(mine, indent=1))
        os.execve(argv[0], argv, environment)
    except OSError as error:
        os.write(answer, f"{argv[0]}: {error.strerror}".encode())
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.stdin.read()))
