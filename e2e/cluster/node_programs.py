"""Programs of the system that a real node needs: on PATH, or taken out of a Debian package into the cache.

What stands on its own is fetched with `apt-get download` and unpacked, so that the machine keeps the packages it has.
What needs more than its own files has to be installed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import Say, run_shown
from e2e.cluster.state import locked

# Where packages put what people do not call by name.
_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/cni", "/opt/cni/bin")


@dataclass(frozen=True)
class Program:
    """A program, the Debian package that has it, and whether it works by its own files alone."""

    name: str
    package: str
    alone: bool = False


RUNC = Program("runc", "runc", alone=True)
DEBOOTSTRAP = Program("debootstrap", "debootstrap", alone=True)
BUILDAH = Program("buildah", "buildah")
NETWORK_PLUGINS = tuple(Program(name, "containernetworking-plugins", alone=True) for name in ("ptp", "host-local"))
RUN_BY_NODE: tuple[Program, ...] = (
    RUNC,
    *NETWORK_PLUGINS,
    Program("iptables", "iptables"),
    Program("ip", "iproute2"),
    Program("unshare", "util-linux"),
    Program("setpriv", "util-linux"),
    Program("mount", "mount"),
)


def check_machine() -> None:
    """Refuse a machine that cannot be a node.

    Raises:
        ClusterError: says what is missing.

    """
    if sys.platform != "linux":
        raise ClusterError("A node of our own needs Linux: use CLUSTER=kind with Docker.")
    if os.geteuid() != 0:
        raise ClusterError(
            "A node of our own needs root, for namespaces, mounts and cgroups: use sudo, or CLUSTER=kind."
        )


def find_programs(programs: Iterable[Program], cache: Path, tell: Say) -> dict[str, Path]:
    """Find programs, by name.

    Raises:
        ClusterError: some are neither installed nor to be fetched; says what to install.

    """
    found: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for program in programs:
        path = _installed(program.name)
        if path is None and program.alone:
            path = _fetched(program, cache / "debian", tell)
        if path is None:
            missing[program.name] = program.package
        else:
            found[program.name] = path
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise ClusterError(f"Not on this machine: {', '.join(missing)}. On Debian: apt-get install {packages}")
    return found


def _installed(name: str) -> Path | None:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_FOLDERS))
    there = shutil.which(name, path=path)
    return Path(there) if there else None


def _fetched(program: Program, cache: Path, tell: Say) -> Path | None:
    """Take a program out of its package; None where there is no apt or the package cannot be had."""
    home = cache / program.package
    if not home.exists():
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            return None
        with locked(cache / f"{program.package}.lock", tell):
            if not home.exists() and not _unpack(program.package, home, tell):
                return None
    inside = [each for each in home.rglob(program.name) if each.is_file() and os.access(each, os.X_OK)]
    return inside[0] if inside else None


def _unpack(package: str, home: Path, tell: Say) -> bool:
    half = home.with_name(f".{package}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    # As root apt would try to hand the download to a user who may not write here.
    download = ["apt-get", "download", "--option=APT::Sandbox::User=root", package]
    try:
        run_shown(download, f"fetching the Debian package {package}", tell, cwd=str(half), env=dict(os.environ))
    except ClusterError as error:
        tell(f"  {error}")
        return False
    for archive in half.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, half], check=True, capture_output=True)
        archive.unlink()
    half.replace(home)
    return True
