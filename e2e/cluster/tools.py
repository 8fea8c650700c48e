"""Finding tools: a named folder, PATH, the cache, the official archives, a build from source, in this order.

Official archives come before a build because a build of everything takes twenty minutes.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.archives import Archives, UnavailableError
from e2e.cluster.build import Builder
from e2e.cluster.catalogue import GROUPS, STAGES, TOOLCHAIN, TOOLS, Tool, cache_key, parse_version
from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import Say
from e2e.cluster.state import STATE_FILE, locked

NAMED_FOLDER = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True)
class Found:
    """A tool that can be used.

    Attributes:
        path: of the file, absolute.
        source: where it came from, in words.
        passed_over: what was found before it and why that would not do, in words.

    """

    tool: Tool
    path: Path
    source: str
    passed_over: tuple[str, ...] = ()


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Say where tools are kept: FROSTLINE_CACHE, or frostline below XDG_CACHE_HOME or ~/.cache."""
    if named := environment.get("FROSTLINE_CACHE"):
        return Path(named).expanduser().resolve()
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "frostline"


class Finder:
    """Finds tools and says how.

    Args:
        environment: with KUBEBUILDER_ASSETS, PATH, FROSTLINE_CACHE, XDG_CACHE_HOME.
        tell: hears of downloads and builds while they go on.
        archives: whether official archives may be used at all.

    """

    def __init__(self, environment: Mapping[str, str], tell: Say, *, archives: bool = True) -> None:
        self.cache = cache_folder(environment)
        self._named = environment.get(NAMED_FOLDER)
        self._path = _foreign(environment.get("PATH", os.defpath))
        self._tell = tell
        self._archives = Archives(tell, allowed=archives)
        self._builder = Builder(self.cache, tell)

    def find(self, names: Iterable[str]) -> dict[str, Found]:
        """Find every one of the named tools.

        Raises:
            ClusterError: one cannot be had; says what to install.

        """
        wanted = set(names)
        found: dict[str, Found] = {}
        for group in GROUPS:
            tools = [tool for tool in group if tool.name in wanted]
            if tools:
                found |= {each.tool.name: each for each in self._find_group(tools)}
        return found

    def _find_group(self, tools: list[Tool]) -> list[Found]:
        passed_over: list[str] = []
        if self._named:
            folder = Path(self._named).expanduser().resolve()
            files = [folder / tool.name for tool in tools]
            if self._usable(tools, files, passed_over, trusted=True):
                return _all_found(tools, files, f"{NAMED_FOLDER}, {folder}", passed_over)
        files = [Path(shutil.which(tool.name, path=self._path) or tool.name) for tool in tools]
        # The stages of kwok are data: PATH is no place for them.
        if tools[0].name != STAGES and self._usable(tools, files, passed_over, trusted=False):
            return _all_found(tools, files, "PATH", passed_over)
        return [self._cached(tool, list(passed_over)) for tool in tools]

    def _usable(self, tools: list[Tool], files: list[Path], passed_over: list[str], *, trusted: bool) -> bool:
        """Say whether a whole group can be taken from one place; explain in `passed_over` why not.

        A folder that somebody named on purpose may hold builds that do not know their version; PATH may not.
        """
        present = [file.exists() for file in files]
        if not any(present):
            return False
        for tool, file, there in zip(tools, files, present, strict=True):
            if not there:
                other = next(each for each, is_there in zip(files, present, strict=True) if is_there)
                passed_over.append(f"{other}: no {tool.name} with it")
                return False
            version = _version(tool, file)
            if version is None and not trusted:
                passed_over.append(f"{file}: does not tell its version")
                return False
            if version is not None and version < tool.least:
                least = ".".join(map(str, tool.least))
                passed_over.append(f"{file}: version {version[0]}.{version[1]}, {least} is needed")
                return False
        return True

    def _cached(self, tool: Tool, passed_over: list[str]) -> Found:
        folder = TOOLCHAIN / tool.folder
        built_there = [each for each in TOOLS.values() if each.folder == tool.folder]
        home = self.cache / cache_key(folder, built_there)
        target = home / tool.name
        source = f"the cache folder {self.cache}"
        if not target.exists():
            with locked(self.cache / f"{home.name}.lock", self._tell):
                # Whoever held the lock before may just have made it.
                if not target.exists():
                    source = self._obtain(tool, target, passed_over)
        return Found(tool, target, source, tuple(passed_over))

    def _obtain(self, tool: Tool, target: Path, passed_over: list[str]) -> str:
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.half")
        half.unlink(missing_ok=True)
        try:
            source = f"the official archive {self._archives.fetch(tool, half.write_bytes)}"
        except UnavailableError as reason:
            passed_over.append(f"official archive: {reason}")
            try:
                self._builder.build(tool, half)
            except ClusterError as error:
                before = _tried(passed_over)
                raise ClusterError(f"{tool.name} cannot be had. {error}\nTried before: {before}.") from error
            source = f"a build of e2e/toolchain/{tool.folder}/go.mod"
        half.chmod(0o755)
        half.replace(target)
        return source


def _foreign(path: str) -> str:
    """Leave out the `bin` folders of clusters, which hold links to what was found before."""
    entries = path.split(os.pathsep)
    return os.pathsep.join(each for each in entries if not (Path(each).parent / STATE_FILE).exists())


def _all_found(tools: list[Tool], files: list[Path], source: str, passed_over: list[str]) -> list[Found]:
    found = zip(tools, files, strict=True)
    return [Found(tool, file.absolute(), source, tuple(passed_over)) for tool, file in found]


def _version(tool: Tool, file: Path) -> tuple[int, int] | None:
    if not tool.asks:
        return None
    try:
        answer = subprocess.run(
            [file, *tool.asks],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (answer.stdout or answer.stderr).splitlines()
    return parse_version(lines[0]) if answer.returncode == 0 and lines else None


def _tried(passed_over: list[str]) -> str:
    return "; ".join([f"{NAMED_FOLDER}, PATH and the cache folder", *passed_over])
