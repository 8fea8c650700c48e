from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.core import admission
from frostline.core.armed import Answer, Facts, Mark, Part
from frostline.kubernetes.admission import AdmissionObjects
from frostline.kubernetes.events import Recorder, Told
from frostline.kubernetes.resource import Objects
from tests.kubernetes.server import FakeApi, Reply, talking

T = TypeVar("T")
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
POLICY = f"{ADMISSION}/validatingadmissionpolicies"
BINDING = f"{ADMISSION}/validatingadmissionpolicybindings"
PROBE = "/api/v1/namespaces/frostline-system/configmaps"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/releasegates.frostline.dev"
REMEMBERED = {"annotations": {"frostline.dev/armed-freeze": "killed 2026-01-01T00:00:00Z", "team": "platform"}}


class Server(FakeApi):
    """Answers by path; what it does not know is not there."""

    def __init__(self, known: dict[str, Reply]) -> None:
        super().__init__([])
        self._known = known

    async def handle(self, request: Any) -> Any:
        self.replies = [self._known.get(request.path, (404, {"message": "not found"}))]
        return await super().handle(request)


def found(name: str, **more: Any) -> Reply:
    return 200, {"apiVersion": "v1", "kind": "X", "metadata": {"name": name, "uid": "u"}, **more}


def discovery(*plurals: str) -> Reply:
    return 200, {"resources": [{"name": plural} for plural in plurals]}


def known(**more: Reply) -> dict[str, Reply]:
    """Return an API server with everything installed and nothing armed."""
    probe = {
        "matchConstraints": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "frostline-system"}}}
    }
    return {
        ADMISSION: discovery("validatingadmissionpolicies"),
        "/apis/frostline.dev/v1alpha1": discovery("releasegates"),
        f"{POLICY}/frostline-freeze": found("frostline-freeze", metadata={"name": "f", "uid": "u", **REMEMBERED}),
        f"{POLICY}/frostline-keep": found("frostline-keep"),
        f"{POLICY}/frostline-probe": found("frostline-probe", spec=probe),
        **more,
    }


def ask(server: FakeApi, question: Callable[[AdmissionObjects], Awaitable[T]]) -> T:
    def talk(api: Any) -> Awaitable[T]:
        objects = Objects(api)
        return question(AdmissionObjects(objects, Recorder(objects, "test")))

    return talking(server, talk)


def facts(server: FakeApi) -> Facts:
    return ask(server, lambda objects: objects.facts())


def test_facts_of_a_fresh_installation() -> None:
    server = Server(known())

    assert facts(server) == Facts(
        validates=True,
        served=True,
        policies=frozenset((names.Admission.FREEZE, names.Admission.KEEP, names.Admission.PROBE)),
        present={},
        marks={Part.FREEZE: Mark(killed=True, at=1_767_225_600)},
        probe=None,
    )
    assert {asked.method for asked in server.asked} == {"GET"}


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        pytest.param((201, {}), Answer.UNSEEN, id="passed"),
        pytest.param(
            (422, {"message": "ValidatingAdmissionPolicy 'frostline-probe' with binding: no params found for policy"}),
            Answer.KNOWN,
            id="no gate",
        ),
        pytest.param(
            (403, {"message": "ValidatingAdmissionPolicy 'frostline-probe' denied: failed to find resource"}),
            Answer.UNKNOWN,
            id="no kind",
        ),
    ],
)
def test_the_probe_is_a_dry_run_in_our_own_namespace(reply: Reply, answer: Answer) -> None:
    server = Server(known() | {f"{BINDING}/frostline-probe": found("frostline-probe"), PROBE: reply})

    assert facts(server).probe is answer
    (asked,) = [asked for asked in server.asked if asked.method == "POST"]
    assert asked.query["dryRun"] == "All"
    assert asked.body["metadata"] == {"name": "frostline-probe", "namespace": "frostline-system"}


def test_a_probe_that_is_refused_for_another_reason_raises() -> None:
    refusal = (403, {"message": "cannot create resource configmaps"})
    server = Server(known() | {f"{BINDING}/frostline-probe": found("frostline-probe"), PROBE: refusal})

    with pytest.raises(ApiException):
        facts(server)


def test_without_policies_the_definition_remembers() -> None:
    remembered = found("releasegates", metadata={"name": "r", "uid": "u", **REMEMBERED})
    server = Server({ADMISSION: discovery("mutatingwebhookconfigurations"), CRD: remembered})

    stands = facts(server)

    assert not stands.validates
    assert not stands.served
    assert stands.marks == {Part.FREEZE: Mark(killed=True, at=1_767_225_600)}


@pytest.mark.parametrize(
    ("policies", "path"),
    [
        pytest.param("validatingadmissionpolicies", f"{POLICY}/frostline-freeze", id="policies"),
        pytest.param("mutatingwebhookconfigurations", CRD, id="no policies"),
    ],
)
def test_memory_is_written_by_a_merge_patch(policies: str, path: str) -> None:
    server = Server({ADMISSION: discovery(policies), path: found("x")})
    marks = {Part.FREEZE: Mark(killed=False, at=1_767_225_600), Part.WEBHOOK: None}

    ask(server, lambda objects: objects.note(marks))

    (asked,) = [asked for asked in server.asked if asked.method == "PATCH"]
    assert asked.path == path
    assert asked.content_type == "application/merge-patch+json"
    assert asked.body == {
        "metadata": {
            "annotations": {
                "frostline.dev/armed-freeze": "armed 2026-01-01T00:00:00Z",
                "frostline.dev/armed-webhook": None,
            }
        }
    }


def test_a_repair_does_not_overwrite_what_changed_meanwhile() -> None:
    server = Server({f"{BINDING}/frostline-freeze": (409, {"message": "conflict"})})
    live = {
        **admission.binding(names.Admission.FREEZE),
        "metadata": {"name": "frostline-freeze", "resourceVersion": "7"},
    }

    ask(server, lambda objects: objects.restore(live, {"metadata": {"labels": {"a": "b"}}}))

    assert server.asked[0].body == {"metadata": {"labels": {"a": "b"}, "resourceVersion": "7"}}


def test_an_event_about_the_policy_is_left_where_people_look() -> None:
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    server = Server(known() | {path: (201, {})})

    ask(server, lambda objects: objects.tell(Told(names.Reason.KILL_SWITCH, "Arm", "switched off", warning=True)))

    event = server.asked[-1].body
    assert (event["type"], event["reason"], event["note"]) == ("Warning", "KillSwitch", "switched off")
    assert event["regarding"]["name"] == "f"


def test_without_the_policy_nothing_is_told() -> None:
    server = Server({ADMISSION: discovery("validatingadmissionpolicies")})

    ask(server, lambda objects: objects.tell(Told(names.Reason.ARMED, "Arm", "armed")))

    assert {asked.method for asked in server.asked} == {"GET"}
