import asyncio
import itertools
from typing import Any

import kopf
import pytest

from frostline.controller.store import Store
from frostline.controller.watch import _is_kopfs, _NoMemories, registry, settings, watch
from frostline.kubernetes.connection import Cluster
from frostline.kubernetes.resource import OBJECTIVES
from tests.controller.test_store import KEY, manifest


def told(store: Store, *events: tuple[str, Any]) -> None:
    """Pass events on as kopf would."""
    (handler,) = registry({OBJECTIVES: store}, Cluster())._watching.get_all_handlers()
    for kind, found in events:
        called = handler.fn(event=kopf.RawEvent(type=kind, object=found))  # type: ignore[call-arg, typeddict-item]
        asyncio.run(called)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
def test_what_is_there_reaches_the_store(kind: Any) -> None:
    store = Store()

    told(store, (kind, manifest(3)))

    assert store.get(KEY) is not None


def test_what_is_deleted_leaves_it() -> None:
    store = Store()

    told(store, ("ADDED", manifest(3)), ("DELETED", manifest(4)))

    assert store.get(KEY) is None


def test_kopf_writes_nothing_and_scans_nothing() -> None:
    chosen = settings()

    assert chosen.posting.enabled is False
    assert chosen.scanning.disabled is True
    assert chosen.peering.standalone is True
    assert chosen.watching.server_timeout is not None
    assert chosen.watching.client_timeout is not None
    assert chosen.watching.client_timeout > chosen.watching.server_timeout, "a quiet watch is not a broken one"
    storage: Any = chosen.persistence.progress_storage
    assert storage.fetch() is None
    assert storage.clear(essence={"a": 1}) == {"a": 1}
    assert chosen.persistence.diffbase_storage.build(body=None) == {}  # type: ignore[arg-type]


def test_kopf_keeps_nothing_of_an_object() -> None:
    memories = _NoMemories()

    asyncio.run(memories.recall(manifest(3), noticed_by_listing=True))

    assert not list(memories.iter_all_memories())


def test_an_error_of_the_api_server_is_waited_out_however_long_it_lasts() -> None:
    pauses = list(itertools.islice(settings().networking.error_backoffs, 200))  # type: ignore[arg-type]

    assert 0.5 <= pauses[0] <= 1
    assert min(pauses[4:]) >= 0.5 * 15
    assert max(pauses) <= 15


def test_kopf_does_not_kill_a_process_that_goes_on() -> None:
    assert settings().process.ultimate_exiting_timeout is None


def test_kopfs_end_leaves_the_tasks_of_others_alone() -> None:
    """It cancels what was started after it: writes under way, and the process's own parts."""

    async def run() -> list[bool]:
        async def ours() -> None:
            await asyncio.Event().wait()

        watching = asyncio.create_task(watch({}, Cluster(), (), started=begun.set, again=never))
        await begun.wait()
        later = asyncio.create_task(ours())
        await asyncio.sleep(0)
        kopfs = [task for task in asyncio.all_tasks() if _is_kopfs(task)]
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        found = [bool(kopfs), all(task.done() for task in kopfs), later.done()]
        later.cancel()
        return found

    async def never() -> None:
        raise AssertionError("the watches did not break off")

    begun = asyncio.Event()

    assert asyncio.run(run()) == [True, True, False]
