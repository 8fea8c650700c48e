"""The app, in process: what it answers, what it counts, and how it breaks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from e2e.demo.history import build
from e2e.demo.soulsync import WORKLOADS
from examples.soulsync.app.metrics import DURATION, Metrics
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


def test_good_days_are_counted_in_a_moment() -> None:
    async def talking(gateway: Client, _profile: Client) -> None:
        assert (await gateway.post("/lapse", json={"requests": 250_000})).status == 200
        assert (await counts(gateway))["getMatches", "200"] == 250_000
        text = await (await gateway.get("/metrics")).text()
        fast = 'soulsync_http_request_duration_seconds_bucket{code="200",le="0.1",route="getMatches"}'
        assert f"{fast} 250000.0" in text

    talk(talking)


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}", b'{"requests": 0}', b'{"requests": true}'])
def test_a_lapse_needs_a_number(body: bytes) -> None:
    async def talking(gateway: Client, _profile: Client) -> None:
        assert (await gateway.post("/lapse", data=body)).status == 400
        assert await counts(gateway) == {("getMatches", code): 0 for code in ("200", "404", "503")}

    talk(talking)


def test_durations_fall_into_the_bucket_that_ends_at_or_above_them() -> None:
    metrics = Metrics({"getMatches": (200,)}, writes_reports=False)
    for seconds in (0.3, 0.31, 9.0):
        metrics.answered("getMatches", 200, seconds)
    (family,) = (each for each in metrics.registry.collect() if each.name == DURATION)
    found = {sample.labels["le"]: sample.value for sample in family.samples if "le" in sample.labels}
    assert found == {"0.05": 0, "0.1": 0, "0.3": 1, "0.8": 2, "2.0": 2, "+Inf": 3}
    assert {sample.name.removeprefix(DURATION): sample.value for sample in family.samples}["_sum"] == pytest.approx(
        9.61
    )


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
