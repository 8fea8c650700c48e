"""What every part of the cluster is made with: a folder, the tools, and who runs processes."""

from collections.abc import Iterable
from pathlib import Path

from e2e.cluster.errors import ClusterError
from e2e.cluster.processes import Processes
from e2e.cluster.progress import Say
from e2e.cluster.state import State
from e2e.cluster.supervisor import Supervisor
from e2e.cluster.tools import Found


class Site:
    """One state folder and what works in it.

    Args:
        folder: of the state, for example build/local.
        tell: hears what goes on, a line at a time.

    """

    def __init__(self, folder: Path, tell: Say) -> None:
        self.state = State(folder)
        self.folder = self.state.folder
        self.processes = Processes(self.folder / "run", self.folder / "logs")
        self.supervisor = Supervisor(self.processes, self.state)
        self.tell = tell

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    def tool(self, name: str) -> Path:
        """Return the tool that the last `up` found.

        Raises:
            ClusterError: there was none.

        """
        link = self.folder / "bin" / name
        if not link.exists():
            raise ClusterError(f"{link} is not there: start the cluster first (make up).")
        # Not resolved further: some programs are links that go by the name they are called by.
        return link.readlink()

    def link_tools(self, found: Iterable[Found]) -> None:
        """Put tools into the folder `bin`, for us and for people."""
        folder = self.folder / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        for each in found:
            fresh = folder / f".{each.tool.name}.half"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(each.path)
            fresh.replace(folder / each.tool.name)
