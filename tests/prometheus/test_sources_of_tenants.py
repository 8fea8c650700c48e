"""The client as a source needs it: TLS both ways, headers and parameters, and words without secrets."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import certificates
from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus.client import Answer, PrometheusClient
from frostline.prometheus.connection import Connection, Redaction
from frostline.prometheus.tls import UnfitError, authority, pair
from tests.prometheus.asking import ONE, problem, success
from tests.prometheus.server import Exchange, Fake, serving
from tests.support.pems import pem_of

TOKEN = "hunter2-very-secret"


@cache
def metrics() -> certificates.Pair:
    return certificates.authority("metrics")


@cache
def proof() -> tuple[bytes, bytes]:
    return pem_of(certificates.issue(metrics(), "frostline"))


@cache
def stranger() -> certificates.Pair:
    return certificates.authority("somebody else")


def trusted(of: certificates.Pair) -> str:
    return authority(pem_of(of)[0])


@contextmanager
def guarded(folder: Path) -> Iterator[Fake]:
    """Serve by TLS to those alone who have a certificate of the authority."""
    metrics().write(folder, "ca")
    certificates.issue(metrics(), "prometheus", serves=True).write(folder, "serving")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "serving.crt", folder / "serving.key")
    context.load_verify_locations(folder / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(lambda exchange: exchange.answer(200, ONE), tls=context) as fake:
        yield fake


def ask(connection: Connection) -> Any:
    client = PrometheusClient(connection)
    try:
        return client.instant("up", 1)
    finally:
        client.close()


def test_both_sides_prove_who_they_are(tmp_path: Path) -> None:
    with guarded(tmp_path) as fake:
        answer = ask(Connection(fake.url, ca=trusted(metrics()), client_certificate=proof()))

    assert isinstance(answer, Answer)


@pytest.mark.parametrize(
    ("ca", "certificate", "says"),
    [
        pytest.param(False, True, "certificate verify failed", id="another authority"),
        pytest.param(None, True, "certificate verify failed", id="the public authorities"),
        pytest.param(True, False, "", id="no proof"),
        pytest.param(True, None, "", id="proof by another authority"),
    ],
)
def test_half_of_it_is_not_enough(ca: bool | None, certificate: bool | None, says: str, tmp_path: Path) -> None:
    trust = None if ca is None else trusted(metrics() if ca else stranger())
    own = {True: proof(), False: None, None: pem_of(certificates.issue(stranger(), "frostline"))}[certificate]
    with guarded(tmp_path) as fake:
        answer = ask(Connection(fake.url, ca=trust, client_certificate=own))

    assert isinstance(answer, Failed)
    assert answer.failure is Failure.UNREACHABLE
    assert says in answer.detail


def test_an_authority_of_its_own_is_the_only_one() -> None:
    """requests adds the public ones to every context that it is not kept from."""
    from frostline.prometheus.tls import client_context  # noqa: PLC0415 - the one test of it

    context = client_context(trusted(metrics()), None)

    assert [each["subject"][0][0][1] for each in context.get_ca_certs()] == ["metrics"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_headers_and_parameters_go_with_every_question() -> None:
    with serving(lambda exchange: exchange.answer(200, ONE)) as fake:
        ask(
            Connection(
                fake.url,
                headers={"X-Scope-OrgID": "team-b", "Authorization": f"Bearer {TOKEN}"},
                parameters={"partial_response": "false", "dedup": "true"},
            )
        )

    (request,) = fake.seen
    assert (request.headers["X-Scope-OrgID"], request.headers["Authorization"]) == ("team-b", f"Bearer {TOKEN}")
    assert (request.form["partial_response"], request.form["dedup"], request.form["query"]) == ("false", "true", "up")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(401, f"who is {TOKEN}?", id="a refusal"),
        pytest.param(400, problem("bad_data", f"Authorization: Bearer {TOKEN}"), id="an error"),
        pytest.param(200, f"<html>{TOKEN}", id="a page"),
        pytest.param(200, success("vector", [], warnings=[f"{TOKEN} is slow"]), id="a warning"),
        pytest.param(401, "x" * 290 + TOKEN, id="cut in the middle"),
        pytest.param(401, "x" * 294 + TOKEN, id="cut after six characters"),
    ],
)
def test_what_a_server_echoes_is_not_repeated(status: int, body: str) -> None:
    with serving(lambda exchange: exchange.answer(status, body)) as fake:
        answer = ask(Connection(fake.url, secrets=(TOKEN,)))

    assert isinstance(answer, Failed | Partial)
    assert TOKEN[:6] not in repr(answer)
    assert "(secret)" in repr(answer)


def test_short_texts_are_no_secrets() -> None:
    assert Redaction(("a", ""))("a sentence") == "a sentence"
    assert Redaction(("pass", "password"))("password") == "(secret)"


@pytest.mark.parametrize(
    ("status", "body", "version"),
    [
        (200, '{"status":"success","data":{"version":"3.5.0"}}', "3.5.0"),
        (200, '{"status":"success","data":{"application":"Grafana Mimir","version":"2.17"}}', "Grafana Mimir 2.17"),
        (200, '{"status":"success","data":{"version":""}}', None),
        (200, '{"status":"success","data":{"version":["x"]}}', None),
        (200, '{"status":"success","data":null}', None),
        (404, "", None),
    ],
)
def test_versions(status: int, body: str, version: str | None) -> None:
    with serving(lambda exchange: exchange.answer(status, body)) as fake:
        client = PrometheusClient(Connection(fake.url))
        told = client.version()
        client.close()

    assert (None if isinstance(told, Failed) else told) == version
    assert (fake.seen[0].method, fake.seen[0].path) == ("GET", "/api/v1/status/buildinfo")


def test_a_version_is_short_and_one_line() -> None:
    def respond(exchange: Exchange) -> None:
        exchange.answer(200, '{"status":"success","data":{"version":"1\\n' + "9" * 500 + '"}}')

    with serving(respond) as fake:
        client = PrometheusClient(Connection(fake.url))
        told = client.version()
        client.close()

    assert isinstance(told, str)
    assert told.startswith("1 9")
    assert len(told) == 64


def test_pairs_that_cannot_be_used_name_what_and_repeat_nothing() -> None:
    certificate, key = proof()
    for unfit in ((b"x", key), (certificate, TOKEN.encode()), (certificate, pem_of(stranger())[1])):
        with pytest.raises(UnfitError) as error:
            pair(*unfit)
        assert TOKEN not in str(error.value)
    with pytest.raises(UnfitError):
        authority(b"no certificate")
    assert replace(Connection("http://p"), secrets=(TOKEN,)).secrets == (TOKEN,)
