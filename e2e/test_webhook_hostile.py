"""Large objects, nonsense, slow clients and many requests: what the webhook answers, and that it goes on."""

import asyncio
import json
import socket
import ssl
import statistics
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from e2e.cluster.fixtures import Asks, RunsWebhook
from e2e.cluster.waiting import eventually
from e2e.frozen import NEW, Frozen
from frostline import names

WEBHOOK_SAYS = "releases.frostline.dev"
LARGE = {"name": "LARGE", "value": "x" * 2_900_000}


def test_a_large_object_is_judged_in_time(frozen: Frozen, webhook: RunsWebhook, asks: Asks) -> None:
    process = webhook()
    asks(process)
    frozen.make()
    frozen.known_to(process)
    release: dict[str, Any] = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": NEW}]}}}}
    release["spec"]["template"]["spec"]["containers"][0]["env"] = [LARGE]

    begun = time.monotonic()
    answer = frozen.api("PATCH", frozen.path + "?dryRun=All", release, kind="application/merge-patch+json")

    assert (answer.status, WEBHOOK_SAYS in answer.message) == (403, True), answer.message
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        pytest.param({"Content-Type": "application/json"}, b"{nonsense", 400, id="no JSON"),
        pytest.param({"Content-Type": "text/plain"}, b"{}", 415, id="another type"),
        pytest.param({"Content-Type": "application/json"}, b"x" * 9_000_000, 413, id="9 MB"),
    ],
)
def test_nonsense_gets_a_clear_answer_and_the_next_request_its_own(
    headers: dict[str, str], content: bytes, status: int, webhook: RunsWebhook
) -> None:
    process = webhook()

    async def ask() -> list[int]:
        context = ssl.create_default_context(cadata=process.certificates.authority.decode())
        found = []
        async with aiohttp.ClientSession() as session:
            for sent, more in ((content, headers), (review(), {"Content-Type": "application/json"})):
                async with session.post(process.review_url, data=_pieces(sent), headers=more, ssl=context) as response:
                    found.append(response.status)
        return found

    assert asyncio.run(ask()) == [status, 200]


async def _pieces(content: bytes) -> Any:  # noqa: ANN401 - what aiohttp sends piece by piece
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


def review(name: str = "web") -> bytes:
    """Return what the API server asks about a workload without a gate."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": NEW}]}}
    workload = {"metadata": {"name": name, "namespace": "none", "uid": "u"}, "spec": {"template": template}}
    request = {
        "uid": "00000000-0000-4000-8000-000000000000",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "operation": "UPDATE",
        "namespace": "none",
        "name": name,
        "userInfo": {"username": "dev", "groups": []},
        "object": workload,
        "oldObject": workload,
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


def test_slow_clients_hold_up_nobody(frozen: Frozen, webhook: RunsWebhook, asks: Asks) -> None:
    process = webhook()
    asks(process)
    frozen.make()
    frozen.known_to(process)
    context = ssl.create_default_context(cadata=process.certificates.authority.decode())
    head = f"POST {names.WEBHOOK_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    connections = []
    try:
        for number in range(50):
            plain = socket.create_connection(("127.0.0.1", urlsplit(process.review_url).port))
            slow = context.wrap_socket(plain, server_hostname="127.0.0.1")
            # Some stop in the head, some in a small body, some in a large one.
            length = (0, 1_000, 4_000_000)[number % 3]
            slow.sendall((head if length == 0 else f"{head}Content-Length: {length}\r\n\r\n{{").encode())
            connections.append(slow)

        begun = time.monotonic()
        answers = [frozen.release() for _ in range(10)]
        taken = time.monotonic() - begun
        given_up = connections[1].recv(100)
    finally:
        for slow in connections:
            slow.close()

    assert all(WEBHOOK_SAYS in answer.message for answer in answers)
    assert taken < 5
    assert b"408" in given_up


def test_500_requests_a_second_are_all_answered_in_time(webhook: RunsWebhook) -> None:
    process = webhook()
    rate, seconds = 500, 6

    async def ask() -> list[float]:
        context = ssl.create_default_context(cadata=process.certificates.authority.decode())
        connector = aiohttp.TCPConnector(ssl=context, limit=64)
        async with aiohttp.ClientSession(connector=connector) as session:
            begin = time.monotonic()

            async def one(number: int) -> float:
                due = begin + number / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                sent = review(f"web-{number % 50}")
                async with session.post(
                    process.review_url, data=sent, headers={"Content-Type": "application/json"}
                ) as response:
                    assert response.status == 200
                    await response.read()
                # Counted from when it was due: waiting for a connection is waiting, too.
                return time.monotonic() - due

            return await asyncio.gather(*(one(number) for number in range(rate * seconds)))

    taken = asyncio.run(ask())

    assert len(taken) == rate * seconds
    assert statistics.quantiles(taken, n=100)[98] < 2.0, "the API server waits 2 s"
    assert process.metric("decisions_total") == rate * seconds
    eventually(lambda: process.log.read_text().count("verdict=Passed") == rate * seconds, 10, "each left a line")
