"""The files that a command line names: manifests in them, read with care."""

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

STANDARD_INPUT: Final = "-"
MOST_BYTES: Final = 32 * 1024 * 1024
"""More than a thousand times what the API server takes as one object."""

_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a file, by the name it was asked for."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that gave no text, and why; `line` and `column` where it stopped being one, counted from 1."""

    name: str
    why: str
    line: int = 1
    column: int = 1


def read(names: Iterable[str]) -> Iterator[Text | Unreadable]:
    """Yield the files that `names` name, each once: files, folders with what is below them, - for standard input."""
    seen: set[str] = set()
    for name in names:
        if name == STANDARD_INPUT:
            yield _text("<stdin>", sys.stdin.buffer)
            continue
        for found in _below(name):
            if isinstance(found, Unreadable):
                yield found
                continue
            real = _real(found)
            if real not in seen:
                seen.add(real)
                yield _file(found)


def _real(name: str) -> str:
    try:
        return os.path.realpath(name)
    except ValueError:
        # Reading it will say what is wrong with the name.
        return name


def _below(name: str) -> Iterator[str | Unreadable]:
    """Yield the manifests below a folder in order; the name itself where it is no folder."""
    if not Path(name).is_dir():
        yield name
        return
    errors: list[OSError] = []
    empty = True
    for folder, folders, files in os.walk(name, onerror=errors.append):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(folder, file)  # noqa: PTH118 - keeps the folder as it was written
            if file.endswith(_SUFFIXES) and _regular(path):
                empty = False
                yield path
    for error in errors:
        yield Unreadable(str(error.filename), f"cannot be read: {error.strerror}")
    if empty and not errors:
        yield Unreadable(name, f"has no file that ends in {' or '.join(_SUFFIXES)}, nor has a folder below it")


def _regular(path: str) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        # Reading it will say why.
        return True


def _file(name: str) -> Text | Unreadable:
    try:
        with Path(name).open("rb") as stream:
            return _text(name, stream)
    except OSError as error:
        return Unreadable(name, f"cannot be read: {error.strerror or error}")
    except ValueError as error:
        return Unreadable(name, f"is no file name: {error}")


def _text(name: str, stream: BinaryIO) -> Text | Unreadable:
    raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        return Unreadable(name, f"is larger than {MOST_BYTES >> 20} MiB: split it")
    try:
        return Text(name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", errors="replace")) + 1
        return Unreadable(name, f"is not UTF-8: byte {raw[error.start]:#04x}; save it as UTF-8", line, column)
