"""What a source names in Secrets, and what is said when it is not there."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from e2e.cluster import certificates
from frostline.api.base import JsonObject
from frostline.api.source import SourceSpec
from frostline.controller.credentials import NotUsableError, connection
from frostline.prometheus.connection import Connection
from tests.support.pems import pem_of

HIDDEN = "hunter2-very-secret"


class Contents:
    namespace = "frostline-system"

    def __init__(self, secrets: Mapping[str, Mapping[str, bytes]], maps: Mapping[str, Mapping[str, bytes]]) -> None:
        self._secrets = secrets
        self._maps = maps

    async def secret(self, name: str) -> Mapping[str, bytes] | None:
        return self._secrets.get(name)

    async def config_map(self, name: str) -> Mapping[str, bytes] | None:
        return self._maps.get(name)


@cache
def pairs() -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    authority = certificates.authority("metrics")
    return pem_of(authority), pem_of(certificates.issue(authority, "frostline"))


def secrets() -> dict[str, Mapping[str, bytes]]:
    authority, client = pairs()
    return {
        "token": {"token": f"{HIDDEN}\n".encode(), "two": f"{HIDDEN}\nX: y".encode(), "binary": b"\xff\xfe", "no": b""},
        "user": {"username": b"ann", "password": HIDDEN.encode() + b"\n"},
        "tenant": {"id": b"team-b"},
        "client": {"tls.crt": client[0], "tls.key": client[1]},
        "strange": {"tls.crt": client[0], "tls.key": authority[1]},
        "rubbish": {"tls.crt": b"x", "tls.key": HIDDEN.encode(), "ca.crt": HIDDEN.encode()},
        "half": {"tls.crt": client[0], "tls.key": HIDDEN.encode()},
    }


def made(**spec: Any) -> Connection:
    judged = SourceSpec.model_validate({"url": "https://prometheus:9090", **spec})
    contents = Contents(secrets(), {"ca": {"ca.crt": pairs()[0][0]}})
    return asyncio.run(connection(judged, contents))


def test_a_bearer_token() -> None:
    found = made(auth={"bearer": {"name": "token"}})

    assert found.headers == {"Authorization": f"Bearer {HIDDEN}"}
    assert HIDDEN in found.secrets
    assert HIDDEN not in repr(found)


def test_a_user_and_a_tenant() -> None:
    found = made(
        auth={"basic": {"name": "user"}},
        headers=[
            {"name": "X-Scope-OrgID", "secret": {"name": "tenant", "key": "id"}},
            {"name": "X-Team", "value": "core"},
        ],
    )

    encoded = b64encode(f"ann:{HIDDEN}".encode()).decode()
    assert found.headers == {"X-Scope-OrgID": "team-b", "X-Team": "core", "Authorization": f"Basic {encoded}"}
    assert set(found.secrets) == {"team-b", HIDDEN, encoded}


@pytest.mark.parametrize(
    ("flavor", "parameters"),
    [
        ("Prometheus", {}),
        ("Mimir", {}),
        ("Thanos", {"partial_response": "false", "dedup": "true", "max_source_resolution": "0s"}),
        ("VictoriaMetrics", {"deny_partial_response": "1"}),
    ],
)
def test_parts_of_answers_are_refused(flavor: str, parameters: Mapping[str, str]) -> None:
    assert made(flavor=flavor).parameters == parameters


@pytest.mark.parametrize("ca", [{"configMap": {"name": "ca"}}, {"secret": {"name": "client", "key": "tls.crt"}}])
def test_trust_and_proof(ca: JsonObject) -> None:
    found = made(tls={"ca": ca, "clientCertificate": {"name": "client"}}, timeouts={"connect": "2s", "answer": "7s"})

    assert (found.connect_timeout_s, found.read_timeout_s) == (2, 7)
    assert found.client_certificate == pairs()[1]
    assert found.ca is not None
    assert "BEGIN CERTIFICATE" in found.ca
    assert "PRIVATE KEY" not in repr(found)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        pytest.param(
            {"auth": {"bearer": {"name": "gone"}}},
            "spec.auth.bearer: there is no Secret gone in namespace frostline-system: create it",
            id="no Secret",
        ),
        pytest.param(
            {"auth": {"bearer": {"name": "user"}}},
            "Secret user in namespace frostline-system has no key token (it has password, username)",
            id="no key",
        ),
        pytest.param({"auth": {"bearer": {"name": "token", "key": "two"}}}, "one line", id="two lines"),
        pytest.param({"auth": {"bearer": {"name": "token", "key": "no"}}}, "one line", id="an empty token"),
        pytest.param({"auth": {"bearer": {"name": "token", "key": "binary"}}}, "not UTF-8", id="no text"),
        pytest.param(
            {"headers": [{"name": "X-A", "secret": {"name": "token", "key": "two"}}]},
            "spec.headers.0.secret: ",
            id="a header of two lines",
        ),
        pytest.param({"tls": {"ca": {"configMap": {"name": "gone"}}}}, "there is no ConfigMap gone", id="no ConfigMap"),
        pytest.param({"tls": {"ca": {"secret": {"name": "rubbish"}}}}, "key ca.crt holds no PEM", id="no authority"),
        pytest.param({"tls": {"clientCertificate": {"name": "rubbish"}}}, "tls.crt holds no PEM", id="no certificate"),
        pytest.param({"tls": {"clientCertificate": {"name": "half"}}}, "tls.key holds no PEM key", id="no key in it"),
        pytest.param({"tls": {"clientCertificate": {"name": "strange"}}}, "do not belong together", id="another's key"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_repeated(spec: JsonObject, says: str) -> None:
    with pytest.raises(NotUsableError) as problem:
        made(**spec)

    assert says in str(problem.value)
    assert HIDDEN not in str(problem.value)
