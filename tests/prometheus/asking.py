"""A client that asks a server which a test plays."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from frostline.prometheus.client import PrometheusClient
from frostline.prometheus.connection import Connection
from tests.prometheus.server import serving

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


def problem(kind: str, error: str) -> str:
    return json.dumps({"status": "error", "errorType": kind, "error": error})


def asked(body: str | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    """Return what the client makes of one answer."""
    with serving(lambda exchange: exchange.answer(status, body, headers)) as fake, asking(fake.url) as client:
        return client.instant("up", 1_800_000_000)


UP = {"__name__": "up", "job": "a"}
ONE = success("vector", [{"metric": {}, "value": [1, "1"]}])
