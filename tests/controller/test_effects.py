import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.controller.account import Key
from frostline.controller.effects import ApiEffects
from frostline.controller.gitops import GitOps
from frostline.controller.stores import Stores
from frostline.controller.workloads import SeenWorkload, seen_workload
from frostline.core.gate import Workload
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.gitops import GitOpsObjects
from frostline.kubernetes.resource import EVENTS, GATES, NAMESPACES, WORKLOADS, Objects
from tests.controller.world.manifests import template

WORKLOAD = Workload("dating", "Deployment", "gateway")
MANIFEST: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"namespace": "dating", "name": "gateway", "uid": "a", "resourceVersion": "7", "generation": 1},
    "spec": {"template": template("app:1"), "selector": {"matchLabels": {"app": "x"}}},
}
SEEN: SeenWorkload = seen_workload(MANIFEST)
GATE: dict[str, Any] = {
    "metadata": {
        "namespace": "dating",
        "name": "deployment-gateway",
        "uid": "g",
        "resourceVersion": "9",
        "generation": 2,
    },
    "spec": {"rule": "Freeze"},
}


class Fake(Objects):
    """Answers with what it was given, or raises it; keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []

    async def create(self, resource: Any, manifest: Any, *, dry_run: bool = False) -> Any:
        assert not dry_run
        return self._say("create", resource, manifest)

    async def replace(self, *asked: Any) -> Any:
        return self._say("replace", *asked)

    async def merge(self, *asked: Any, sub: str | None = None) -> Any:
        assert sub is None
        return self._say("merge", *asked)

    async def delete(self, *asked: Any) -> Any:
        return self._say("delete", *asked)

    async def get(self, *asked: Any) -> Any:
        return self._say("get", *asked)

    def _say(self, *asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def effects(
    fake: Fake, stores: Stores | None = None, wrote: Callable[[str, str], None] = lambda *_: None
) -> ApiEffects:
    gitops = GitOps(GitOpsObjects(fake), frozenset())
    return ApiEffects(fake, Recorder(fake, "pod"), stores or Stores(), gitops, wrote)


def stores() -> Stores:
    """Return stores that know a gate."""
    found = Stores()
    found.gates.put(GATE)
    return found


def test_a_new_gate_is_created_under_its_name() -> None:
    fake, known = Fake(GATE), Stores()

    assert asyncio.run(effects(fake, known).write_gate(WORKLOAD, {"rule": "Freeze"}, None))

    ((how, resource, body),) = fake.asked
    assert (how, resource) == ("create", GATES)
    assert body == {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseGate",
        "metadata": {"namespace": "dating", "name": "deployment-gateway"},
        "spec": {"rule": "Freeze"},
    }
    assert known.gates.get(Key("dating", "deployment-gateway")) is not None, "the next pass knows it at once"


def test_a_known_gate_is_replaced_as_it_was_read() -> None:
    fake, known = Fake(GATE), stores()

    asyncio.run(effects(fake, known).write_gate(WORKLOAD, {}, known.gates.get(Key("dating", "deployment-gateway"))))

    ((how, _, body),) = fake.asked
    assert how == "replace"
    assert (body["metadata"]["uid"], body["metadata"]["resourceVersion"]) == ("g", "9")


def test_a_removed_gate_is_forgotten_at_once() -> None:
    fake, known = Fake(True), stores()
    gate = known.gates.get(Key("dating", "deployment-gateway"))
    assert gate is not None

    assert asyncio.run(effects(fake, known).remove_gate(gate))

    assert fake.asked == [("delete", GATES, "dating", "deployment-gateway", "g", "9")]
    assert known.gates.snapshot() == {}


def test_a_gate_that_somebody_changed_is_not_removed() -> None:
    class Changed(Fake):
        async def delete(self, *asked: Any) -> Any:
            self._say("delete", *asked)
            return False

    fake, known = Changed(GATE), stores()
    gate = known.gates.snapshot()[Key("dating", "deployment-gateway")]

    assert not asyncio.run(effects(fake, known).remove_gate(gate))
    assert list(known.gates.snapshot()) == [gate.key]

    fake.answer = None
    assert asyncio.run(effects(fake, known).remove_gate(gate)), "gone is gone"


def test_marks_are_merged_into_this_very_workload() -> None:
    marked = {**MANIFEST, "metadata": {**MANIFEST["metadata"], "resourceVersion": "8", "labels": {"x": "y"}}}
    fake, known = Fake(marked), Stores()

    assert asyncio.run(effects(fake, known).mark(SEEN, {str(names.Label.RELEASES): "Freeze"}))

    ((how, resource, namespace, name, patch),) = fake.asked
    assert (how, resource, namespace, name) == ("merge", WORKLOADS["Deployment"], "dating", "gateway")
    assert patch["metadata"]["uid"] == "a"
    assert patch["metadata"]["labels"] == {"frostline.dev/releases": "Freeze"}
    seen = known.workloads.get(WORKLOAD)
    assert seen is not None
    assert seen.version == "8"


@pytest.mark.parametrize(("enforced", "value"), [(True, "true"), (False, None)])
def test_the_mark_of_a_namespace(value: str | None, *, enforced: bool) -> None:
    fake = Fake({"metadata": {"name": "dating", "uid": "n", "resourceVersion": "3"}})

    assert asyncio.run(effects(fake).mark_namespace("dating", enforced=enforced))

    patch = {"metadata": {"labels": {"frostline.dev/enforced": value}}}
    assert fake.asked == [("merge", NAMESPACES, None, "dating", patch)]


@pytest.mark.parametrize("act", ["mark", "mark_namespace"])
def test_what_is_gone_cannot_be_marked(act: str) -> None:
    made = effects(Fake(None))

    done = made.mark(SEEN, {}) if act == "mark" else made.mark_namespace("dating", enforced=True)

    assert asyncio.run(done) is False


def test_the_templates_of_a_workload_that_is_gone_cannot_be_read() -> None:
    assert asyncio.run(effects(Fake(None)).templates(SEEN)) is None


@pytest.mark.parametrize(
    ("seen", "kind", "name", "uid"),
    [
        pytest.param(SEEN, "Deployment", "gateway", "a", id="about the workload"),
        pytest.param(None, "ReleaseGate", "deployment-gateway", "", id="about its gate, once it is gone"),
    ],
)
def test_what_an_event_is_about(seen: SeenWorkload | None, kind: str, name: str, uid: str) -> None:
    fake = Fake({})

    told = effects(fake).tell(WORKLOAD, seen, warning=True, reason=names.Reason.RELEASES_HELD, note="held")
    asyncio.run(told)

    ((_, resource, event),) = fake.asked
    assert resource == EVENTS
    about = event["regarding"]
    assert (about["kind"], about["name"], about["namespace"], about["uid"]) == (kind, name, "dating", uid)
    assert (event["type"], event["reason"], event["note"]) == ("Warning", "ReleasesHeld", "held")


ACTS: dict[str, Callable[[ApiEffects, Stores], Awaitable[object]]] = {
    "gate created": lambda made, _: made.write_gate(WORKLOAD, {}, None),
    "gate replaced": lambda made, known: made.write_gate(
        WORKLOAD, {}, known.gates.get(Key("dating", "deployment-gateway"))
    ),
    "gate removed": lambda made, known: made.remove_gate(known.gates.snapshot()[Key("dating", "deployment-gateway")]),
    "workload marked": lambda made, _: made.mark(SEEN, {}),
    "namespace marked": lambda made, _: made.mark_namespace("dating", enforced=True),
    "templates read": lambda made, _: made.templates(SEEN),
    "event": lambda made, _: made.tell(WORKLOAD, SEEN, warning=False, reason=names.Reason.ROLLED_BACK, note="x"),
}
REFUSALS = [
    pytest.param(ApiException(status=403, reason="Forbidden"), "403 Forbidden", id="forbidden"),
    pytest.param(aiohttp.ClientConnectionError("gone"), "ClientConnectionError gone", id="connection"),
    pytest.param(TimeoutError(), "TimeoutError", id="time-out"),
]


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
@pytest.mark.parametrize(("refusal", "says"), REFUSALS)
def test_a_refusal_is_told_and_left_to_the_next_pass(
    act: Callable[[ApiEffects, Stores], Any], refusal: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    known = stores()

    done = asyncio.run(act(effects(Fake(refusal), known), known))

    assert not done
    assert says in caplog.text
    assert "dating" in caplog.text
    assert len(known.gates.snapshot()) == 1


@pytest.mark.parametrize("status", [404, 409])
def test_a_gate_that_somebody_else_wrote_first_is_no_news(status: int, caplog: pytest.LogCaptureFixture) -> None:
    made = effects(Fake(ApiException(status=status, reason="no")))

    assert asyncio.run(made.write_gate(WORKLOAD, {}, None)) is False

    assert caplog.text == ""


WRITES: dict[str, tuple[str, Any, tuple[str, str]]] = {
    "a gate": ("gate created", GATE, ("gate", "written")),
    "a gate that is gone": ("gate removed", True, ("gate", "written")),
    "a workload": ("workload marked", MANIFEST, ("workload", "written")),
    "a workload that is gone": ("workload marked", None, ("workload", "gone")),
    "a namespace": (
        "namespace marked",
        {"metadata": {"name": "dating", "uid": "n", "resourceVersion": "3"}},
        ("namespace", "written"),
    ),
    "a gate that somebody else wrote": ("gate created", ApiException(status=409), ("gate", "contended")),
    "a gate that was refused": ("gate created", ApiException(status=403), ("gate", "refused")),
    "a removal that was refused": ("gate removed", TimeoutError(), ("gate", "refused")),
    "a mark that was refused": ("workload marked", TimeoutError(), ("workload", "refused")),
    "a label that was refused": ("namespace marked", TimeoutError(), ("namespace", "refused")),
}


@pytest.mark.parametrize(("act", "answer", "counted"), WRITES.values(), ids=WRITES.keys())
def test_each_write_is_counted_by_its_outcome(act: str, answer: Any, counted: tuple[str, str]) -> None:
    told: list[tuple[str, str]] = []
    known = stores()
    made = effects(Fake(answer), known, lambda written, outcome: told.append((written, outcome)))

    asyncio.run(_awaited(ACTS[act](made, known)))

    assert told == [counted]


async def _awaited(act: Awaitable[object]) -> None:
    await act
