import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from kubernetes.aio.client import ApiException

from frostline.controller import electing as module
from frostline.controller.electing import Election
from frostline.core.election import Candidate, Record, Terms
from frostline.kubernetes.fence import LeaseFence, NotLeadingError
from frostline.kubernetes.lease import Found

QUICK = Terms(retry_s=0.001)
"""Looks often; how long a lease lasts is told by the test's clock."""


class Paper:
    """A Lease in memory."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.version = 0
        self.error: Exception | None = None
        self.silent = False
        self.looks = 0

    async def read(self) -> Found | None:
        self.looks += 1
        await self._answer()
        return None if self.record is None else Found(self.record, {"version": self.version})

    async def write(self, record: Record, before: Found | None) -> Found | None:
        await self._answer()
        if (None if before is None else before.manifest["version"]) != (self.version or None):
            return None
        self.record, self.version = record, self.version + 1
        return Found(record, {"version": self.version})

    async def _answer(self) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        await asyncio.sleep(0)

    def __str__(self) -> str:
        return "lease x in namespace y"


class Work:
    """Counts its terms, and writes as long as it may."""

    def __init__(self, *, settled: bool = True) -> None:
        self.terms = 0
        self.fence: LeaseFence | None = None
        self.known: bool | None = None
        self.breaks: Exception | None = None
        self._settled = settled

    async def lead(self, fence: LeaseFence, stop: asyncio.Event) -> bool:
        self.terms += 1
        self.fence = fence
        if self.breaks is not None:
            raise self.breaks
        await stop.wait()
        self.fence = None
        return self._settled

    def stand_by(self, *, known: bool) -> None:
        self.known = known

    @property
    def leads(self) -> bool:
        return self.fence is not None


class Stage:
    def __init__(self, work: Work | None = None) -> None:
        self.paper, self.work, self.stopping, self.now = Paper(), work or Work(), asyncio.Event(), 100.0
        candidate = Candidate("us", QUICK)
        self.election = Election(self.paper, candidate, self.work, self.stopping, lambda: self.now)

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110 - it waits for turns of the loop, not for time
                await asyncio.sleep(0.001)

    async def looked(self, times: int = 3) -> None:
        """Wait until the lease was looked at a few times more."""
        wanted = self.paper.looks + times
        await self.until(lambda: self.paper.looks >= wanted)


def play(scene: Callable[[Stage], Awaitable[None]], work: Work | None = None) -> Stage:
    async def run() -> Stage:
        stage = Stage(work)
        running = asyncio.create_task(stage.election.run())
        try:
            await scene(stage)
            stage.stopping.set()
            async with asyncio.timeout(10):
                await running
        finally:
            running.cancel()
        return stage

    return asyncio.run(run())


def test_alone_it_leads_and_lets_go_when_asked_to_stop() -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.work.leads)
        stage.now += 9
        await stage.looked()
        stage.now += 9
        assert stage.work.fence is not None
        stage.work.fence.check()

    stage = play(scene)

    assert stage.work.terms == 1
    assert stage.paper.record is not None
    assert stage.paper.record.holder == ""


def test_a_write_under_way_keeps_the_lease_until_it_has_run_out() -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.work.leads)

    stage = play(scene, Work(settled=False))

    assert stage.paper.record is not None
    assert stage.paper.record.holder == "us"


def test_it_stands_by_while_another_leads_and_takes_over_when_it_is_gone() -> None:
    async def scene(stage: Stage) -> None:
        stage.paper.record, stage.paper.version = Record("other", 15, "a", "r", 2), 1
        await stage.looked()
        assert (stage.work.terms, stage.work.known) == (0, True)
        stage.now += 15
        await stage.until(lambda: stage.work.leads)
        assert stage.paper.record.transitions == 3

    play(scene)


@pytest.mark.parametrize(
    "how", [ApiException(status=503), TimeoutError("no answer"), None], ids=["refused", "unreachable", "silent"]
)
def test_without_the_api_server_the_fence_shuts_at_the_deadline(
    how: Exception | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_S", 0.05)

    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.work.leads)
        fence = stage.work.fence
        assert fence is not None
        stage.paper.error, stage.paper.silent = how, how is None
        await stage.looked(1)
        stage.now += 9.9
        fence.check()
        stage.now += 0.2
        with pytest.raises(NotLeadingError):
            fence.check()
        stage.paper.error, stage.paper.silent = None, False
        await stage.until(lambda: "leading no more" in caplog.text)
        await stage.until(lambda: stage.work.terms == 2)

    play(scene)


def test_another_in_the_lease_ends_it_at_once() -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.work.leads)
        assert stage.paper.record is not None
        stage.paper.record = replace(stage.paper.record, holder="other", transitions=9)
        stage.paper.version += 1
        await stage.until(lambda: not stage.work.leads)
        await stage.looked()
        assert stage.work.terms == 1

    stage = play(scene)

    assert stage.paper.record is not None
    assert stage.paper.record.holder == "other", "what is another's is not let go"


def test_a_standby_that_cannot_ask_does_not_know_who_leads() -> None:
    async def scene(stage: Stage) -> None:
        stage.paper.error = ApiException(status=403, reason="Forbidden")
        await stage.looked()
        assert (stage.work.terms, stage.work.known) == (0, False)

    play(scene)


def test_a_term_that_breaks_ends_the_process_with_its_error() -> None:
    work = Work()
    work.breaks = RuntimeError("a fault of ours")

    async def run() -> None:
        await Stage(work).election.run()

    with pytest.raises(RuntimeError, match="a fault of ours"):
        asyncio.run(run())
