import json
from typing import Any

import pytest

from frostline.core.gate import Workload
from frostline.core.verdict import Operation
from frostline.webhook.review import NotAReviewError, read
from tests.webhook.requests import UID, body, review, template, workload


def test_a_request_is_read_in_full() -> None:
    found = read(body(dryRun=True))

    assert (found.uid, found.object_uid, found.dry_run) == (UID, "w-1", True)
    change = found.change
    assert change is not None
    assert change.workload == Workload("dating", "Deployment", "web")
    assert change.operation is Operation.UPDATE
    assert (change.user, change.groups) == ("alice", frozenset({"dev", "system:authenticated"}))
    assert (change.old, change.new) == (template("app:1"), template("app:2"))
    assert change.times == (1_790_856_000.0,)
    assert not change.terminating


def test_a_generated_name_is_taken_from_the_object() -> None:
    change = read(body(operation="CREATE", name="", oldObject=None)).change

    assert change is not None
    assert change.workload.name == "web"
    assert change.old is None


def test_a_deletion_has_no_new_template() -> None:
    change = read(body(operation="DELETE", object=None)).change

    assert change is not None
    assert (change.new, change.old, change.times) == (None, template(), ())


def test_a_workload_on_its_way_out_is_known_as_such() -> None:
    change = read(body(oldObject=workload(deletionTimestamp="2026-10-01T11:00:00Z"))).change

    assert change is not None
    assert change.terminating


@pytest.mark.parametrize(
    ("times", "seen"),
    [
        pytest.param([{"time": "yesterday"}, {}, "no entry"], (), id="what is no time is passed over"),
        pytest.param([{"time": "2026-10-01T12:00:00"}], (1_790_856_000.0,), id="without an offset it is UTC"),
        pytest.param([{"time": "2026-10-01T14:00:00+02:00"}], (1_790_856_000.0,), id="with an offset"),
    ],
)
def test_times_are_those_of_the_managed_fields(times: list[Any], seen: tuple[float, ...]) -> None:
    change = read(body(object=workload(managedFields=times))).change

    assert change is not None
    assert change.times == seen


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"kind": {"group": "apps", "version": "v1", "kind": "ReplicaSet"}}, id="a kind without gates"),
        pytest.param({"kind": {"group": "argoproj.io", "version": "v1", "kind": "Deployment"}}, id="another group"),
        pytest.param({"operation": "CONNECT"}, id="an operation that changes nothing"),
        pytest.param({"kind": {"group": "", "version": "v1", "kind": "Pod"}, "object": {"spec": 1}}, id="a pod"),
    ],
)
def test_what_has_no_gate_is_no_change(changed: dict[str, Any]) -> None:
    found = read(body(**changed))

    assert (found.uid, found.change) == (UID, None)


def without(key: str) -> bytes:
    found = review()
    del found["request"][key]
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        pytest.param(b"", "no JSON", id="nothing"),
        pytest.param(b"{", "no JSON", id="half of it"),
        pytest.param(b"\xff\xfe", "no JSON", id="no text"),
        pytest.param(b"[" * 100_000, "no JSON", id="deeper than anything"),
        pytest.param(b"[]", "no AdmissionReview", id="a list"),
        pytest.param(b"null", "no AdmissionReview", id="null"),
        pytest.param(b'{"kind":"Pod"}', "no AdmissionReview", id="another kind"),
        pytest.param(
            b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}',
            "not of admission.k8s.io/v1",
            id="an old version",
        ),
        pytest.param(
            b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', "request is missing", id="no request"
        ),
        pytest.param(body(uid=""), "request.uid is missing", id="no uid"),
        pytest.param(body(uid=5), "request.uid is no text", id="a number for a uid"),
        pytest.param(without("kind"), "request.kind is missing", id="no kind"),
        pytest.param(without("userInfo"), "request.userInfo is missing", id="nobody asks"),
        pytest.param(body(userInfo={"username": "a", "groups": "dev"}), "a list is expected", id="groups are text"),
        pytest.param(body(userInfo={"username": "a", "groups": [1]}), "groups is no text", id="a group is a number"),
        pytest.param(body(object=[]), "request.object is missing or no object", id="the object is a list"),
        pytest.param(body(object={"spec": {}}), "request.object.spec.template is missing", id="no template"),
        pytest.param(
            body(object=workload() | {"metadata": []}), "metadata is missing or no object", id="metadata is a list"
        ),
        pytest.param(body(operation=7), "request.operation is no text", id="an operation that is a number"),
    ],
)
def test_what_is_no_review_is_refused_with_a_sentence(sent: bytes, says: str) -> None:
    with pytest.raises(NotAReviewError, match=says):
        read(sent)
