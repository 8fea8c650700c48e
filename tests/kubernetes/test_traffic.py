import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kubernetes.aio import client
from kubernetes.aio.client import ApiException

from frostline.kubernetes import traffic as module
from frostline.kubernetes.fence import LeaseFence, NotLeadingError, guarding
from frostline.kubernetes.resource import EVENTS, GATES, OBJECTIVES, Objects
from frostline.kubernetes.traffic import Overload, Turns, pause_asked
from tests.kubernetes.server import FakeApi, Reply, talking

OBJECT: dict[str, Any] = {"metadata": {"namespace": "dating", "name": "matching", "uid": "a"}}
LATER: dict[str, Any] = {"kind": "Status", "message": "later"}


def refusal(status: int, after: str | None) -> ApiException:
    error = ApiException(status=status, reason="later")
    error.headers = {} if after is None else {"Retry-After": after}
    return error


@pytest.mark.parametrize(
    ("status", "after", "pause"),
    [
        pytest.param(429, "3", 3.0, id="seconds"),
        pytest.param(503, "3", 3.0, id="not there now"),
        pytest.param(429, "86400", 10.0, id="never for long"),
        pytest.param(429, None, 1.0, id="too many, without a word"),
        pytest.param(429, "Fri, 31 Dec 2027 23:59:59 GMT", 1.0, id="a date"),
        pytest.param(503, None, None, id="away"),
        pytest.param(500, "3", None, id="broken"),
        pytest.param(409, "3", None, id="a conflict"),
    ],
)
def test_how_long_the_api_server_wants_to_be_left_alone(status: int, after: str | None, pause: float | None) -> None:
    assert pause_asked(refusal(status, after)) == pause


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Keep the pauses, and make none."""
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr(module, "_sleep", sleep)
    return made


READ: Callable[[Objects], Awaitable[Any]] = lambda objects: objects.get(GATES, "dating", "a")  # noqa: E731
WRITE: Callable[[Objects], Awaitable[Any]] = lambda objects: objects.replace(GATES, OBJECT)  # noqa: E731


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
def test_it_asks_again_when_it_was_asked_to(call: Callable[[Objects], Awaitable[Any]], pauses: list[float]) -> None:
    fake = FakeApi([(429, LATER), (429, LATER), (200, OBJECT)])

    assert talking(fake, lambda api: call(Objects(api))) == OBJECT
    assert pauses == [1.0, 1.0]


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
def test_and_not_for_ever(call: Callable[[Objects], Awaitable[Any]], pauses: list[float]) -> None:
    fake = FakeApi([(429, LATER)])

    with pytest.raises(ApiException):
        talking(fake, lambda api: call(Objects(api)))
    assert (len(fake.asked), len(pauses)) == (3, 2)


@pytest.mark.usefixtures("pauses")
def test_who_can_wait_does_not_ask_in_vain_while_there_is_too_much() -> None:
    """Ten thousand statuses would each be asked for three times otherwise; gates are tried all the same."""
    fake = FakeApi([(429, LATER)])

    async def talk(api: client.ApiClient) -> list[int]:
        objects, asked = Objects(api), []
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: objects.merge(OBJECTIVES, "dating", "a", OBJECT, sub="status"),
            lambda: objects.merge(OBJECTIVES, "dating", "b", OBJECT, sub="status"),
            lambda: objects.create(EVENTS, OBJECT),
            lambda: objects.replace(GATES, OBJECT),
        ]
        for call in calls:
            before = len(fake.asked)
            with pytest.raises(ApiException):
                await call()
            asked.append(len(fake.asked) - before)
        return asked

    assert talking(fake, talk) == [3, 0, 0, 3]


def test_the_pause_passes() -> None:
    now = 0.0
    overload = Overload(lambda: now)
    overload.refused(refusal(429, "2"))
    with pytest.raises(ApiException):
        overload.check()

    now = 2.0
    overload.check()


def test_turns_go_to_the_urgent_first_and_no_faster_than_the_rate() -> None:
    async def run() -> tuple[list[str], float]:
        order: list[str] = []
        loop = asyncio.get_running_loop()
        turns = Turns(rate=100, burst=1, clock=loop.time)

        async def one(name: str, urgent: bool) -> None:
            await turns.take(urgent=urgent)
            order.append(name)

        begun = loop.time()
        names = [("status 1", False), ("status 2", False), ("gate 1", True), ("status 3", False), ("gate 2", True)]
        await asyncio.gather(*(one(*each) for each in names))
        return order, loop.time() - begun

    order, took = asyncio.run(run())

    assert order == ["status 1", "gate 1", "gate 2", "status 2", "status 3"]
    assert took >= 0.039


def test_a_turn_that_nobody_waits_for_any_more_is_not_lost() -> None:
    async def run() -> None:
        turns = Turns(rate=1000, burst=1)
        await turns.take(urgent=False)
        gone = asyncio.create_task(turns.take(urgent=True))
        await asyncio.sleep(0)
        gone.cancel()
        async with asyncio.timeout(5):
            await turns.take(urgent=False)

    asyncio.run(run())


def test_a_write_under_way_ends_though_its_sender_is_cancelled() -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    class Slow(FakeApi):
        async def handle(self, request: Any) -> Any:
            arrived.set()
            await go_on.wait()
            return await super().handle(request)

    async def talk(api: client.ApiClient) -> tuple[bool, bool]:
        objects = Objects(api)
        writing = asyncio.ensure_future(objects.replace(GATES, OBJECT))
        await arrived.wait()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        early = await objects.settle(0.01)
        go_on.set()
        return early, await objects.settle(5)

    fake = Slow([(200, OBJECT)])

    assert talking(fake, talk) == (False, True)
    assert len(fake.asked) == 1


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def fenced(fake: FakeApi, fence: LeaseFence, talk: Callable[[Objects], Awaitable[Any]]) -> Any:
    async def inside(api: client.ApiClient) -> Any:
        configuration = api.configuration
        configuration.trace_configs = [guarding(fence)]
        async with client.ApiClient(configuration) as guarded:
            return await talk(Objects(guarded))

    return talking(fake, inside)


WRITES: dict[str, Callable[[Objects], Awaitable[Any]]] = {
    "create": lambda objects: objects.create(GATES, OBJECT),
    "replace": lambda objects: objects.replace(GATES, OBJECT),
    "merge": lambda objects: objects.merge(OBJECTIVES, "dating", "a", OBJECT, sub="status"),
    "delete": lambda objects: objects.delete(GATES, "dating", "a"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_after_the_deadline_nothing_is_sent(write: Callable[[Objects], Awaitable[Any]]) -> None:
    clock, fake = Clock(), FakeApi([(200, OBJECT)])
    fence = LeaseFence(clock)
    fence.extend(110.0)
    clock.now = 110.0

    with pytest.raises(NotLeadingError, match=r"the lease ran out 0.0 s ago"):
        fenced(fake, fence, write)
    assert fake.asked == []


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_before_the_deadline_it_is(write: Callable[[Objects], Awaitable[Any]]) -> None:
    clock, fake = Clock(), FakeApi([(200, OBJECT)])
    fence = LeaseFence(clock)
    fence.extend(110.0)
    clock.now = 109.9

    fenced(fake, fence, write)
    assert len(fake.asked) == 1


def test_reads_pass_a_shut_fence() -> None:
    fence = LeaseFence(Clock())
    fence.shut()

    assert fenced(FakeApi([(200, OBJECT)]), fence, READ) == OBJECT


def test_it_is_asked_when_the_next_thing_is_to_send() -> None:
    """A process that was stopped while it waited for its turn or its pause sends nothing when it wakes."""
    clock = Clock()
    fence = LeaseFence(clock)
    fence.extend(110.0)

    class Later(FakeApi):
        async def handle(self, request: Any) -> Any:
            clock.now = 200.0
            return await super().handle(request)

    replies: list[Reply] = [(429, LATER), (200, OBJECT)]
    fake = Later(replies)

    with pytest.raises(NotLeadingError, match=r"90.0 s ago"):
        fenced(fake, fence, WRITE)
    assert len(fake.asked) == 1
