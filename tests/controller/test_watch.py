import asyncio
from typing import Any

import kopf
import pytest

from frostline.controller.store import Store
from frostline.controller.watch import registry, settings
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
