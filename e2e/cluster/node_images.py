"""Images for a node: Frostline's from the real Dockerfile, and what the tests run beside it.

Built by Docker where its daemon answers, else by buildah, with storage in the cache folder of its own.
Where no registry is reached, the base is a Debian made by debootstrap instead of the image that the Dockerfile names.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from e2e.cluster.errors import ClusterError
from e2e.cluster.node_programs import BUILDAH, DEBOOTSTRAP, find_programs
from e2e.cluster.progress import Say, run_shown
from e2e.cluster.state import REPOSITORY, locked

RECIPES = REPOSITORY / "e2e" / "node" / "images" / "Dockerfile"
# The Debian whose Python is that of the image which the Dockerfile names.
SUITE = "trixie"

FROSTLINE = "docker.io/library/frostline:e2e"
PAUSE = "docker.io/frostline-e2e/pause:1"
PROMETHEUS = "docker.io/frostline-e2e/prometheus:1"
SOULSYNC = "docker.io/soulsync/app:1.4.2"
IMAGES = (FROSTLINE, PAUSE, PROMETHEUS, SOULSYNC)

# Of the base: what no container reads, and would be half of it.
_NEVER_READ = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists", "var/log")


@dataclass(frozen=True)
class Build:
    """One image to be built."""

    tag: str
    recipe: Path
    context: Path
    arguments: Mapping[str, str]
    stage: str = ""

    @property
    def flags(self) -> list[str]:
        """What Docker and buildah are told alike."""
        told = [f"--build-arg={name}={value}" for name, value in self.arguments.items()]
        told += [f"--target={self.stage}"] if self.stage else []
        return [f"--file={self.recipe}", f"--tag={self.tag}", *told, str(self.context)]


class Engine(Protocol):
    """What builds images and gives them to others."""

    def build(self, wanted: Build) -> None:
        """Build an image.

        Raises:
            ClusterError: that fails.

        """

    def pull(self, image: str) -> bool:
        """Fetch an image from its registry, and say whether it is there now."""

    def save(self, archive: Path) -> None:
        """Write IMAGES into one archive that `ctr images import` reads.

        Raises:
            ClusterError: that fails.

        """

    def identity(self, image: str) -> str:
        """Return what tells the content of an image from any other.

        Raises:
            ClusterError: it is not there.

        """

    def megabytes(self, image: str) -> float:
        """Return the size of an image, unpacked.

        Raises:
            ClusterError: it is not there.

        """


class Docker:
    """The Docker of this machine."""

    def __init__(self, tell: Say) -> None:
        self._tell = tell

    def build(self, wanted: Build) -> None:
        self._shown(f"building {wanted.tag}", "build", *wanted.flags)

    def pull(self, image: str) -> bool:
        here = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
        return here.returncode == 0 or _tried(["docker", "pull", "--quiet", image], self._tell)

    def save(self, archive: Path) -> None:
        self._shown("writing the images", "save", f"--output={archive}", *IMAGES)

    def identity(self, image: str) -> str:
        return _answer(["docker", "image", "inspect", "--format={{.Id}}", image])

    def megabytes(self, image: str) -> float:
        return float(_answer(["docker", "image", "inspect", "--format={{.Size}}", image])) / 1e6

    def _shown(self, what: str, *arguments: str) -> None:
        run_shown(["docker", *arguments], what, self._tell, cwd=str(REPOSITORY), env=dict(os.environ))


class Buildah:
    """buildah, with storage of its own: the machine's is left alone."""

    # What pip needs to reach its index as it does outside.
    LENT = ("/etc/pip.conf", "/etc/ssl/certs", "/usr/local/share/ca-certificates")

    def __init__(self, program: Path, storage: Path, tell: Say) -> None:
        self._storage = storage
        self._tell = tell
        self._argv = [str(program), f"--root={storage}/layers", f"--runroot={storage}/run"]

    def build(self, wanted: Build) -> None:
        lent = [f"--volume={path}:{path}:ro" for path in self.LENT if Path(path).exists()]
        how = ["--isolation=chroot", "--network=host", "--layers", "--pull-never", *lent]
        self._shown(f"building {wanted.tag}", "build", *how, *wanted.flags)

    def pull(self, image: str) -> bool:
        here = subprocess.run([*self._argv, "inspect", "--type=image", image], capture_output=True, check=False)
        return here.returncode == 0 or _tried([*self._argv, "pull", "--quiet", image], self._tell)

    def save(self, archive: Path) -> None:
        layout = archive.with_suffix(".layout")
        shutil.rmtree(layout, ignore_errors=True)
        # A layout, since images in it share their layers.
        for image in IMAGES:
            self._shown(f"writing {image}", "push", "--quiet", "--disable-compression", image, f"oci:{layout}:{image}")
        _answer(["tar", "--create", f"--file={archive}", f"--directory={layout}", "."])
        shutil.rmtree(layout)

    def identity(self, image: str) -> str:
        return _answer([*self._argv, "inspect", "--type=image", "--format={{.FromImageID}}", image])

    def megabytes(self, image: str) -> float:
        text = _answer([*self._argv, "images", "--format={{.Size}}", image]).split()
        return float(text[0]) * {"B": 1e-6, "KB": 1e-3, "MB": 1.0, "GB": 1e3}[text[1].upper()]

    def _shown(self, what: str, *arguments: str) -> None:
        run_shown([*self._argv, *arguments], what, self._tell, cwd=str(REPOSITORY), env=dict(os.environ))


