"""Namespaces of our own for a node and all that runs on it: nothing of it is left when they end.

Everything, the tests included, runs in fresh network, mount, process and IPC namespaces. Interfaces, addresses, routes,
packet filters and mounts are in there, so the machine never sees them, and pods reach nothing outside. When
the first process of the namespaces ends or is killed, the system kills all others in them.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from e2e.cluster.certificates import NODE_ADDRESS
from e2e.cluster.controlplane import SERVICE_ADDRESSES
from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import Say
from e2e.cluster.waiting import becomes

CGROUPS = Path("/sys/fs/cgroup")
CGROUP_PREFIX = "frostline-"
# The network namespace that we came from: whoever is still in it must not touch its interfaces.
OUTSIDE = "FROSTLINE_OUTSIDE"
# Folders in which containerd, kubelet and iptables leave things wherever their state is told to be.
OWN_FOLDERS = ("/run", "/var/lib/cni", "/var/lib/kubelet", "/var/log")

STOP_SECONDS = 60.0
EMPTY_SECONDS = 10.0


def run_confined(
    argv: list[str], environment: Mapping[str, str], tool: Callable[[str], Path], *, cgroup: str, tell: Say
) -> int:
    """Run a command in namespaces of its own; returns its exit code once nothing of it is left.

    Args:
        argv: the command.
        environment: of the command.
        tool: path of `unshare` and `setpriv`.
        cgroup: name of the cgroup that the node's pods are put into; made and removed again.
        tell: hears how a command is run in there from outside.

    """
    remove_empty_cgroups()
    make_cgroup(cgroup)
    lacking = [folder for folder in map(Path, OWN_FOLDERS) if not folder.exists()]
    for folder in lacking:
        folder.mkdir(parents=True)
    confined = [
        # Ends with us, however we end.
        *(str(tool("setpriv")), "--pdeathsig=KILL"),
        *(str(tool("unshare")), "--net", "--mount", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"),
        *argv,
    ]
    outside = {OUTSIDE: _network()}
    with _passing_on_signals() as interrupted, subprocess.Popen(confined, env={**environment, **outside}) as process:
        tell(f"  to look inside: nsenter --target {process.pid} --net --mount --wd=$PWD …")
        try:
            while True:
                try:
                    return process.wait(timeout=STOP_SECONDS if interrupted else None)
                except InterruptedError:
                    # Ctrl-C reaches all that a terminal runs by itself.
                    if interrupted[-1] != signal.SIGINT:
                        _interrupt_child(process.pid)
                except subprocess.TimeoutExpired:
                    return 130
        finally:
            process.kill()
            process.wait()
            becomes(lambda: remove_cgroup(cgroup), EMPTY_SECONDS)
            # A folder that goes would take along what another run has mounted on it.
            for folder in () if _runs() else lacking:
                folder.rmdir()


def is_confined() -> bool:
    """Say whether this process runs in a network namespace made by `run_confined`."""
    outside = os.environ.get(OUTSIDE)
    return bool(outside) and _network() != outside


def furnish(tool: Callable[[str], Path]) -> None:
    """Give the namespaces a loopback interface with the node's address, and empty folders for run-time files.

    Raises:
        ClusterError: we are not in namespaces of our own.

    """
    if not is_confined():
        raise ClusterError("A node starts in namespaces of its own only: use `make e2e-node`.")
    for folder in OWN_FOLDERS:
        _run(str(tool("mount")), "-t", "tmpfs", "frostline", folder)
    ip = str(tool("ip"))
    _run(ip, "link", "set", "lo", "up")
    # On the loopback interface: the one that is always there. Pods are routed to it like to any other.
    _run(ip, "address", "add", f"{NODE_ADDRESS}/32", "dev", "lo")
    # kube-proxy gives an address of a Service another destination only on its way out: there has to be a way.
    _run(ip, "route", "add", SERVICE_ADDRESSES, "dev", "lo", "src", NODE_ADDRESS)


def make_cgroup(name: str) -> None:
    """Make a cgroup below the root, in each hierarchy of version 1 or in the one of version 2."""
    for hierarchy in _hierarchies():
        home = hierarchy / name
        home.mkdir(exist_ok=True)
        if (hierarchy / "cgroup.controllers").exists():
            controllers = (hierarchy / "cgroup.controllers").read_text().split()
            for folder in (hierarchy, home):
                (folder / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in controllers))
        elif hierarchy.name == "cpuset":
            # Version 1 gives a new set neither processors nor memory.
            for file in ("cpuset.cpus", "cpuset.mems"):
                (home / file).write_text((hierarchy / file).read_text())


def remove_cgroup(name: str) -> bool:
    """Remove a cgroup with those below it, and say whether it is gone; one with processes in it stays."""
    for hierarchy in _hierarchies():
        home = hierarchy / name
        below = [folder for folder, _, _ in os.walk(home, topdown=False)]
        with contextlib.suppress(OSError):
            for folder in below:
                Path(folder).rmdir()
    return not any((hierarchy / name).exists() for hierarchy in _hierarchies())


def remove_empty_cgroups() -> None:
    """Remove what runs that were killed have left; cgroups with processes in them stay."""
    for name in _runs():
        if not any(_processes(hierarchy / name) for hierarchy in _hierarchies()):
            remove_cgroup(name)


def _runs() -> set[str]:
    """Name the cgroups of all runs that there are, and of those that were killed."""
    return {path.name for each in _hierarchies() for path in each.glob(f"{CGROUP_PREFIX}*")}


def _network() -> str:
    return str(Path("/proc/self/ns/net").readlink())


def _processes(folder: Path) -> bool:
    return any(file.read_text().strip() for file in folder.rglob("cgroup.procs"))


def _hierarchies() -> list[Path]:
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return sorted(each for each in CGROUPS.iterdir() if (each / "cgroup.procs").exists() and not each.is_symlink())


@contextlib.contextmanager
def _passing_on_signals() -> Iterator[list[int]]:
    """Turn signals that would end us into InterruptedError, and list them."""
    heard: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        heard.append(number)
        raise InterruptedError

    before = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt_child(parent: int) -> None:
    """Interrupt the first process of the namespaces, whose parent `unshare` passes nothing on."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGINT)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"`{' '.join(argv)}` failed: {done.stderr.strip()}")
