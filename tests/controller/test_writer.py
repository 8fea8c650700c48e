import asyncio
import logging
from typing import Any

import aiohttp
import pytest
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.controller.metrics import Instruments
from frostline.controller.store import Stored, stored
from frostline.controller.writer import ApiWriter, Subject
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.resource import EVENTS, OBJECTIVES, Objects
from tests.controller.test_metrics import samples
from tests.controller.test_store import manifest

OBJECT: Stored = stored(manifest())


class Fake(Objects):
    """Answers with what it was given, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.told: list[Any] = []

    async def merge(self, *asked: Any, sub: str | None = None) -> Any:
        return self._say((*asked, sub))

    async def create(self, resource: Any, manifest: Any, *, dry_run: bool = False) -> Any:
        assert not dry_run
        return self._say((resource, manifest))

    def _say(self, asked: Any) -> Any:
        self.told.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def writer(fake: Fake, instruments: Instruments) -> ApiWriter:
    return ApiWriter(fake, Recorder(fake, "pod"), instruments.wrote, Subject.OBJECTIVE)


REFUSALS = [
    pytest.param(ApiException(status=403, reason="Forbidden"), "403 Forbidden", id="forbidden"),
    pytest.param(aiohttp.ClientConnectionError("gone"), "ClientConnectionError gone", id="connection"),
    pytest.param(TimeoutError(), "TimeoutError", id="time-out"),
]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [pytest.param({"status": {}}, "written", id="written"), pytest.param(None, "gone", id="gone")],
)
def test_a_patch_is_counted(answer: Any, outcome: str) -> None:
    fake, instruments = Fake(answer), Instruments()

    written = asyncio.run(writer(fake, instruments).write(OBJECT, {"x": 1}))

    assert written == answer
    assert fake.told == [(OBJECTIVES, "dating", "matching", {"metadata": {"uid": "a"}, "status": {"x": 1}}, "status")]
    assert samples(instruments)["frostline_status_writes_total", (outcome,)] == 1


@pytest.mark.parametrize(("refusal", "says"), REFUSALS)
def test_a_refused_patch_is_told_and_left_to_the_next_cycle(
    refusal: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    instruments = Instruments()

    written = asyncio.run(writer(Fake(refusal), instruments).write(OBJECT, {}))

    assert written is None
    assert samples(instruments)["frostline_status_writes_total", ("refused",)] == 1
    assert "dating/matching" in caplog.text
    assert says in caplog.text


@pytest.mark.parametrize("warning", [True, False])
def test_an_event_is_told_in_the_log_as_well(warning: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    fake = Fake(None)

    asyncio.run(
        writer(fake, Instruments()).tell(OBJECT, warning=warning, reason=names.Reason.LEVEL_CHANGED, note="worse")
    )

    ((resource, event),) = fake.told
    assert resource == EVENTS
    assert (event["type"], event["reason"], event["note"]) == (
        "Warning" if warning else "Normal",
        "LevelChanged",
        "worse",
    )
    assert event["reportingInstance"] == "pod"
    assert event["regarding"]["name"] == "matching"
    assert [record.levelname for record in caplog.records] == ["WARNING" if warning else "INFO"]


@pytest.mark.parametrize(("refusal", "says"), REFUSALS)
def test_a_refused_event_stops_nothing(refusal: Exception, says: str, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(
        writer(Fake(refusal), Instruments()).tell(OBJECT, warning=True, reason=names.Reason.LEVEL_CHANGED, note="worse")
    )

    assert says in caplog.text
