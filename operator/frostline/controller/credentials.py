"""From a PrometheusSource and the Secrets that it names to a connection. No message repeats what they hold."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Final, Protocol

from frostline.api.source import Auth, SourceSpec, Tls
from frostline.api.sourced import PARAMETERS, seconds
from frostline.prometheus.connection import Connection
from frostline.prometheus.tls import UnfitError, authority, pair

_CERTIFICATE: Final = "tls.crt"
_KEY: Final = "tls.key"


class Contents(Protocol):
    """Secrets and ConfigMaps of the operator's own namespace."""

    namespace: str

    async def secret(self, name: str) -> Mapping[str, bytes] | None:
        """Return what a Secret holds, None when there is none."""

    async def config_map(self, name: str) -> Mapping[str, bytes] | None:
        """Return what a ConfigMap holds, None when there is none."""


class NotUsableError(RuntimeError):
    """Something that a source names is missing or unfit; the message names the field, the object and what to do."""


async def connection(spec: SourceSpec, contents: Contents) -> Connection:
    """Return the connection that a source describes, which must have been found to be in order.

    Raises:
        NotUsableError: a Secret or ConfigMap is missing, or does not hold what it should.
        kubernetes.aio.client.ApiException: the API server refused.
    """
    reader = _Reader(contents)
    headers: dict[str, str] = {}
    secrets: list[str] = []
    for index, header in enumerate(spec.headers):
        if header.secret is None:
            headers[header.name] = header.value or ""
            continue
        field = f"spec.headers.{index}.secret"
        headers[header.name] = await reader.line(field, header.secret.name, header.secret.key)
        secrets.append(headers[header.name])
    if spec.auth is not None:
        said, hidden = await _authorization(spec.auth, reader)
        headers["Authorization"] = said
        secrets += hidden
    ca, certificate = await _tls(spec.tls, reader)
    return Connection(
        url=spec.url,
        connect_timeout_s=seconds(spec.timeouts.connect),
        read_timeout_s=seconds(spec.timeouts.answer),
        parameters=PARAMETERS[spec.flavor],
        headers=headers,
        ca=ca,
        client_certificate=certificate,
        secrets=tuple(secrets),
    )


async def _authorization(auth: Auth, reader: "_Reader") -> tuple[str, list[str]]:
    """Return the header, and the texts in it that nobody may read."""
    if auth.bearer is not None:
        token = await reader.line("spec.auth.bearer", auth.bearer.name, auth.bearer.key)
        return f"Bearer {token}", [token]
    assert auth.basic is not None
    user = await reader.text("spec.auth.basic", auth.basic.name, auth.basic.username_key)
    password = await reader.text("spec.auth.basic", auth.basic.name, auth.basic.password_key)
    encoded = b64encode(f"{user}:{password}".encode()).decode()
    return f"Basic {encoded}", [password, encoded]


async def _tls(tls: Tls | None, reader: "_Reader") -> tuple[str | None, tuple[bytes, bytes] | None]:
    if tls is None:
        return None, None
    ca = certificate = None
    if tls.ca is not None and tls.ca.secret is not None:
        field, named = "spec.tls.ca.secret", tls.ca.secret
        ca = _fit(field, reader.secret_named(named.name), await reader.raw(field, named.name, named.key), named.key)
    elif tls.ca is not None and tls.ca.config_map is not None:
        field, named = "spec.tls.ca.configMap", tls.ca.config_map
        found = await reader.config_bytes(field, named.name, named.key)
        ca = _fit(field, reader.config_named(named.name), found, named.key)
    if tls.client_certificate is not None:
        field, name = "spec.tls.clientCertificate", tls.client_certificate.name
        both = [await reader.raw(field, name, key) for key in (_CERTIFICATE, _KEY)]
        try:
            certificate = pair(both[0], both[1])
        except UnfitError as error:
            raise NotUsableError(f"{field}: {reader.secret_named(name)}: {error}") from None
    return ca, certificate


def _fit(field: str, where: str, certificates: bytes, key: str) -> str:
    try:
        return authority(certificates)
    except UnfitError as error:
        raise NotUsableError(f"{field}: {where}: key {key} {error}") from None


class _Reader:
    """Reads values, each object once."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._secrets: dict[str, Mapping[str, bytes] | None] = {}

    def secret_named(self, name: str) -> str:
        return f"Secret {name} in namespace {self._contents.namespace}"

    def config_named(self, name: str) -> str:
        return f"ConfigMap {name} in namespace {self._contents.namespace}"

    async def raw(self, field: str, name: str, key: str) -> bytes:
        if name not in self._secrets:
            self._secrets[name] = await self._contents.secret(name)
        return _value(field, self.secret_named(name), self._secrets[name], key)

    async def config_bytes(self, field: str, name: str, key: str) -> bytes:
        return _value(field, self.config_named(name), await self._contents.config_map(name), key)

    async def text(self, field: str, name: str, key: str) -> str:
        found = await self.raw(field, name, key)
        try:
            # Editors and `kubectl create secret --from-file` leave the end of the line in.
            return found.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise NotUsableError(f"{field}: {self.secret_named(name)}: key {key} is not UTF-8 text") from None

    async def line(self, field: str, name: str, key: str) -> str:
        text = (await self.text(field, name, key)).strip()
        if not text or not (text.isascii() and text.isprintable()):
            where = self.secret_named(name)
            raise NotUsableError(f"{field}: {where}: key {key} must hold one line of printable ASCII")
        return text


def _value(field: str, where: str, held: Mapping[str, bytes] | None, key: str) -> bytes:
    if held is None:
        raise NotUsableError(f"{field}: there is no {where}: create it")
    if key not in held:
        there = ", ".join(sorted(held)) or "none"
        raise NotUsableError(f"{field}: {where} has no key {key} (it has {there})")
    return held[key]
