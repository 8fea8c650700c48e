"""A follower against a server that lists, watches, forgets and breaks off as a test says."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from frostline.kubernetes.follow import Follower, Key, Pace
from frostline.kubernetes.resource import GATES, Manifest, Resource

FAST = Pace(page=2, watch=30, relist=3600, first_pause=0.001, last_pause=0.002, missing_pause=0.001, reminder=3600)


def gate(name: str, version: int, **more: object) -> dict[str, Any]:
    return {"metadata": {"namespace": "dating", "name": name, "resourceVersion": str(version)}} | more


@dataclass
class Server:
    """Objects by name, and the watches that are open. `refuse` answers requests in place of the objects."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 10
    refuse: Callable[[web.Request], web.Response | None] = lambda _: None
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    watches: list[asyncio.Queue[bytes | None]] = field(default_factory=list)

    def set(self, name: str) -> dict[str, Any]:
        self.version += 1
        kind = "MODIFIED" if name in self.objects else "ADDED"
        self.objects[name] = gate(name, self.version)
        self.send(kind, self.objects[name])
        return self.objects[name]

    def remove(self, name: str, *, told: bool = True) -> None:
        self.version += 1
        gone = self.objects.pop(name)
        if told:
            self.send("DELETED", gone | gate(name, self.version))

    def send(self, kind: str, found: object) -> None:
        for watch in self.watches:
            watch.put_nowait(json.dumps({"type": kind, "object": found}).encode() + b"\n")

    def cut(self) -> None:
        for watch in self.watches:
            watch.put_nowait(None)
        self.watches.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        self.paths.append(request.path)
        if (refused := self.refuse(request)) is not None:
            return refused
        if request.query.get("watch"):
            return await self._watch(request)
        found = [each for name, each in sorted(self.objects.items()) if name > request.query.get("continue", "")]
        page, rest = found[: int(request.query["limit"])], found[int(request.query["limit"]) :]
        token = page[-1]["metadata"]["name"] if rest else ""
        return web.json_response(
            {"kind": "ReleaseGateList", "metadata": {"resourceVersion": str(self.version), "continue": token}}
            | {"items": page}
        )

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.watches.append(queue)
        while (line := await queue.get()) is not None:
            await response.write(line)
        return response


@dataclass
class Memory:
    """What a follower has put in."""

    known: dict[Key, Manifest] = field(default_factory=dict)
    kept: int = 0

    def put(self, manifest: Manifest) -> None:
        self.known[manifest["metadata"]["namespace"], manifest["metadata"]["name"]] = manifest

    def drop(self, key: Key) -> None:
        self.known.pop(key, None)

    def keep(self, keys: AbstractSet[Key]) -> None:
        self.kept += 1
        self.known = {key: each for key, each in self.known.items() if key in keys}

    @property
    def versions(self) -> dict[str, str]:
        return {name: each["metadata"]["resourceVersion"] for (_, name), each in self.known.items()}


@dataclass
class World:
    server: Server
    memory: Memory
    follower: Follower

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not what():  # noqa: ASYNC110 - looks at what a server has done
                await asyncio.sleep(0.001)

    async def synced(self) -> None:
        await self.until(lambda: self.follower.synced.is_set() and bool(self.server.watches))


def played(
    play: Callable[[World], Awaitable[None]],
    server: Server,
    *,
    pace: Pace = FAST,
    resource: Resource = GATES,
    only: Key | None = None,
) -> None:
    async def run() -> None:
        served = web.Application()
        served.router.add_route("*", "/{path:.*}", server.handle)
        async with TestServer(served) as listening:
            configuration = client.Configuration()
            configuration.host = str(listening.make_url("")).rstrip("/")
            async with client.ApiClient(configuration) as api:
                memory = Memory()
                follower = Follower(api, resource, memory, only=only, pace=pace, wall=lambda: 1_000.0)
                following = asyncio.create_task(follower.run())
                await play(World(server, memory, follower))
                following.cancel()
                await asyncio.wait([following])
                assert following.cancelled(), "the follower ended by itself"
                server.cut()

    asyncio.run(run())


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("frostline")]


def with_gates(*names: str) -> Server:
    server = Server()
    for name in names:
        server.set(name)
    return server


def test_a_list_comes_page_by_page_and_the_watch_goes_on_from_it() -> None:
    async def play(world: World) -> None:
        await world.synced()
        assert world.memory.versions == {"a": "11", "b": "12", "c": "13"}
        assert [each.get("continue") for each in world.server.asked[:2]] == [None, "b"]
        (watch,) = world.server.asked[2:]
        assert (watch["watch"], watch["resourceVersion"], watch["allowWatchBookmarks"]) == ("true", "13", "true")
        assert world.follower.heard_at == 1_000.0
        assert set(world.server.paths) == {"/apis/frostline.dev/v1alpha1/releasegates"}

    played(play, with_gates("a", "b", "c"))


