from typing import Any

import orjson
import pytest

from frostline.api import gated
from frostline.core.gate import Gate
from frostline.core.verdict import judge
from frostline.webhook.decision import CannotJudgeError, answer, decide, pass_unseen
from frostline.webhook.review import read
from tests.webhook.requests import UID, body, decided, gate_manifest, workload

GATE = gated.gate(gate_manifest())


def response(gate: Gate | None, image: str) -> dict[str, Any]:
    answered = orjson.loads(answer(decided(gate, image=image)))
    assert (answered["apiVersion"], answered["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    found: dict[str, Any] = answered["response"]
    return found


def test_a_refusal_is_403_with_the_sentence_and_the_decision() -> None:
    assert response(GATE, "app:2") == {
        "uid": UID,
        "allowed": False,
        "status": {
            "code": 403,
            "reason": "Forbidden",
            "message": "The budget of web is spent. (decision 1a2b3c4d)",
        },
        "auditAnnotations": {"decision": "1a2b3c4d", "verdict": "Held", "gate": "dating/deployment-web"},
    }


@pytest.mark.parametrize(
    ("gate", "image", "more"),
    [
        pytest.param(None, "app:2", {"verdict": "NoGate"}, id="no gate"),
        pytest.param(GATE, "app:1", {"verdict": "Rollback", "gate": "dating/deployment-web"}, id="rollback"),
        pytest.param(
            GATE,
            "app:override",
            {"verdict": "Override", "gate": "dating/deployment-web", "override": "fix-login"},
            id="override",
        ),
    ],
)
def test_what_passes_leaves_audit_annotations(gate: Gate | None, image: str, more: dict[str, str]) -> None:
    assert response(gate, image) == {
        "uid": UID,
        "allowed": True,
        "auditAnnotations": {"decision": "1a2b3c4d"} | more,
    }


def test_warnings_are_passed_on() -> None:
    found = response(GATE, "app:warned")

    assert (found["allowed"], found["warnings"]) == (True, ["budget is low"])


def test_a_kind_without_gates_passes_without_a_word() -> None:
    answered = orjson.loads(pass_unseen(read(body(kind={"group": "", "version": "v1", "kind": "Pod"}))))

    assert answered["response"] == {"uid": UID, "allowed": True}


def test_the_digest_is_that_of_what_would_run() -> None:
    one, same, other = (decided(GATE, image=image).template for image in ("app:2", "app:2", "app:3"))

    assert one == same != other
    assert decided(None, image="app:2").template is None


@pytest.mark.parametrize(
    "containers",
    [
        pytest.param([{}], id="a container without a name"),
        pytest.param(5, id="a number"),
        pytest.param(["web"], id="text"),
    ],
)
def test_what_no_api_server_holds_is_refused_with_a_sentence(containers: object) -> None:
    spoiled = workload()
    spoiled["spec"]["template"]["spec"]["containers"] = containers
    found = read(body(object=spoiled))
    assert found.change is not None
    with pytest.raises(CannotJudgeError, match="deployment/web is not as an API server holds it"):
        decide(found, found.change, GATE, judge)
