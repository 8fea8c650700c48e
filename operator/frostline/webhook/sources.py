"""Where the serving certificate comes from: two files, or a Secret that is followed over the API."""

import asyncio
import base64
import binascii
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from frostline.kubernetes.follow import Key
from frostline.kubernetes.resource import Manifest
from frostline.webhook.certificate import ServingCertificate

_LOOK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Files:
    """A certificate with its chain, and its key, as PEM files."""

    certificate: Path
    key: Path

    def __str__(self) -> str:
        return f"{self.certificate} and {self.key}"


@dataclass(frozen=True, slots=True)
class SecretName:
    """A Secret with tls.crt and tls.key."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"secret {self.name} in namespace {self.namespace}"


async def follow_files(files: Files, certificate: ServingCertificate) -> None:
    """Offer what the files hold, whenever that changes, until cancelled.

    They are read, not stat'ed: a volume of the kubelet changes by a link further up. What two looks agree on is
    offered: in between, one file may be of the old pair and one of the new.
    """
    before: tuple[bytes, bytes] | None = None
    while True:
        try:
            pair = await asyncio.to_thread(lambda: (files.certificate.read_bytes(), files.key.read_bytes()))
        except OSError as error:
            certificate.missing(str(error))
        else:
            if pair == before or not certificate.loaded:
                certificate.offer(*pair)
            before = pair
        await asyncio.sleep(_LOOK_S)


class SecretSink:
    """Offers what a Secret holds; to be fed by a follower of that one Secret."""

    def __init__(self, certificate: ServingCertificate) -> None:
        self._certificate = certificate

    def put(self, manifest: Manifest) -> None:
        """Take in the Secret."""
        data = manifest.get("data") or {}
        if missing := [name for name in ("tls.crt", "tls.key") if not data.get(name)]:
            self._certificate.missing(f"it has no {' and no '.join(missing)}")
            return
        try:
            pair = base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"])
        except binascii.Error:
            self._certificate.missing("tls.crt or tls.key is no base64")
            return
        self._certificate.offer(*pair)

    def drop(self, _key: Key) -> None:
        """Say that the Secret is gone; what it held is served on."""
        self._certificate.missing("it is not there")

    def keep(self, keys: AbstractSet[Key]) -> None:
        """Say that the Secret is not there, unless it is."""
        if not keys:
            self._certificate.missing("it is not there")
