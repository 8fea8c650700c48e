"""Resolve the dependencies of pyproject.toml and write requirements/*.txt with hashes, without any index line."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_LOCKS = {
    "runtime.txt": ("pyproject.toml",),
    "dev.txt": ("pyproject.toml", "--extra", "dev"),
    "build.txt": ("--group", "build"),
    "sbom.txt": ("--group", "sbom"),
}


def main() -> int:
    """Write the files; return the resolver's exit code."""
    uv = Path(sys.executable).with_name("uv")
    for name, what in _LOCKS.items():
        target = Path("requirements") / name
        command = (
            str(uv), "pip", "compile", *what, "--universal", "--python-version", "3.11",
            "--generate-hashes",
            "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--custom-compile-command", "make lock",
            "--quiet", "--upgrade", "-o", str(target),
        )  # fmt: skip
        code = subprocess.run(command, cwd=_ROOT, check=False).returncode  # noqa: S603 - fixed words
        if code:
            return code
        print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
