import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
import pytest
from kubernetes.aio.client import ApiException

from frostline.controller.lists import Lists, watched
from frostline.controller.store import Store
from frostline.controller.stores import Stores
from frostline.core.gate import Workload
from frostline.kubernetes.resource import OBJECTIVES, WORKLOADS, Manifest, NotInstalledError, Objects, Resource
from tests.controller.test_store import KEY, manifest
from tests.controller.world.manifests import template

T = TypeVar("T")


class Listing(Objects):
    """Lists what it was given, or raises it."""

    def __init__(self, answer: list[Mapping[str, Any]] | Exception) -> None:
        self.answer = answer

    async def read(self, _: Resource, __: Sequence[str], read: Callable[[Manifest], T], /, **___: Any) -> list[T]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return list(map(read, self.answer))


def test_a_list_fills_the_store() -> None:
    store = Store()

    assert asyncio.run(lists([manifest(1)], store).all())
    assert store.get(KEY) is not None


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(NotInstalledError("install the chart"), "install the chart", id="not installed"),
        pytest.param(
            ApiException(status=403, reason="Forbidden"),
            "trying again: the API server answered 403 Forbidden",
            id="refused",
        ),
        pytest.param(aiohttp.ClientConnectionError("connection refused"), "connection refused", id="unreachable"),
        pytest.param(TimeoutError("too slow"), "too slow", id="time-out"),
        pytest.param(TimeoutError(), "TimeoutError", id="a time-out without a word"),
    ],
)
def test_a_list_that_fails_is_told_and_keeps_what_is_known(
    error: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    store.put(manifest(1))

    assert not asyncio.run(lists(error, store).all())
    assert store.get(KEY) is not None
    assert says in caplog.text


def test_a_kind_is_told_once_it_was_listed() -> None:
    told: list[str] = []
    asyncio.run(lists(TimeoutError(), Store(), told.append).all())
    assert told == []

    asyncio.run(lists([manifest(1)], Store(), told.append).all())
    assert told == [OBJECTIVES.plural]


def lists(
    answer: list[Mapping[str, Any]] | Exception, store: Store, listed: Callable[[str], None] = lambda _: None
) -> Lists:
    return Lists(Listing(answer), (), {OBJECTIVES: store}, listed)


def workload(kind: str, name: str) -> dict[str, Any]:
    metadata = {"namespace": "dating", "name": name, "uid": f"{kind}-{name}", "resourceVersion": "1"}
    return {"kind": kind, "metadata": metadata, "spec": {"template": template("a")}}


def test_a_list_of_one_kind_says_nothing_of_another() -> None:
    """Workloads of three kinds share a store: a list of Deployments without it does not remove a DaemonSet."""

    class ByKind(Objects):
        def __init__(self) -> None:
            self.gone = False

        async def read(
            self, resource: Resource, _: Sequence[str], read: Callable[[Manifest], T], /, **__: Any
        ) -> list[T]:
            if resource == WORKLOADS["Deployment"] and not self.gone:
                return [read(workload("Deployment", "a"))]
            return [read(workload("DaemonSet", "a"))] if resource == WORKLOADS["DaemonSet"] else []

    stores, objects = Stores(), ByKind()
    everything = Lists(objects, (), watched(stores))
    asyncio.run(everything.all())
    objects.gone = True
    asyncio.run(everything.all())

    assert list(stores.workloads.snapshot()) == [Workload("dating", "DaemonSet", "a")]
