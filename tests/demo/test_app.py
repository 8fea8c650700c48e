"""The app, in process: what it answers, what it counts, and how it breaks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from e2e.demo.history import build
from e2e.demo.soulsync import WORKLOADS
from examples.soulsync.app.server import application
from examples.soulsync.app.workloads import ROUTES, Fault, chaos_asked

Client = TestClient[web.Request, web.Application]
Talk = Callable[[Client, Client], Awaitable[None]]


def talk(talking: Talk) -> None:
    """Run gateway and user-profile, and talk to both."""

    async def both() -> None:
        async with TestClient(TestServer(application("user-profile"))) as profile:
            upstream = str(profile.make_url(""))
            async with TestClient(TestServer(application("gateway", upstream))) as gateway:
                await talking(gateway, profile)

    asyncio.run(both())


async def counts(client: Client) -> dict[tuple[str, str], float]:
    text = await (await client.get("/metrics")).text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        (sample.labels["route"], sample.labels["code"]): sample.value
        for sample in samples
        if sample.name == "soulsync_http_requests_total"
    }


def test_no_profile_no_matches() -> None:
    async def talking(gateway: Client, profile: Client) -> None:
        assert (await gateway.get("/getMatches")).status == 200
        assert (await gateway.get("/getMatches", params={"user": "nobody"})).status == 404
        broken = await profile.post("/chaos", json={"fault": "errors"})
        assert await broken.json() == {"fault": "errors"}
        assert (await gateway.get("/getMatches")).status == 503
        await profile.post("/chaos", json={"fault": "none"})
        assert (await gateway.get("/getMatches")).status == 200
        assert await counts(gateway) == {
            ("getMatches", "200"): 2,
            ("getMatches", "404"): 1,
            ("getMatches", "503"): 1,
        }

    talk(talking)


def test_a_workload_that_is_down_is_an_error_too() -> None:
    async def talking(gateway: Client, profile: Client) -> None:
        await profile.close()
        assert (await gateway.get("/getMatches")).status == 503

    talk(talking)


def test_every_series_starts_at_zero() -> None:
    async def talking(gateway: Client, _profile: Client) -> None:
        assert await counts(gateway) == {("getMatches", code): 0 for code in ("200", "404", "503")}

    talk(talking)


def test_a_wrong_order_is_refused_with_what_may_be_asked() -> None:
    async def talking(gateway: Client, _profile: Client) -> None:
        for body in (b"not json", b'{"fault": "worse"}', b"[]"):
            answer = await gateway.post("/chaos", data=body)
            assert answer.status == 400
        assert "one of none, errors, slow" in (await answer.json())["error"]

    talk(talking)


@pytest.mark.parametrize("fault", list(Fault))
def test_faults_are_read(fault: Fault) -> None:
    assert chaos_asked({"fault": fault.value}) is fault


def test_live_series_carry_the_names_and_labels_of_history() -> None:
    """Without what Prometheus adds (job, instance), each series of the history is exposed by its workload."""
    written = {
        (series.labels["job"], series.name, own_labels(dict(series.labels))) for series in build(1_790_000_000).series
    }

    async def exposed() -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
        found = set()
        for name in WORKLOADS:
            async with TestClient(TestServer(application(name, "http://127.0.0.1:9"))) as client:
                text = await (await client.get("/metrics")).text()
            for family in text_string_to_metric_families(text):
                found |= {(name, sample.name, own_labels(sample.labels)) for sample in family.samples}
        return found

    assert written <= asyncio.run(exposed())


def own_labels(labels: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name not in ("job", "instance"))


def test_workloads_of_the_demo_are_those_of_the_app() -> None:
    assert set(WORKLOADS) == set(ROUTES)
