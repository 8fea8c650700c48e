"""The certificate that the webhook shows, exchanged while it serves."""

import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from frostline.keyfiles import as_path

_LOG = logging.getLogger(__name__)


class _UnfitError(ValueError):
    """A pair cannot be served; `reason` is the label of the metric."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class ServingCertificate:
    """The present certificate and the TLS context of the server.

    Each handshake takes the certificate of its moment; connections that are open keep theirs. A pair that cannot be
    served is told and leaves what is served as it is.

    Args:
        source: where certificates come from, for messages.
        wall: the time in epoch seconds.
        refused: is told the reason of each pair that is not taken.
    """

    def __init__(self, source: str, wall: Callable[[], float], refused: Callable[[str], None]) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # A context of its own for each pair: one that is loaded anew keeps keys of another type beside the new one.
        self.context.sni_callback = self._hand_over
        self.expires_at: float | None = None
        self._begins_at = 0.0
        self._source = source
        self._wall = wall
        self._refused = refused
        self._present: ssl.SSLContext | None = None
        self._offered: tuple[bytes, bytes] | None = None
        self._problem = f"{source} has not been read yet"

    @property
    def loaded(self) -> bool:
        """Whether there is a certificate to show."""
        return self._present is not None

    def offer(self, certificate: bytes, key: bytes) -> None:
        """Take a pair, both PEM, the certificate with its chain; what is no news is passed over."""
        if (certificate, key) == self._offered:
            return
        self._offered = certificate, key
        try:
            leaf = self._fitting(certificate, key)
            self._present = _context(certificate, key)
        except _UnfitError as error:
            self._refused(error.reason)
            self.missing(str(error))
            return
        self._begins_at = leaf.not_valid_before_utc.timestamp()
        self.expires_at = leaf.not_valid_after_utc.timestamp()
        self._problem = ""
        _LOG.info("serving with the certificate of %s, valid until %s", self._source, leaf.not_valid_after_utc)

    def missing(self, why: str) -> None:
        """Note that the source has nothing that can be served."""
        problem = f"{self._source}: {why}"
        if problem != self._problem:
            kept = "; the certificate of before is kept" if self.loaded else "; nothing can be served yet"
            _LOG.error("%s%s", problem, kept)
        self._problem = problem

    def trouble(self) -> str | None:
        """Return why the API server cannot trust what is served, None when it can."""
        now = self._wall()
        if self._present is None or self.expires_at is None:
            return self._problem
        if self.expires_at <= now:
            return f"the certificate of {self._source} ended at {_shown(self.expires_at)}: renew it"
        if self._begins_at > now:
            return f"the certificate of {self._source} begins at {_shown(self._begins_at)}: is this clock right?"
        return None

    @property
    def problem(self) -> str:
        """What is wrong with the newest pair; empty when it is served."""
        return self._problem

    def _hand_over(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> int | None:
        if self._present is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        handshake.context = self._present
        return None

    def _fitting(self, certificate: bytes, key: bytes) -> x509.Certificate:
        try:
            leaf = x509.load_pem_x509_certificates(certificate)[0]
        except ValueError as error:
            raise _UnfitError("unreadable", f"the certificate is no PEM certificate ({error})") from error
        try:
            private = load_pem_private_key(key, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            # The text of the error may quote the key.
            raise _UnfitError("unreadable", "the key is no PEM key without a password") from error
        if _public(leaf.public_key()) != _public(private.public_key()):
            raise _UnfitError("mismatch", "certificate and key do not belong together")
        if leaf.not_valid_after_utc.timestamp() <= self._wall():
            raise _UnfitError("expired", f"the certificate ended at {leaf.not_valid_after_utc}")
        return leaf


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        with as_path(certificate) as chain, as_path(key) as private:
            context.load_cert_chain(chain, private)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise _UnfitError("unreadable", f"OpenSSL does not take the pair ({error})") from error
    return context


def _shown(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
