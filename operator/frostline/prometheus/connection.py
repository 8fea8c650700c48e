"""Where a Prometheus is, what proves who we are, and what no message may say of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import requests

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 20.0
_SHORTEST_SECRET: Final = 4
"""Characters: what is shorter is part of any sentence, and no secret."""
_CUT: Final = "…"
_REDACTED: Final = "(secret)"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where Prometheus is and how to prove who we are; secrets in files are read again as they change.

    Attributes:
        parameters: sent with every query.
        headers: sent with every request, Authorization among them.
        ca: PEM certificates to trust, in place of `ca_file`.
        client_certificate: PEM certificate and key that prove who we are.
        secrets: texts that no message may repeat, whatever a server echoes.
    """

    url: str
    ca_file: Path | None = None
    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    read_timeout_s: float = READ_TIMEOUT_S
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: str | None = field(default=None, repr=False)
    client_certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class FileAuth(requests.auth.AuthBase):
    """Reads the secret at each request, so that a rotated one needs no restart."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add what the files say.

        Raises:
            OSError: one cannot be read, or holds something else.
        """
        connection = self._connection
        if connection.bearer_token_file is not None:
            token = _secret(connection.bearer_token_file)
            if not (token.isascii() and token.isprintable()):
                raise OSError(f"{connection.bearer_token_file} holds more than the one line of ASCII that a token is")
            request.headers["Authorization"] = f"Bearer {token}"
        elif connection.username is not None and connection.password_file is not None:
            password = _secret(connection.password_file)
            requests.auth.HTTPBasicAuth(connection.username.encode(), password.encode())(request)
        return request


def _secret(path: Path) -> str:
    """Return the text of a file.

    Raises:
        OSError: it cannot be read, or is no text; the message does not repeat any of it.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise OSError(f"{path} is not UTF-8 text") from None


class Redaction:
    """Takes secrets out of texts: a server may echo what it was sent."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be part of another.
        self._secrets = sorted({each for each in secrets if len(each) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return a text without secrets, also where it was cut in the middle of one."""
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
            if text.endswith(_CUT):
                text = _without_beginning(secret, text.removesuffix(_CUT)) + _CUT
        return text


def _without_beginning(secret: str, text: str) -> str:
    """Return a text without the beginning of a secret that it ends with."""
    for length in range(min(len(secret), len(text)), _SHORTEST_SECRET - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + _REDACTED
    return text
