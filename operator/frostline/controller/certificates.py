"""The webhook's certificates: an authority of our own and a leaf signed by it, kept in one Secret.

Which step is due is a function of the Secret's content and the time. When an authority grows old, the next one is first
published beside it; only later does it sign, and later still the old one goes: the API server and the webhooks never
have to change in the same moment.
"""

import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from frostline.kubernetes.secrets import Held

_LOG = logging.getLogger(__name__)

AUTHORITY_DAYS: Final = 365
LEAF_DAYS: Final = 90
OVERLAP: Final = timedelta(hours=1)
"""Time for the API server to hear of an authority, and for the webhooks to take a leaf."""

_BACKDATED: Final = timedelta(days=1)
"""Begin of validity before the moment of issue: clocks differ."""

_ATTEMPTS: Final = 10
_AUTHORITIES, _AUTHORITY_KEY, _LEAF, _LEAF_KEY = "ca.crt", "ca.key", "tls.crt", "tls.key"


class ContendedError(RuntimeError):
    """Others write the same Secret all the time."""


@dataclass(frozen=True, slots=True)
class ServerNames:
    """By what names and addresses the webhook is asked."""

    dns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @classmethod
    def of_service(cls, name: str, namespace: str) -> "ServerNames":
        """Return the names of a Service in its cluster."""
        full = f"{name}.{namespace}.svc"
        return cls((full, f"{full}.cluster.local", f"{name}.{namespace}", name))

    @classmethod
    def of_url(cls, url: str) -> "ServerNames":
        """Return the host of a URL: a name or an address.

        Raises:
            ValueError: it has none.
        """
        host = urlsplit(url).hostname
        if not host:
            raise ValueError(f"{url} names no host")
        try:
            return cls(addresses=(str(ipaddress.ip_address(host)),))
        except ValueError:
            return cls(dns=(host,))

    def alternatives(self) -> list[x509.GeneralName]:
        """Return them as a certificate has them."""
        addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in self.addresses]
        return [*(x509.DNSName(each) for each in self.dns), *addresses]


class Step(StrEnum):
    """What is due."""

    KEEP = "keep"
    CREATE = "create"
    ISSUE = "issue"
    ANNOUNCE = "announce"
    RETIRE = "retire"


class KeepsSecret(Protocol):
    """Where the certificates are kept."""

    async def read(self) -> Held | None:
        """Return what is there."""

    async def write(self, data: Mapping[str, bytes], before: Held | None) -> bool:
        """Write unless somebody else did since; say whether it was written."""


async def keep_certificates(secret: KeepsSecret, names: ServerNames, now: datetime) -> bytes:
    """Do what is due to the certificates of a webhook asked by `names`; return the authorities to publish, as PEM.

    To be called every few minutes, by any number of processes at once. A Secret that somebody else fills (it has a
    certificate and no key of an authority) is left alone.

    Raises:
        ContendedError: another process wrote each time.
        kubernetes.aio.client.ApiException: the API server refused.
    """
    for _ in range(_ATTEMPTS):
        held = await secret.read()
        data = held.data if held is not None else {}
        step = plan(data, names, now)
        if step is Step.KEEP:
            return data.get(_AUTHORITIES, b"")
        if await secret.write(carried_out(step, data, names, now), held):
            _LOG.info("certificates of the webhook: %s (%s)", step, secret)
    raise ContendedError(f"{secret} was written by somebody else each time its certificates were to be renewed")


async def read_authorities(secret: KeepsSecret) -> bytes:
    """Return the authorities, as PEM, of a Secret that others keep; nothing while it has none.

    Raises:
        kubernetes.aio.client.ApiException: the API server refused.
    """
    held = await secret.read()
    return b"" if held is None else held.data.get(_AUTHORITIES, b"")


