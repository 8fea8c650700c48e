"""Keys and certificates for libraries that read them from paths only."""

import contextlib
import os
from collections.abc import Iterator
from typing import Final

PIPE_BYTES: Final = 65_536
"""What a pipe holds without a reader."""


@contextlib.contextmanager
def as_path(content: bytes) -> Iterator[str]:
    """Give a path where `content` can be read once: it stays off disks.

    Raises:
        ValueError: it is longer than PIPE_BYTES.
    """
    if len(content) > PIPE_BYTES:
        raise ValueError(f"it is longer than {PIPE_BYTES} bytes")
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as file:
            file.write(content)
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
