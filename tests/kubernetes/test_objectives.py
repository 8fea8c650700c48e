import re
from datetime import datetime, tzinfo
from typing import Any

import pytest
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.kubernetes import objectives as module
from frostline.kubernetes.objectives import NotInstalledError, Objectives
from tests.kubernetes.server import FakeApi, Reply, talking

LIST = "/apis/frostline.dev/v1alpha1/servicelevelobjectives"
STATUS = "/apis/frostline.dev/v1alpha1/namespaces/dating/servicelevelobjectives/matching/status"
OBJECT: dict[str, Any] = {"metadata": {"namespace": "dating", "name": "matching", "uid": "a"}}


def page(*found: str, more: str | None = None) -> Reply:
    return 200, {"items": [{"metadata": {"name": name}} for name in found], "metadata": {"continue": more or ""}}


def refusal(code: int) -> Reply:
    return code, {"kind": "Status", "code": code, "message": "no"}


def listed(fake: FakeApi, *namespaces: str) -> list[str]:
    found = talking(fake, lambda api: Objectives(api, namespaces).everything())
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
    return talking(fake, lambda api: Objectives(api).patch_status("dating", "matching", "a", {"level": "Healthy"}))


def test_a_status_is_merged_for_this_very_object() -> None:
    fake = FakeApi([(200, OBJECT)])

    assert patched(fake) == OBJECT
    (asked,) = fake.asked
    assert (asked.method, asked.path, asked.content_type) == ("PATCH", STATUS, "application/merge-patch+json")
    assert asked.query["fieldManager"] == "frostline"
    assert asked.body == {"metadata": {"uid": "a"}, "status": {"level": "Healthy"}}


@pytest.mark.parametrize("code", [404, 409])
def test_an_object_that_is_gone_or_another_one_is_none(code: int) -> None:
    assert patched(FakeApi([refusal(code)])) is None


@pytest.mark.parametrize("code", [400, 403, 422, 429, 500])
def test_another_refusal_to_write_is_raised(code: int) -> None:
    with pytest.raises(ApiException) as raised:
        patched(FakeApi([refusal(code)]))

    assert raised.value.status == code


def recorded(note: str, *, warning: bool = True, name: str = "matching", by: str = "pod-1") -> dict[str, Any]:
    fake = FakeApi([(201, {"metadata": {}, "eventTime": "2027-01-15T08:00:00.000000Z"})])
    regarding = {"metadata": {**OBJECT["metadata"], "name": name}}
    talking(
        fake,
        lambda api: Objectives(api).record(
            regarding, warning=warning, reason=names.Reason.LEVEL_CHANGED, action="Measure", note=note, by=by
        ),
    )
    (asked,) = fake.asked
    assert (asked.method, asked.path) == ("POST", "/apis/events.k8s.io/v1/namespaces/dating/events")
    body: dict[str, Any] = asked.body
    return body


def test_an_event_says_who_what_and_about_whom() -> None:
    event = recorded("Healthy -> Depleting: 60 % left")

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|\+00:00)", event.pop("eventTime"))
    assert event == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "matching-", "namespace": "dating"},
        "type": "Warning",
        "reason": "LevelChanged",
        "action": "Measure",
        "note": "Healthy -> Depleting: 60 % left",
        "reportingController": "frostline.dev/operator",
        "reportingInstance": "pod-1",
        "regarding": {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ServiceLevelObjective",
            "namespace": "dating",
            "name": "matching",
            "uid": "a",
        },
    }


def test_good_news_is_a_normal_event() -> None:
    assert recorded("better", warning=False)["type"] == "Normal"


def test_an_event_keeps_within_the_bounds_of_the_api() -> None:
    event = recorded("x" * 5_000, name="n" * 253, by="h" * 500)

    assert len(event["note"]) == 1_024
    assert len(event["metadata"]["generateName"]) <= 248
    assert len(event["reportingInstance"]) == 128


def test_the_time_of_an_event_has_microseconds_also_at_the_full_second(monkeypatch: pytest.MonkeyPatch) -> None:
    class FullSecond(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "FullSecond":
            return cls(2027, 1, 15, 8, tzinfo=tz)

    monkeypatch.setattr(module, "datetime", FullSecond)

    assert recorded("x")["eventTime"] == "2027-01-15T08:00:00.000001+00:00"
