import asyncio
from collections.abc import Mapping
from typing import Any

from frostline.api.base import JsonObject
from frostline.controller.account import Key
from frostline.controller.gating import Ask
from frostline.controller.reports import Reports
from frostline.controller.store import Store, Stored
from frostline.core.gate import Workload
from frostline.core.policy import Releases
from tests.controller.gate_specs import claim, spec
from tests.controller.world.manifests import merged
from tests.support.objectives import AT


class Writer:
    """Keeps what is written, and answers with the object after it; or refuses."""

    def __init__(self) -> None:
        self.patches: list[tuple[str, JsonObject]] = []
        self.refuses = False

    async def write(self, stored: Stored, patch: JsonObject) -> Mapping[str, Any] | None:
        self.patches.append((stored.key.name, patch))
        if self.refuses:
            return None
        metadata = {"name": stored.key.name, "uid": stored.uid, "generation": 1}
        version = str(int(stored.version) + 1)
        status = merged(stored.status, patch)
        return {"metadata": {**metadata, "resourceVersion": version}, "spec": stored.spec, "status": status}


def ask(name: str, policy: str) -> Ask:
    return Ask(Key("dating", name), name, policy, Releases(), None, "", {}, frozenset())


GATES = {
    Workload("dating", "Deployment", "gateway"): spec(
        by=[claim("a", policy="strict"), claim("b", policy="strict"), claim("c", policy="mild", rule="Warn")]
    ),
    Workload("dating", "Deployment", "search"): spec(by=[claim("a", policy="strict")]),
}
ASKS = {name: ask(name, policy) for name, policy in (("a", "strict"), ("b", "strict"), ("c", "mild"), ("d", "mild"))}


def policies() -> Store:
    store = Store()
    for name in ("strict", "mild", "idle"):
        metadata = {"name": name, "uid": name, "generation": 1, "resourceVersion": "1"}
        store.put({"metadata": metadata, "spec": {}})
    return store


def test_each_policy_says_who_goes_by_it_and_what_it_holds_back() -> None:
    writer, store = Writer(), policies()
    reports = Reports(store, Store(), writer, Writer())

    asyncio.run(reports.run(ASKS, GATES, AT))

    assert dict(writer.patches) == {
        "strict": {"objectives": 2, "holding": 2},
        "mild": {"objectives": 2, "holding": 0},
        "idle": {"objectives": 0, "holding": 0},
    }


def test_what_has_not_changed_is_not_written() -> None:
    writer, store = Writer(), policies()
    reports = Reports(store, Store(), writer, Writer())
    asyncio.run(reports.run(ASKS, GATES, AT))
    writer.patches.clear()

    asyncio.run(reports.run(ASKS, {}, AT + 30))

    assert writer.patches == [("strict", {"holding": 0})]


def test_what_was_refused_is_written_again() -> None:
    writer, store = Writer(), policies()
    writer.refuses = True
    reports = Reports(store, Store(), writer, Writer())

    for _ in range(2):
        asyncio.run(reports.run(ASKS, GATES, AT))

    assert len(writer.patches) == 6