def plan(data: Mapping[str, bytes], names: ServerNames, now: datetime) -> Step:
    """Return what is due, given what the Secret holds."""
    if data.get(_LEAF) and not data.get(_AUTHORITY_KEY):
        return Step.KEEP
    material = _read(data)
    if material is None or material.authorities[0].not_valid_after_utc <= now:
        return Step.CREATE
    newest, *older = material.authorities
    leaf = material.leaf
    if leaf is None or leaf.not_valid_after_utc <= now or not _names_are(leaf, names):
        return Step.ISSUE
    if not _issued(newest, leaf):
        # Between announcement and first signature; an unknown issuer is nobody to wait for.
        waits = any(_issued(each, leaf) for each in older) and now < _made(newest) + OVERLAP
        return Step.KEEP if waits else Step.ISSUE
    if _aged(newest, now):
        return Step.ANNOUNCE
    if _aged(leaf, now):
        return Step.ISSUE
    return Step.RETIRE if older and now >= _made(leaf) + OVERLAP else Step.KEEP


def carried_out(step: Step, data: Mapping[str, bytes], names: ServerNames, now: datetime) -> dict[str, bytes]:
    """Return what the Secret shall hold after a step."""
    material = _read(data)
    if step is Step.CREATE or material is None:
        authority, key = _authority(now)
        return _authority_data([authority], key) | _leaf_data(authority, key, names, now)
    if step is Step.ANNOUNCE:
        authority, key = _authority(now)
        # The one that signed the leaf; older ones have signed nothing that is still shown.
        return dict(data) | _authority_data([authority, material.authorities[0]], key)
    if step is Step.ISSUE:
        return dict(data) | _leaf_data(material.authorities[0], material.key, names, now)
    if step is Step.RETIRE:
        return dict(data) | _authority_data([material.authorities[0]], material.key)
    return dict(data)


@dataclass(frozen=True, slots=True)
class _Material:
    """What the Secret holds, understood: authorities newest first, the key of the newest, and the leaf."""

    authorities: list[x509.Certificate]
    key: ec.EllipticCurvePrivateKey
    leaf: x509.Certificate | None


def _read(data: Mapping[str, bytes]) -> _Material | None:
    """Return the authorities with what else can be read; None without a usable authority."""
    try:
        authorities = x509.load_pem_x509_certificates(data.get(_AUTHORITIES, b""))
        key = load_pem_private_key(data.get(_AUTHORITY_KEY, b""), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _belongs(authorities[0], key):
        return None
    return _Material(authorities, key, _read_leaf(data))


def _read_leaf(data: Mapping[str, bytes]) -> x509.Certificate | None:
    try:
        leaf = x509.load_pem_x509_certificates(data.get(_LEAF, b""))[0]
        key = load_pem_private_key(data.get(_LEAF_KEY, b""), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return leaf if isinstance(key, ec.EllipticCurvePrivateKey) and _belongs(leaf, key) else None


def _belongs(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    one, other = (
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for public in (certificate.public_key(), key.public_key())
    )
    return one == other


def _issued(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names_are(leaf: x509.Certificate, names: ServerNames) -> bool:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    return set(names.alternatives()) <= set(extension.value)


def _made(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_before_utc + _BACKDATED


def _aged(certificate: x509.Certificate, now: datetime) -> bool:
    """Say whether two thirds of its life are over."""
    made = _made(certificate)
    return now >= made + (certificate.not_valid_after_utc - made) * 2 / 3


def _authority(now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own: those who look for an issuer by its name find one.
    subject = _called(f"frostline-webhook-ca {now:%Y-%m-%dT%H:%M:%SZ}")
    built = (
        _builder(subject, subject, key.public_key(), now, now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    return built.sign(key, hashes.SHA256()), key


def _leaf_data(
    authority: x509.Certificate, key: ec.EllipticCurvePrivateKey, names: ServerNames, now: datetime
) -> dict[str, bytes]:
    own = ec.generate_private_key(ec.SECP256R1())
    end = min(now + timedelta(days=LEAF_DAYS), authority.not_valid_after_utc)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    built = (
        _builder(_called("frostline-webhook"), authority.subject, own.public_key(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names.alternatives()), critical=False)
        .add_extension(identifier, critical=False)
    )
    return {_LEAF: built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), _LEAF_KEY: _pem(own)}


def _authority_data(authorities: list[x509.Certificate], key: ec.EllipticCurvePrivateKey) -> dict[str, bytes]:
    bundle = b"".join(each.public_bytes(Encoding.PEM) for each in authorities)
    return {_AUTHORITIES: bundle, _AUTHORITY_KEY: _pem(key)}


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=signs, crl_sign=signs, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
