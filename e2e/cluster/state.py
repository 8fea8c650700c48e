"""The folder in which a cluster keeps what it must remember between two commands."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.cluster.launch import write_atomically
from e2e.cluster.progress import Say
from e2e.cluster.waiting import becomes

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = REPOSITORY / "build" / "local"

# Kept by `clear`: logs are for reading afterwards, and whoever waits for the lock has the file open.
_KEPT = {"logs", "lock"}

STATE_FILE = "cluster.json"


@contextlib.contextmanager
def locked(path: Path, tell: Say) -> Iterator[int]:
    """Hold a lock that the system gives back by itself when its holder dies; yields its file descriptor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _try_lock(file.fileno()):
            file.seek(0)
            tell(f"waiting for process {file.read().strip() or '(unknown)'}, which is at work on {path.parent}")
            becomes(lambda: _try_lock(file.fileno()), float("inf"))
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class State:
    """A small JSON document and a lock, in a folder that holds everything else of the cluster too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._file = self.folder / STATE_FILE

    def locked(self, tell: Say) -> contextlib.AbstractContextManager[int]:
        """Keep other runs out while the cluster is changed."""
        return locked(self.folder / "lock", tell)

    def get(self, key: str) -> str:
        """Return the text that was put under `key`, empty if none was."""
        found = self._read().get(key, "")
        return found if isinstance(found, str) else ""

    def put(self, **values: str) -> None:
        """Remember texts; they are on disk when this returns, all or none of them."""
        self._write(self._read() | values)

    def ports(self, name: str) -> dict[str, int]:
        """Return the ports that were chosen for a process, by their names."""
        return self._all_ports().get(name, {})

    def put_ports(self, name: str, ports: dict[str, int]) -> None:
        """Remember the ports chosen for a process."""
        self._write(self._read() | {"ports": self._all_ports() | {name: ports}})

    def clear(self) -> None:
        """Forget everything but the logs."""
        for path in self.folder.glob("*") if self.folder.exists() else ():
            if path.name in _KEPT:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _all_ports(self) -> dict[str, dict[str, int]]:
        found = self._read().get("ports")
        return found if isinstance(found, dict) else {}

    def _read(self) -> dict[str, object]:
        try:
            stored = json.loads(self._file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def _write(self, values: dict[str, object]) -> None:
        write_atomically(self._file, json.dumps(values, indent=1, sort_keys=True))
