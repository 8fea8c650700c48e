from typing import Any

import pytest
from kubernetes.aio.client import ApiException

from frostline.kubernetes.resource import Objects
from frostline.kubernetes.revisions import templates
from tests.kubernetes.server import FakeApi, Reply, talking

APPS = "/apis/apps/v1/namespaces/dating"


def pod(image: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "x", **labels}}, "spec": {"containers": [{"name": "app", "image": image}]}}


def workload(image: str, *, seen: int = 3, selector: dict[str, Any] | None = None, **spec: Any) -> Reply:
    return 200, {
        "metadata": {"uid": "a", "generation": 3},
        "spec": {"template": pod(image), "selector": selector or {"matchLabels": {"app": "x"}}, **spec},
        "status": {"observedGeneration": seen},
    }


def replica_set(number: int, image: str, owner: str = "a") -> dict[str, Any]:
    return {
        "metadata": {
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
            "ownerReferences": [{"uid": owner}],
        },
        "spec": {"template": pod(image, **{"pod-template-hash": f"hash-{number}"})},
    }


def controller_revision(number: int, image: str) -> dict[str, Any]:
    return {
        "metadata": {"ownerReferences": [{"uid": "a"}]},
        "revision": number,
        "data": {"spec": {"template": {**pod(image), "$patch": "replace"}}},
    }


def listed(kind: str, *items: dict[str, Any]) -> Reply:
    return 200, {"kind": f"{kind}List", "items": list(items), "metadata": {}}


def read(
    *replies: Reply, kind: str = "Deployment", uid: str = "a"
) -> tuple[tuple[str, list[tuple[str, str]]] | None, FakeApi]:
    """Return the image that runs, and (source, image) of earlier ones."""
    fake = FakeApi(list(replies))
    found = talking(fake, lambda api: templates(Objects(api), "dating", kind, "gateway", uid))
    if found is None:
        return None, fake
    running, earlier = found
    return (image(running), [(source, image(template)) for source, template in earlier]), fake


def image(template: Any) -> str:
    found: str = template["spec"]["containers"][0]["image"]
    return found


def test_earlier_revisions_of_a_deployment_come_newest_first_without_the_present_one() -> None:
    sets = [replica_set(2, "app:2"), replica_set(10, "app:3"), replica_set(9, "app:1"), replica_set(11, "x", "b")]

    found, fake = read(workload("app:3"), listed("ReplicaSet", *sets))

    assert found == ("app:3", [("revision 9", "app:1"), ("revision 2", "app:2")])
    assert [asked.path for asked in fake.asked] == [f"{APPS}/deployments/gateway", f"{APPS}/replicasets"]
    assert fake.asked[1].query["labelSelector"] == "app=x"


def test_the_label_that_the_controller_adds_is_taken_off() -> None:
    fake = FakeApi([workload("app:2"), listed("ReplicaSet", replica_set(2, "app:2"), replica_set(1, "app:1"))])

    found = talking(fake, lambda api: templates(Objects(api), "dating", "Deployment", "gateway", "a"))

    assert found is not None
    assert found[1][0][1] == pod("app:1")


@pytest.mark.parametrize(
    "present",
    [
        pytest.param(workload("app:3", seen=2), id="changed a moment ago"),
        pytest.param(workload("app:3", paused=True), id="changed while paused"),
    ],
)
def test_what_runs_before_a_change_that_has_no_revision_yet_is_an_earlier_one(present: Reply) -> None:
    found, _ = read(present, listed("ReplicaSet", replica_set(2, "app:2"), replica_set(1, "app:1")))

    assert found == ("app:3", [("revision 2", "app:2"), ("revision 1", "app:1")])


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_earlier_revisions_of_the_other_kinds(kind: str) -> None:
    revisions = [controller_revision(1, "app:1"), controller_revision(2, "app:2")]

    found, fake = read(workload("app:2"), listed("ControllerRevision", *revisions), kind=kind)

    assert found == ("app:2", [("revision 1", "app:1")])
    assert [asked.path for asked in fake.asked] == [f"{APPS}/{kind.lower()}s/gateway", f"{APPS}/controllerrevisions"]


def test_ten_earlier_revisions_are_enough() -> None:
    found, _ = read(workload("app:30"), listed("ReplicaSet", *(replica_set(n, f"app:{n}") for n in range(1, 31))))

    assert found is not None
    assert [source for source, _ in found[1]] == [f"revision {number}" for number in range(29, 19, -1)]


@pytest.mark.parametrize(
    ("reply", "uid"),
    [
        pytest.param((404, {"kind": "Status", "message": "not found"}), "a", id="gone"),
        pytest.param(workload("app:1"), "b", id="made again"),
    ],
)
def test_a_workload_that_is_gone_has_no_templates(reply: Reply, uid: str) -> None:
    found, fake = read(reply, uid=uid)

    assert found is None
    assert len(fake.asked) == 1


@pytest.mark.parametrize("replies", [[(500, {})], [workload("app:1"), (403, {"message": "no"})]])
def test_a_refusal_is_raised(replies: list[Reply]) -> None:
    with pytest.raises(ApiException):
        read(*replies)


@pytest.mark.parametrize(
    ("selector", "asked"),
    [
        pytest.param({"matchLabels": {"app": "x", "tier": "web"}}, "app=x,tier=web", id="labels"),
        pytest.param(
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "y"]}]}, "app in (x,y)", id="in"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["z"]}]}, "app notin (z)", id="not in"
        ),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "app", id="exists"),
        pytest.param(
            {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "old", "operator": "DoesNotExist"}]},
            "a=b,!old",
            id="does not exist",
        ),
    ],
)
def test_the_workloads_own_selector_is_asked_with(selector: dict[str, Any], asked: str) -> None:
    _, fake = read(workload("app:1", selector=selector), listed("ReplicaSet"))

    assert fake.asked[1].query["labelSelector"] == asked
