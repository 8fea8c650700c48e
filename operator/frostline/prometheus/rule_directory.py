"""A folder of rule files, for a Prometheus that reads it (`rule_files`) and is told to, by its side-car or a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from frostline.core.rule_delivery import ForeignError

_OURS = "frostline-*.yaml"


@dataclass(frozen=True, slots=True)
class RuleDirectory:
    """Files of ours begin with the line `header`; files of others are left alone. Blocking."""

    folder: Path
    header: str

    def found(self) -> dict[str, str | None]:
        """Return what is there: digests by the names of files without their ending, None for those of others.

        Raises:
            OSError: the folder cannot be read.
        """
        return dict(self._found())

    def _found(self) -> Iterator[tuple[str, str | None]]:
        for path in sorted(self.folder.glob(_OURS)):
            content = path.read_bytes()
            ours = content.startswith(self.header.encode())
            yield path.stem, _digest(content) if ours else None

    def digests(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the digests that these texts will have."""
        return {name: _digest(self._content(text)) for name, text in texts.items()}

    def write(self, name: str, text: str) -> None:
        """Put a file in place as a whole.

        Raises:
            ForeignError: there is one of somebody else's.
            OSError: it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        if path.exists() and not path.read_bytes().startswith(self.header.encode()):
            raise ForeignError(f"{path} was not written by Frostline: move it away")
        draft = path.with_suffix(".tmp")
        draft.write_bytes(self._content(text))
        draft.replace(path)

    def remove(self, name: str) -> None:
        """Remove a file.

        Raises:
            OSError: it cannot be removed.
        """
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"

    def _content(self, text: str) -> bytes:
        return (self.header + text).encode()


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
