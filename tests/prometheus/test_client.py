import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus import client as module
from frostline.prometheus.client import Answer, PrometheusClient, Series
from frostline.prometheus.connection import Connection
from tests.prometheus.server import Exchange, Fake, serving

SECRET = "hunter2-very-secret"


@contextmanager
def asking(url: str, read_timeout_s: float = 10.0, **more: Any) -> Iterator[PrometheusClient]:
    client = PrometheusClient(Connection(url, read_timeout_s=read_timeout_s, **more))
    try:
        yield client
    finally:
        client.close()


def success(kind: str, result: Any, **more: Any) -> str:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more})


def asked(body: str | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    """Return what the client makes of one answer."""
    with serving(lambda exchange: exchange.answer(status, body, headers)) as fake, asking(fake.url) as client:
        return client.instant("up", 1_800_000_000)


UP = {"__name__": "up", "job": "a"}
ONE = success("vector", [{"metric": {}, "value": [1, "1"]}])


@pytest.mark.parametrize(
    ("body", "series"),
    [
        pytest.param(success("vector", []), (), id="nothing"),
        pytest.param(
            success("vector", [{"metric": UP, "value": [1.5, "2"]}]), (Series(UP, ((1.5, 2.0),)),), id="vector"
        ),
        pytest.param(
            success("matrix", [{"metric": UP, "values": [[1, "2"], [2, "3e2"]]}]),
            (Series(UP, ((1.0, 2.0), (2.0, 300.0))),),
            id="matrix",
        ),
        pytest.param(success("scalar", [1, "2.5"]), (Series({}, ((1.0, 2.5),)),), id="scalar"),
        pytest.param(success("vector", [{"metric": UP, "value": [1, "NaN"]}]), (Series(UP, (), broken=1),), id="NaN"),
        pytest.param(
            success("matrix", [{"metric": UP, "values": [[1, "+Inf"], [2, "1"], [3, "-Inf"]]}]),
            (Series(UP, ((2.0, 1.0),), broken=2),),
            id="infinite",
        ),
        pytest.param(
            success("vector", [{"metric": {}, "value": [1, "1"]}], infos=["looks like a gauge"]),
            (Series({}, ((1.0, 1.0),)),),
            id="infos are no warnings",
        ),
    ],
)
def test_reads_answers(body: str, series: tuple[Series, ...]) -> None:
    assert asked(body) == Answer(series)


def test_warnings_make_an_answer_partial() -> None:
    body = success("vector", [], warnings=["store down\nsecond line", "x" * 1_000])

    partial = asked(body)

    assert isinstance(partial, Partial)
    assert partial.warnings[0] == "store down second line"
    assert len(partial.warnings[1]) <= 301


def problem(kind: str, error: str) -> str:
    return json.dumps({"status": "error", "errorType": kind, "error": error})


@pytest.mark.parametrize(
    ("status", "body", "failure", "says"),
    [
        pytest.param(400, problem("bad_data", "parse error"), Failure.BAD_QUERY, "parse error", id="400"),
        pytest.param(401, "who are you?", Failure.REFUSED, "401: who are you?", id="401"),
        pytest.param(403, "", Failure.REFUSED, "403: an empty body", id="403 without a word"),
        pytest.param(413, "too large", Failure.TOO_MUCH, "413", id="413"),
        pytest.param(422, problem("execution", "too many samples"), Failure.TOO_MUCH, "too many samples", id="422"),
        pytest.param(404, "not here", Failure.SERVER_ERROR, "404: not here", id="404"),
        pytest.param(429, "slow down", Failure.SERVER_ERROR, "429", id="429"),
        pytest.param(500, problem("internal", "disk"), Failure.SERVER_ERROR, "500: disk", id="500"),
        pytest.param(503, problem("timeout", "query timed out"), Failure.SERVER_ERROR, "timed out", id="503"),
        pytest.param(200, "<html>login</html>", Failure.NOT_PROMETHEUS, "<html>login</html>", id="HTML with 200"),
        pytest.param(200, "", Failure.NOT_PROMETHEUS, "an empty body", id="empty with 200"),
        pytest.param(200, '{"status":"success","data":{"resu', Failure.NOT_PROMETHEUS, "resu", id="cut-off JSON"),
        pytest.param(200, b"\xff\xfe\x00", Failure.NOT_PROMETHEUS, "Prometheus API", id="binary"),
        pytest.param(200, "[]", Failure.NOT_PROMETHEUS, "Prometheus API", id="a list"),
        pytest.param(200, "{}", Failure.NOT_PROMETHEUS, "Prometheus API", id="no status"),
        pytest.param(200, problem("x", "y"), Failure.NOT_PROMETHEUS, "y", id="error with 200"),
        pytest.param(200, '{"status":"success"}', Failure.NOT_PROMETHEUS, "another shape", id="no data"),
        pytest.param(200, success("string", [1, "x"]), Failure.NOT_PROMETHEUS, "string", id="a string"),
        pytest.param(200, success("vector", None), Failure.NOT_PROMETHEUS, "another shape", id="null"),
        pytest.param(200, success("vector", [{}]), Failure.NOT_PROMETHEUS, "another shape", id="no metric"),
        pytest.param(
            200,
            success("vector", [{"metric": {}, "value": [1, "many"]}]),
            Failure.NOT_PROMETHEUS,
            "another shape",
            id="a value that is no number",
        ),
        pytest.param(
            200,
            success("vector", [{"metric": {}, "value": ["NaN", "1"]}]),
            Failure.NOT_PROMETHEUS,
            "another shape",
            id="a time that is no time",
        ),
        pytest.param(
            200,
            success("vector", [{"metric": None, "value": [1, "1"]}]),
            Failure.NOT_PROMETHEUS,
            "another shape",
            id="labels that are none",
        ),
        pytest.param(200, success("scalar", [1]), Failure.NOT_PROMETHEUS, "another shape", id="half a scalar"),
    ],
)
def test_failures_are_told_apart(status: int, body: str | bytes, failure: Failure, says: str) -> None:
    failed = asked(body, status)

    assert isinstance(failed, Failed)
    assert failed.failure is failure
    assert says in failed.detail
    assert "127.0.0.1" in failed.detail, "whom it asked is said"
    assert failed.detail.isprintable()
    assert len(failed.detail) < 600


def test_a_redirect_is_not_followed() -> None:
    with serving(lambda exchange: exchange.answer(200, ONE)) as other:
        failed = asked("", 302, {"Location": f"{other.url}/api/v1/query"})

    assert isinstance(failed, Failed)
    assert "302" in failed.detail
    assert other.seen == []


def test_a_huge_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1 << 20)

    failed = asked(success("vector", [{"metric": {"x": "y" * (1 << 21)}, "value": [1, "1"]}]))

    assert failed == Failed(Failure.TOO_MUCH, failed.detail)
    assert "more than 1 MiB" in failed.detail


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    failed = asked(ONE[:20], headers={"Content-Length": str(len(ONE)), "Connection": "close"})

    assert isinstance(failed, Failed)
    assert failed.failure in (Failure.UNREACHABLE, Failure.NOT_PROMETHEUS)