def test_it_is_in_sync_only_after_the_last_page() -> None:
    last_page = asyncio.Event()
    server = with_gates("a", "b", "c")

    async def play(world: World) -> None:
        await world.until(lambda: len(world.server.asked) > 3)
        assert not world.follower.synced.is_set()
        assert world.memory.versions.keys() == {"a", "b"}
        last_page.set()
        await world.synced()

    def refuse(request: web.Request) -> web.Response | None:
        return web.Response(status=503) if "continue" in request.query and not last_page.is_set() else None

    server.refuse = refuse
    played(play, server)


def test_changes_arrive() -> None:
    async def play(world: World) -> None:
        await world.synced()
        world.server.set("b")
        world.server.set("a")
        await world.until(lambda: world.memory.versions == {"a": "13", "b": "12"})
        world.server.remove("a")
        await world.until(lambda: world.memory.versions == {"b": "12"})

    played(play, with_gates("a"))


def test_a_watch_that_ends_goes_on_where_it_was() -> None:
    async def play(world: World) -> None:
        await world.synced()
        world.server.set("b")
        world.server.send("BOOKMARK", {"metadata": {"resourceVersion": "99"}})
        await world.until(lambda: "b" in world.memory.versions)
        world.server.cut()
        await world.until(lambda: len(world.server.asked) == 3)

        assert world.server.asked[-1]["resourceVersion"] == "99"
        assert world.memory.kept == 1, "it was listed once"

    played(play, with_gates("a"))


def _told_gone(server: Server) -> None:
    server.send("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
    server.cut()


def _refused_gone(server: Server) -> None:
    def refuse(request: web.Request) -> web.Response | None:
        return web.json_response({"code": 410}, status=410) if "watch" in request.query else None

    server.refuse = refuse
    server.cut()


@pytest.mark.parametrize("lose", [_told_gone, _refused_gone], ids=["told in the watch", "refused"])
def test_what_happened_in_a_gap_is_found_by_another_list(lose: Callable[[Server], None]) -> None:
    async def play(world: World) -> None:
        await world.synced()
        world.server.remove("a", told=False)
        lose(world.server)
        await world.until(lambda: world.memory.versions == {"b": "12"})

    played(play, with_gates("a", "b"))


def test_it_lists_again_now_and_then() -> None:
    async def play(world: World) -> None:
        await world.synced()
        world.server.remove("a", told=False)
        world.server.cut()
        await world.until(lambda: world.memory.versions == {"b": "12"})

    played(play, with_gates("a", "b"), pace=Pace(relist=0.0, first_pause=0.001))


def test_a_server_that_is_away_is_waited_for_and_what_is_known_stays(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def play(world: World) -> None:
        await world.synced()
        world.server.refuse = lambda _: web.json_response({"message": "etcd is away"}, status=503)
        world.server.cut()
        before = len(world.server.asked)
        await world.until(lambda: len(world.server.asked) > before + 20)
        assert world.memory.versions == {"a": "11"}
        world.server.version += 1
        world.server.refuse = lambda _: None
        await world.until(lambda: bool(world.server.watches) and "followed again" in caplog.text)

    played(play, with_gates("a"))
    assert told(caplog) == [
        "releasegates cannot be followed, what is known stays, trying again: 503 etcd is away",
        "releasegates are followed again",
    ]


def test_garbage_from_a_gateway_is_waited_out() -> None:
    answers = iter([web.Response(text="<html>"), web.Response(text='{"half": '), None])
    server = with_gates("a")
    server.refuse = lambda _: next(answers, None)

    async def play(world: World) -> None:
        await world.synced()
        assert world.memory.versions == {"a": "11"}

    played(play, server)


def test_a_kind_that_is_not_there_yet_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    server = with_gates("a")
    server.refuse = lambda _: web.Response(status=404, text="404 page not found")

    async def play(world: World) -> None:
        await world.until(lambda: len(world.server.asked) > 20)
        assert not world.follower.synced.is_set()
        assert not world.follower.installed
        world.server.refuse = lambda _: None
        await world.synced()
        assert world.follower.installed

    played(play, server)
    missing, there = told(caplog)
    assert "does not know releasegates in frostline.dev/v1alpha1: install the chart" in missing
    assert there == "releasegates are followed: 1 of them"


def test_a_kind_that_is_removed_takes_its_objects_along() -> None:
    async def play(world: World) -> None:
        await world.synced()
        world.server.refuse = lambda _: web.Response(status=404)
        world.server.cut()
        await world.until(lambda: not world.memory.known)

    played(play, with_gates("a"))


def test_one_object_is_asked_for_by_its_name() -> None:
    async def play(world: World) -> None:
        await world.synced()
        assert set(world.server.paths) == {"/api/v1/namespaces/frostline/secrets"}
        assert {each["fieldSelector"] for each in world.server.asked} == {"metadata.name=tls"}

    played(play, with_gates("tls"), resource=Resource("", "v1", "secrets"), only=("frostline", "tls"))


def test_an_object_as_large_as_one_may_be_arrives() -> None:
    async def play(world: World) -> None:
        await world.synced()
        world.server.send("ADDED", gate("large", 12, spec={"message": "x" * 3_000_000}))
        await world.until(lambda: "large" in world.memory.versions)

    played(play, with_gates("a"))
