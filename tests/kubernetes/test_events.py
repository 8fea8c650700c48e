import re
from datetime import datetime, tzinfo
from typing import Any

import pytest

from frostline import names
from frostline.kubernetes import events as module
from frostline.kubernetes.events import About, Recorder, Told
from frostline.kubernetes.resource import Objects
from tests.kubernetes.server import FakeApi, talking


def recorded(note: str, *, warning: bool = True, name: str = "matching", by: str = "pod-1") -> dict[str, Any]:
    fake = FakeApi([(201, {"metadata": {}, "eventTime": "2027-01-15T08:00:00.000000Z"})])
    about = About(names.API_VERSION, "ServiceLevelObjective", "dating", name, "a")
    told = Told(names.Reason.LEVEL_CHANGED, "Measure", note, warning)
    talking(fake, lambda api: Recorder(Objects(api), by).record(about, told))
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

    assert recorded("x")["eventTime"] == "2027-01-15T08:00:00.000000+00:00"
