"""A cluster for one run of the tests, and the removal of what killed runs left."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.cluster.cluster import Cluster
from e2e.cluster.launch import identity
from e2e.cluster.progress import Say
from e2e.cluster.state import REPOSITORY

BUILD = REPOSITORY / "build"
PREFIX = "e2e"


@contextlib.contextmanager
def session_folder(tell: Say, build: Path = BUILD, purpose: str = "") -> Iterator[Path]:
    """Give a folder of this process's own, and afterwards stop what was started in it and remove it."""
    remove_orphans(tell, build)
    folder = build / folder_name(os.getpid(), purpose)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        _remove(folder, tell)


def remove_orphans(tell: Say, build: Path = BUILD) -> None:
    """Stop and remove the clusters of test runs that were killed."""
    for folder in sorted(build.glob(f"{PREFIX}-*")):
        if not _owner_lives(folder):
            tell(f"removing {folder}, left behind by a run that was killed")
            _remove(folder, tell)


def folder_name(pid: int, purpose: str = "") -> str:
    """Name the folder after the process that owns it: its id, and which life of that id."""
    life = hashlib.sha256(str(identity(pid)).encode()).hexdigest()[:8]
    return f"{PREFIX}-{pid}-{life}{purpose}"


def _owner_lives(folder: Path) -> bool:
    pid = folder.name.split("-")[1]
    return pid.isdigit() and folder.name.startswith(folder_name(int(pid)))


def _remove(folder: Path, tell: Say) -> None:
    Cluster(folder, tell=tell).down()
    # Another run may be removing the same leftovers.
    shutil.rmtree(folder, ignore_errors=True)
