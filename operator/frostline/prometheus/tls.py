"""The TLS of one connection: whom we trust, and what proves who we are."""

import ssl
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from frostline.keyfiles import as_path

_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)


class UnfitError(ValueError):
    """Certificates that cannot be used; the message repeats nothing of them."""


def authority(certificates: bytes) -> str:
    """Return PEM certificates that a context can trust.

    Raises:
        UnfitError: they are none.
    """
    try:
        found = x509.load_pem_x509_certificates(certificates)
        text = certificates.decode("ascii")
    except _UNREADABLE as error:
        raise UnfitError("holds no PEM certificate") from error
    if not found:
        raise UnfitError("holds no PEM certificate")
    return text


def pair(certificate: bytes, key: bytes) -> tuple[bytes, bytes]:
    """Return a client's certificate, with its chain, and its key, if they belong together.

    Raises:
        UnfitError: they do not, or one cannot be read.
    """
    try:
        leaf = x509.load_pem_x509_certificates(certificate)[0]
    except (*_UNREADABLE, IndexError) as error:
        raise UnfitError("tls.crt holds no PEM certificate") from error
    try:
        private = load_pem_private_key(key, None)
    except _UNREADABLE as error:
        # The text of the error may quote the key.
        raise UnfitError("tls.key holds no PEM key without a password") from error
    if leaf.public_key() != private.public_key():
        raise UnfitError("tls.crt and tls.key do not belong together")
    return certificate, key


def client_context(ca: str | None, certificate: tuple[bytes, bytes] | None) -> ssl.SSLContext:
    """Return a context that trusts `ca` alone, or the public authorities without it.

    Raises:
        UnfitError: OpenSSL does not take them.
    """
    context = ssl.create_default_context(
        cafile=None if ca is not None else DEFAULT_CA_BUNDLE_PATH,
        cadata=ca,
    )
    if certificate is not None:
        try:
            with as_path(certificate[0]) as chain, as_path(certificate[1]) as key:
                context.load_cert_chain(chain, key)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise UnfitError("OpenSSL does not take tls.crt and tls.key") from error
    return context


class ContextAdapter(HTTPAdapter):
    """Connects by one TLS context and nothing else: requests would add the public authorities to it."""

    def __init__(self, context: ssl.SSLContext, **more: Any) -> None:
        self._context = context
        super().__init__(**more)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Have connections made by the context."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **more)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ANN401, ARG002 - of the library
        """Have the server's certificate checked, always."""
        conn.cert_reqs = "CERT_REQUIRED"