class Images:
    """Builds what a node runs.

    Args:
        cache: folder of the base and of buildah's storage.
        tool: path of each tool by name, for Prometheus.
        tell: hears what goes on.

    """

    def __init__(self, cache: Path, tool: Callable[[str], Path], tell: Say) -> None:
        self._cache = cache
        self._home = cache / "images"
        self._tool = tool
        self._tell = tell

    def build(self, archive: Path | None) -> None:
        """Build IMAGES, and have all of them in the file `archive`, where one is wanted.

        Raises:
            ClusterError: an image cannot be built; says what is missing.

        """
        with locked(self._cache / "images.lock", self._tell):
            engine = self.engine()
            base = self._base(engine)
            began = time.monotonic()
            engine.build(
                Build(FROSTLINE, REPOSITORY / "Dockerfile", REPOSITORY, {"PYTHON_IMAGE": base, "VERSION": "e2e"})
            )
            took = time.monotonic() - began
            with tempfile.TemporaryDirectory(dir=self._home) as made:
                context = Path(made)
                shutil.copy(self._tool("prometheus"), context / "prometheus")
                shutil.copytree(REPOSITORY / "examples", context / "examples")
                (context / "e2e" / "demo").mkdir(parents=True)
                shutil.copy(REPOSITORY / "e2e" / "demo" / "load.py", context / "e2e" / "demo")
                arguments = {"PYTHON_IMAGE": base, "FROSTLINE_IMAGE": FROSTLINE}
                for image, stage in ((PAUSE, "pause"), (PROMETHEUS, "prometheus"), (SOULSYNC, "soulsync")):
                    engine.build(Build(image, RECIPES, context, arguments, stage))
            ours, under = engine.megabytes(FROSTLINE), engine.megabytes(base)
            self._tell(f"  image {FROSTLINE}: {ours:.0f} MB, {under:.0f} of them {base}; built in {took:.0f} s")
            if archive is not None:
                _put(self._saved(engine), archive)

    def _saved(self, engine: Engine) -> Path:
        """Write the images, unless these very ones were written before."""
        known = hashlib.sha256("".join(engine.identity(image) for image in IMAGES).encode()).hexdigest()[:12]
        saved = self._home / f"saved-{known}.tar"
        if not saved.exists():
            for old in self._home.glob("saved-*"):
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            half = self._home / f"saved-{known}.half"
            engine.save(half)
            half.replace(saved)
        return saved

    def engine(self) -> Engine:
        """Return what builds here.

        Raises:
            ClusterError: nothing does; says what to install.

        """
        asked = ["docker", "info"]
        if shutil.which("docker") and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return Docker(self._tell)
        self._home.mkdir(parents=True, exist_ok=True)
        program = find_programs([BUILDAH], self._cache, self._tell)["buildah"]
        return Buildah(program, self._home, self._tell)

    def _base(self, engine: Engine) -> str:
        found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
        if found is None:
            raise ClusterError("The Dockerfile names no PYTHON_IMAGE.")
        named = found[1] if "/" in found[1] else f"docker.io/library/{found[1]}"
        if engine.pull(named):
            return named
        self._tell(f"  {named} cannot be pulled, so the base is a Debian {SUITE} made here")
        tag = f"docker.io/frostline-e2e/python:{SUITE}"
        files = self._home / f"base-{SUITE}"
        if not files.exists():
            self._bootstrap(files)
        engine.build(Build(tag, files / "Dockerfile", files, {}))
        return tag

    def _bootstrap(self, files: Path) -> None:
        """Make a small Debian with Python, as a tar file and the recipe that makes an image of it."""
        program = find_programs([DEBOOTSTRAP], self._cache, self._tell)["debootstrap"]
        half = files.with_name(f".{files.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        root = half / "root"
        root.mkdir(parents=True)
        environment = dict(os.environ)
        scripts = program.parent.parent / "share" / "debootstrap"
        if scripts.exists():
            environment["DEBOOTSTRAP_DIR"] = str(scripts)
        included = "--include=python3,python3-venv,ca-certificates"
        argv = [str(program), "--variant=minbase", included, SUITE, str(root)]
        run_shown(argv, f"making a base of Debian {SUITE}", self._tell, cwd=str(half), env=environment)
        for folder in _NEVER_READ:
            shutil.rmtree(root / folder, ignore_errors=True)
            (root / folder).mkdir(parents=True)
        _answer(["tar", "--create", "--one-file-system", f"--file={half}/base.tar", f"--directory={root}", "."])
        shutil.rmtree(root)
        (half / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
        half.replace(files)


def _put(file: Path, there: Path) -> None:
    """Have a file in another place too, also when it goes from its own."""
    try:
        there.hardlink_to(file)
    except OSError:
        shutil.copy(file, there)


def _tried(argv: list[str], tell: Say) -> bool:
    """Run a command that may fail, and say whether it did not."""
    try:
        run_shown(argv, f"pulling {argv[-1]}", tell, cwd=str(REPOSITORY), env=dict(os.environ))
    except ClusterError:
        return False
    return True


def _answer(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"`{' '.join(argv)}` failed: {done.stderr.strip()}")
    return done.stdout.strip()
