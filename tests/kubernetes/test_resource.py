from typing import Any

import aiohttp
import pytest
from aiohttp import web
from kubernetes.aio.client import ApiException

from frostline.kubernetes.resource import (
    GATES,
    NAMESPACES,
    OBJECTIVES,
    WORKLOADS,
    NotInstalledError,
    Objects,
    reason_of,
)
from tests.kubernetes.server import FakeApi, Reply, talking

LIST = "/apis/frostline.dev/v1alpha1/servicelevelobjectives"
STATUS = "/apis/frostline.dev/v1alpha1/namespaces/dating/servicelevelobjectives/matching/status"
PATCH: dict[str, Any] = {"metadata": {"uid": "a"}, "status": {"level": "Healthy"}}
OBJECT: dict[str, Any] = {"metadata": {"namespace": "dating", "name": "matching", "uid": "a"}}


def page(*found: str, more: str | None = None) -> Reply:
    return 200, {
        "kind": "ServiceLevelObjectiveList",
        "items": [{"metadata": {"name": name}} for name in found],
        "metadata": {"continue": more or ""},
    }


def refusal(code: int) -> Reply:
    return code, {"kind": "Status", "code": code, "message": "no"}


def listed(fake: FakeApi, *namespaces: str) -> list[str]:
    found = talking(fake, lambda api: Objects(api).everything(OBJECTIVES, namespaces))
    return [each["metadata"]["name"] for each in found]


def test_lists_all_namespaces_page_by_page() -> None:
    fake = FakeApi([page("a", "b", more="next"), page("c")])

    assert listed(fake) == ["a", "b", "c"]
    assert [asked.path for asked in fake.asked] == [LIST, LIST]
    assert [asked.query.get("continue") for asked in fake.asked] == [None, "next"]
    assert fake.asked[0].query["limit"] == "500"


def test_lists_the_given_namespaces_only() -> None:
    fake = FakeApi([page("a"), page("b")])

    assert listed(fake, "dating", "chat") == ["a", "b"]
    assert [asked.path.split("/")[5] for asked in fake.asked] == ["dating", "chat"]


def test_an_interrupted_list_begins_again() -> None:
    fake = FakeApi([page("a", more="next"), refusal(410), page("a", "b")])

    assert listed(fake) == ["a", "b"]


def test_a_missing_kind_says_what_to_do() -> None:
    with pytest.raises(NotInstalledError, match=r"install the chart, or kubectl apply --server-side -f crds/"):
        listed(FakeApi([refusal(404)]))


@pytest.mark.parametrize("code", [401, 403, 410, 500, 503])
def test_another_refusal_to_list_is_raised(code: int) -> None:
    with pytest.raises(ApiException):
        listed(FakeApi([refusal(code)]))


def patched(fake: FakeApi) -> Any:
    return talking(fake, lambda api: Objects(api).merge(OBJECTIVES, "dating", "matching", PATCH, sub="status"))


def test_a_status_is_merged_for_this_very_object() -> None:
    fake = FakeApi([(200, OBJECT)])

    assert patched(fake) == OBJECT
    (asked,) = fake.asked
    assert (asked.method, asked.path, asked.content_type) == ("PATCH", STATUS, "application/merge-patch+json")
    assert asked.query["fieldManager"] == "frostline"
    assert asked.body == PATCH


@pytest.mark.parametrize("code", [404, 409])
def test_an_object_that_is_gone_or_another_one_is_none(code: int) -> None:
    assert patched(FakeApi([refusal(code)])) is None


@pytest.mark.parametrize("code", [400, 403, 422, 429, 500])
def test_another_refusal_to_write_is_raised(code: int) -> None:
    with pytest.raises(ApiException) as raised:
        patched(FakeApi([refusal(code)]))

    assert raised.value.status == code


def test_items_of_a_list_say_what_they_are() -> None:
    """Those of built-in kinds do not, on the wire."""
    fake = FakeApi([(200, {"kind": "DeploymentList", "items": [{"metadata": {"name": "a"}}], "metadata": {}})])

    (found,) = talking(fake, lambda api: Objects(api).everything(WORKLOADS["Deployment"]))

    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "Deployment")
    assert fake.asked[0].path == "/apis/apps/v1/deployments"


def test_objects_without_a_namespace_are_listed_once() -> None:
    fake = FakeApi([(200, {"kind": "NamespaceList", "items": [], "metadata": {}})])

    talking(fake, lambda api: Objects(api).everything(NAMESPACES, ["dating", "chat"]))

    assert [asked.path for asked in fake.asked] == ["/api/v1/namespaces"]


def test_one_object_or_none() -> None:
    assert talking(FakeApi([(200, OBJECT)]), lambda api: Objects(api).get(GATES, "dating", "a")) == OBJECT
    assert talking(FakeApi([refusal(404)]), lambda api: Objects(api).get(GATES, "dating", "a")) is None
    with pytest.raises(ApiException):
        talking(FakeApi([refusal(403)]), lambda api: Objects(api).get(GATES, "dating", "a"))


def test_what_is_replaced_must_not_have_changed() -> None:
    fake = FakeApi([refusal(409)])

    with pytest.raises(ApiException) as raised:
        talking(fake, lambda api: Objects(api).replace(GATES, OBJECT))

    assert raised.value.status == 409
    assert (fake.asked[0].method, fake.asked[0].path) == (
        "PUT",
        "/apis/frostline.dev/v1alpha1/namespaces/dating/releasegates/matching",
    )


@pytest.mark.parametrize(("code", "was_there"), [(200, True), (404, False), (409, False)])
def test_deleting_this_very_object(code: int, was_there: bool) -> None:
    fake = FakeApi([(code, OBJECT) if code == 200 else refusal(code)])

    assert talking(fake, lambda api: Objects(api).delete(GATES, "dating", "a", "uid-a")) is was_there
    assert fake.asked[0].body["preconditions"] == {"uid": "uid-a"}


def test_an_answer_that_is_no_json_is_one_that_did_not_arrive() -> None:
    class Portal(FakeApi):
        async def handle(self, _request: web.Request) -> web.Response:
            return web.Response(text="<html>Please sign in</html>")

    with pytest.raises(aiohttp.ClientPayloadError, match="is no JSON"):
        listed(Portal([]))


def test_deleting_in_this_very_state() -> None:
    fake = FakeApi([(200, OBJECT)])

    talking(fake, lambda api: Objects(api).delete(GATES, "dating", "a", "uid-a", "7"))

    assert fake.asked[0].body["preconditions"] == {"uid": "uid-a", "resourceVersion": "7"}


def test_a_refusal_is_told_in_the_words_of_the_api_server() -> None:
    with pytest.raises(ApiException) as raised:
        talking(
            FakeApi([(403, {"message": "admission webhook\n denied"})]), lambda api: Objects(api).create(GATES, OBJECT)
        )

    assert reason_of(raised.value) == "403 admission webhook denied"


@pytest.mark.parametrize(("items", "names"), [([{"metadata": {"name": "a"}}], ["a"]), ([], []), (None, [])])
def test_metadata_alone(items: list[Any] | None, names: list[str]) -> None:
    """A list of it that is empty has null for its items, unlike others."""
    fake = FakeApi([(200, {"kind": "PartialObjectMetadataList", "metadata": {}, "items": items})])

    found = talking(fake, lambda api: Objects(api).metadata(OBJECTIVES, "dating", selector="a=b"))

    assert [each["name"] for each in found] == names
    assert fake.asked[0].query == {"labelSelector": "a=b"}
