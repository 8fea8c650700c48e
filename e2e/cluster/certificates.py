"""Certificates of the local cluster: its own authority, checked by every client."""

import datetime
import ipaddress
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 365
# A cluster is made anew rather than left to fail while it is in use.
RENEW_DAYS = 7

SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
# The last one is that of a real node, where there is one.
NODE_ADDRESS = "192.0.2.1"
SERVER_ADDRESSES = ("127.0.0.1", "10.96.0.1", NODE_ADDRESS)

# Clients of the API server: file, user (the common name), group (the organization). Controller manager and
# scheduler need no group: their roles come with Kubernetes.
CLIENTS = (
    ("admin", "frostline-admin", "system:masters"),
    ("controller-manager", "system:kube-controller-manager", None),
    ("scheduler", "system:kube-scheduler", None),
    ("kwok", "kwok-controller", "system:masters"),
    ("kubelet", "system:node:node-1", "system:nodes"),
    ("kube-proxy", "system:kube-proxy", None),
    # The API server, when it asks the kubelet for logs or runs a command in a pod.
    ("api-server", "kube-apiserver-kubelet-client", "system:masters"),
)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, folder: Path, name: str) -> None:
        """Write NAME.crt and NAME.key (readable by the owner only)."""
        (folder / f"{name}.crt").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        write_key(self.key, folder / f"{name}.key")


def write_key(key: ec.EllipticCurvePrivateKey, path: Path) -> None:
    """Write a private key as PEM that only its owner can read."""
    path.touch(mode=0o600)
    # The one spelling of an EC key that Kubernetes reads for service accounts as well as for TLS.
    form = serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def authority(name: str) -> Pair:
    """Make a certificate authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue(by: Pair, user: str, group: str | None = None, *, serves: bool = False) -> Pair:
    """Make a certificate for a client, or for a client that `serves` on the loopback address as well."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    if group:
        names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + [ExtendedKeyUsageOID.SERVER_AUTH] * serves
    builder = (
        _builder(x509.Name(names), by.certificate.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False)
    )
    if serves:
        reached_as: list[x509.GeneralName] = [x509.DNSName(name) for name in SERVER_NAMES]
        reached_as += [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
        builder = builder.add_extension(x509.SubjectAlternativeName(reached_as), critical=False)
    return Pair(builder.sign(by.key, hashes.SHA256()), key)


def make_all(folder: Path) -> None:
    """Fill `folder` with what the control plane needs; it appears as a whole or not at all.

    Two authorities: etcd lets in everybody whom its authority has signed, so that must not be the one
    which signs users. Files: ca, etcd-ca, serving, etcd, etcd-client and one per client (.crt, .key), and
    sa.key, sa.pub for the tokens of service accounts.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=".half", dir=folder.parent))
    try:
        users = authority("frostline-local")
        users.write(half, "ca")
        issue(users, "kube-apiserver", serves=True).write(half, "serving")
        for name, user, group in CLIENTS:
            issue(users, user, group).write(half, name)
        store = authority("frostline-local-etcd")
        store.write(half, "etcd-ca")
        issue(store, "etcd", serves=True).write(half, "etcd")
        issue(store, "kube-apiserver").write(half, "etcd-client")
        tokens = ec.generate_private_key(ec.SECP256R1())
        write_key(tokens, half / "sa.key")
        (half / "sa.pub").write_bytes(
            tokens.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def usable(folder: Path) -> bool:
    """Say whether `folder` holds certificates that will be valid for some days more."""
    if not (folder / "ca.crt").exists():
        return False
    made = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    return made.not_valid_after_utc - _now() > datetime.timedelta(days=RENEW_DAYS)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    # An hour back: the clock of a virtual machine may be set between two reads of it.
    begin = _now() - datetime.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=VALID_DAYS))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
