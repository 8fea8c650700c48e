import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kubernetes.aio.client import ApiException
from prometheus_client.exposition import generate_latest

from frostline.api import gated
from frostline.kubernetes.events import About, Told
from frostline.names import Reason
from frostline.webhook import audit as module
from frostline.webhook.audit import Audit
from frostline.webhook.metrics import Instruments
from tests.webhook.requests import decided, gate_manifest, workload

GATE = gated.gate(gate_manifest())


class Written:
    """Takes Events; holds them up while `open` is not set, refuses them while `error` is."""

    def __init__(self) -> None:
        self.events: list[tuple[About, Told]] = []
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def record(self, about: About, told: Told) -> None:
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.events.append((about, told))


class World:
    """An audit with the parts around it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.written = Written()
        self.instruments = Instruments()
        self.audit = Audit(self.written, self.instruments, lambda: self.now)

    def note(self, image: str, **changed: Any) -> None:
        self.audit.note(decided(GATE, image=image, **changed))

    def count(self, series: str) -> float:
        lines = generate_latest(self.instruments.registry).decode().splitlines()
        found = [line for line in lines if line.startswith(f"frostline_webhook_{series} ")]
        return float(found[0].split()[-1]) if found else 0.0


async def taken(queue: asyncio.Queue[Any]) -> None:
    async with asyncio.timeout(5):
        while not queue.empty():  # noqa: ASYNC110 - a queue says when it is done with, not when it is empty
            await asyncio.sleep(0)


def played(play: Callable[[World], Awaitable[None]]) -> World:
    async def run() -> World:
        world = World()
        writing = asyncio.create_task(world.audit.run())
        await play(world)
        await world.audit.finish()
        writing.cancel()
        await asyncio.wait([writing])
        return world

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("image", "reason", "warning", "note"),
    [
        pytest.param(
            "app:2",
            Reason.RELEASE_REFUSED,
            True,
            "Refused to alice: The budget of web is spent. (decision 1a2b3c4d)",
            id="refusal",
        ),
        pytest.param(
            "app:override",
            Reason.OVERRIDE_USED,
            False,
            "Passed for alice by ReleaseOverride fix-login (decision 1a2b3c4d)",
            id="override",
        ),
        pytest.param(
            "app:bypass",
            Reason.BYPASS_USED,
            True,
            "Passed for alice by the bypass, though releases are held back (decision 1a2b3c4d)",
            id="bypass",
        ),
    ],
)
def test_what_matters_leaves_an_event_on_the_workload(image: str, reason: Reason, warning: bool, note: str) -> None:
    async def play(world: World) -> None:
        world.note(image)

    ((about, told),) = played(play).written.events
    assert about == About("apps/v1", "Deployment", "dating", "web", "w-1")
    assert told == Told(reason, "Release", note, warning=warning)


@pytest.mark.parametrize("image", ["app:1", "app:warned"])
def test_what_passes_as_ever_leaves_a_line_and_no_event(image: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def play(world: World) -> None:
        world.note(image)

    assert played(play).written.events == []
    assert len(caplog.records) == 1


def test_a_dry_run_leaves_no_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def play(world: World) -> None:
        world.note("app:2", dryRun=True)

    assert played(play).written.events == []
    assert "dryRun=True" in caplog.text


def test_the_line_has_the_facts_as_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def play(world: World) -> None:
        world.note("app:2", userInfo={"username": "eve\nverdict=Passed", "groups": []})

    played(play)
    (line,) = caplog.records
    assert {key: getattr(line, key) for key in ("decision", "verdict", "why", "workload", "namespace", "rule")} == {
        "decision": "1a2b3c4d",
        "verdict": "Refused",
        "why": "Held",
        "workload": "deployment/web",
        "namespace": "dating",
        "rule": "Freeze",
    }
    assert line.__dict__["user"] == "eve\nverdict=Passed"
    assert "\n" not in line.getMessage(), "a name must not begin a line of its own"


def test_the_same_again_is_told_once_in_some_minutes() -> None:
    async def play(world: World) -> None:
        for _ in range(3):
            world.note("app:2")
        world.now = 299.0
        world.note("app:2")
        world.now = 300.0
        world.note("app:2")

    world = played(play)
    assert len(world.written.events) == 2
    assert world.count('events_total{outcome="repeated"}') == 3


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"image": "app:3"}, id="another template"),
        pytest.param({"image": "app:2", "userInfo": {"username": "bob"}}, id="another user"),
        pytest.param({"image": "app:2", "oldObject": workload(uid="w-2")}, id="another object of that name"),
    ],
)
def test_what_differs_is_told(other: dict[str, Any]) -> None:
    async def play(world: World) -> None:
        world.note("app:2")
        world.note(**other)

    assert len(played(play).written.events) == 2


def test_what_does_not_fit_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVENTS", 2)

    async def play(world: World) -> None:
        world.written.open.clear()
        world.note("app:first")
        await taken(world.audit._events)
        for number in range(10):
            world.note(f"app:more-{number}")
        assert world.count('audit_dropped_total{record="event"}') == 8
        world.written.open.set()

    assert len(played(play).written.events) == 3


def test_a_log_that_nobody_reads_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINES", 2)
    reader = threading.Event()
    monkeypatch.setattr(module, "_log", lambda _: reader.wait(10))

    async def play(world: World) -> None:
        world.note("app:1")
        await taken(world.audit._lines)
        for _ in range(10):
            world.note("app:1")
        assert world.count('audit_dropped_total{record="line"}') == 8
        reader.set()

    played(play)


def test_events_that_are_refused_are_told_once_and_tried_anew(caplog: pytest.LogCaptureFixture) -> None:
    async def play(world: World) -> None:
        world.written.error = ApiException(status=403, reason="Forbidden")
        for _ in range(3):
            world.note("app:2")
            await world.audit._events.join()
        world.written.error = None
        world.note("app:2")

    world = played(play)
    assert world.count('events_total{outcome="failed"}') == 3
    assert len(world.written.events) == 1
    assert caplog.text.count("cannot be written; the log has them: 403 Forbidden") == 1


def test_the_end_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "_LAST_WORDS_S", 0.5)
    monkeypatch.setattr(module, "_GATHER_S", 0.0)

    async def play(world: World) -> None:
        world.written.open.clear()
        world.note("app:2")
        world.note("app:3")

    played(play)
    assert "1 records of decisions could not be written in time" in caplog.text


def test_no_user_is_in_the_metrics() -> None:
    async def play(world: World) -> None:
        world.note("app:2")
        world.note("app:override")

    text = generate_latest(played(play).instruments.registry).decode()
    assert 'frostline_webhook_decisions_total{verdict="Refused",why="Held"} 1.0' in text
    assert 'frostline_webhook_decisions_total{verdict="Passed",why="Override"} 1.0' in text
    assert "alice" not in text
    assert "dating" not in text
