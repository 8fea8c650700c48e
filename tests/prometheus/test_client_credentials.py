"""What the client proves itself by, and whom it trusts."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from frostline.core.outcome import Failed, Failure
from frostline.prometheus.client import Answer
from tests.prometheus.asking import ONE, SECRET, asking
from tests.prometheus.server import Fake, serving


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def authorization(fake: Fake) -> list[str | None]:
    return [request.headers.get("Authorization") for request in fake.seen]


def test_a_bearer_token_is_read_again_after_it_was_rotated(tmp_path: Path) -> None:
    token = written(tmp_path / "token", "first\n")
    with (
        serving(lambda exchange: exchange.answer(200, ONE)) as fake,
        asking(fake.url, bearer_token_file=token) as client,
    ):
        client.instant("up", 1)
        written(token, "second")
        client.instant("up", 1)

    assert authorization(fake) == ["Bearer first", "Bearer second"]


def test_a_password_is_read_again_after_it_was_rotated(tmp_path: Path) -> None:
    password = written(tmp_path / "password", "first\n")
    with (
        serving(lambda exchange: exchange.answer(200, ONE)) as fake,
        asking(fake.url, username="ann", password_file=password) as client,
    ):
        client.instant("up", 1)
        written(password, "second")
        client.instant("up", 1)

    expected = [f"Basic {base64.b64encode(f'ann:{each}'.encode()).decode()}" for each in ("first", "second")]
    assert authorization(fake) == expected


def test_without_credentials_none_are_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = written(tmp_path / "netrc", f"machine 127.0.0.1 login ann password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serving(lambda exchange: exchange.answer(200, ONE)) as fake, asking(fake.url) as client:
        assert isinstance(client.instant("up", 1), Answer)

    assert authorization(fake) == [None]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="is gone"),
        pytest.param(b"\xff\xfe" + SECRET.encode(), id="is no text"),
        pytest.param(f"{SECRET}\nX-Header: {SECRET}", id="has two lines"),
        pytest.param(f"{SECRET}ł", id="has letters that no header carries"),
        pytest.param(f"{SECRET}\x00", id="has control characters"),
    ],
)
def test_a_token_that_cannot_be_sent_fails_the_query_and_is_not_told(
    content: str | bytes | None, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    if content is not None:
        written(token, content)
    with (
        serving(lambda exchange: exchange.answer(200, ONE)) as fake,
        asking(fake.url, bearer_token_file=token) as client,
    ):
        failed = client.instant("up", 1)

    assert isinstance(failed, Failed)
    assert failed.failure is Failure.REFUSED
    assert SECRET not in failed.detail
    assert "token" in failed.detail, "the file is named"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 422, 500, 503])
def test_no_secret_is_told(status: int, tmp_path: Path) -> None:
    token = written(tmp_path / "token", SECRET)
    with (
        serving(lambda exchange: exchange.answer(status, "oops")) as fake,
        asking(fake.url, bearer_token_file=token) as client,
    ):
        failed = client.instant("up", 1)

    assert authorization(fake) == [f"Bearer {SECRET}"]
    assert SECRET not in repr(failed)
    assert SECRET not in repr(client)


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for 127.0.0.1 that signs itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "prometheus of a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = written(folder / "ca.crt", made.public_bytes(serialization.Encoding.PEM))
    private = written(
        folder / "tls.key",
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_tls_with_the_right_authority(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path)
    with (
        serving(lambda exchange: exchange.answer(200, ONE), context) as fake,
        asking(fake.url, ca_file=authority) as client,
    ):
        assert isinstance(client.instant("up", 1), Answer)


@pytest.mark.parametrize("trust", ["the system's authorities", "another authority", "a file that is gone", "rubbish"])
def test_tls_that_cannot_be_trusted(trust: str, tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    authority = {
        "the system's authorities": None,
        "another authority": certificate(tmp_path / "other")[0],
        "a file that is gone": tmp_path / "gone.crt",
        "rubbish": written(tmp_path / "rubbish.crt", "no certificate"),
    }[trust]
    with (
        serving(lambda exchange: exchange.answer(200, ONE), context) as fake,
        asking(fake.url, ca_file=authority) as client,
    ):
        failed = client.instant("up", 1)

    assert isinstance(failed, Failed)
    assert failed.failure in (Failure.UNREACHABLE, Failure.REFUSED)
    assert fake.seen == []
