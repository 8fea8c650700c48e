"""Certificates as the text that files and Secrets hold."""

from cryptography.hazmat.primitives import serialization

from e2e.cluster.certificates import Pair


def pem_of(pair: Pair) -> tuple[bytes, bytes]:
    """Return certificate and key as PEM."""
    form = serialization.PrivateFormat.PKCS8
    key = pair.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pair.certificate.public_bytes(serialization.Encoding.PEM), key