@pytest.mark.parametrize("head_first", [pytest.param(False, id="no word"), pytest.param(True, id="head, no body")])
def test_a_slow_answer_is_not_waited_for(head_first: bool) -> None:
    over = threading.Event()

    def dawdle(exchange: Exchange) -> None:
        if head_first:
            exchange.send_response(200)
            exchange.send_header("Content-Length", "100")
            exchange.end_headers()
        over.wait(10)

    with serving(dawdle) as fake, asking(fake.url, read_timeout_s=0.1) as client:
        failed = client.instant("up", 1)
        over.set()

    assert isinstance(failed, Failed)
    assert failed.failure is Failure.TIMEOUT
    assert "0.1 s" in failed.detail


def test_nobody_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with asking(url) as client:
        failed = client.instant("up", 1)

    assert isinstance(failed, Failed)
    assert failed.failure is Failure.UNREACHABLE
    assert "refused" in failed.detail.lower()


def test_a_query_is_posted_as_a_form_with_its_time() -> None:
    with serving(lambda exchange: exchange.answer(200, ONE)) as fake, asking(fake.url + "/prefix/") as client:
        client.instant('x{a="b&c=d"}', 1_800_000_000)
        client.range("x", start=1_800_000_000.25, end=1_800_000_600, step_s=300)

    instant, ranged = fake.seen
    assert (instant.method, instant.path) == ("POST", "/prefix/api/v1/query")
    assert instant.form == {"query": 'x{a="b&c=d"}', "time": "1800000000"}
    assert ranged.path == "/prefix/api/v1/query_range"
    assert ranged.form == {"query": "x", "start": "1800000000.25", "end": "1800000600", "step": "300"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(success("scalar", [1, "1800000000.5"]), 1_800_000_000.5, id="a time"),
        pytest.param(success("vector", []), Failure.NOT_PROMETHEUS, id="nothing"),
        pytest.param(success("scalar", [1, "NaN"]), Failure.NOT_PROMETHEUS, id="no number"),
        pytest.param("oops", Failure.NOT_PROMETHEUS, id="rubbish"),
    ],
)
def test_the_time_of_prometheus(body: str, expected: object) -> None:
    with serving(lambda exchange: exchange.answer(200, body)) as fake, asking(fake.url) as client:
        now = client.now()

    assert (now.failure if isinstance(now, Failed) else now) == expected


def test_warnings_on_the_time_are_passed_on() -> None:
    with (
        serving(lambda exchange: exchange.answer(200, success("scalar", [1, "2"], warnings=["w"]))) as fake,
        asking(fake.url) as client,
    ):
        assert client.now() == Partial(("w",))


def test_each_query_is_told_to_the_observer() -> None:
    told: list[str] = []
    bodies = iter([ONE, success("vector", [], warnings=["w"]), "oops"])
    with serving(lambda exchange: exchange.answer(200, next(bodies))) as fake:
        client = PrometheusClient(
            Connection(fake.url), lambda outcome, seconds: told.append(f"{outcome} {seconds > 0}")
        )
        for _ in range(3):
            client.instant("up", 1)
        client.close()

    assert told == ["answered True", "partial True", "not Prometheus True"]


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
