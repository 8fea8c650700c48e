import asyncio
from typing import Any

import pytest
from kubernetes.aio.client import ApiException

from frostline.controller.rule_events import AGAIN_S, RuleEvents
from frostline.kubernetes.events import About, Told


class Recorder:
    """Keeps what it is told; refuses it while `refusing`."""

    refusing = False

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []

    async def record(self, about: About, told: Told) -> None:
        assert (about.kind, about.namespace, about.name) == ("Namespace", "frostline-system", "frostline-system")
        if self.refusing:
            raise ApiException(status=403, reason="Forbidden")
        self.told.append((told.reason.value, told.note, told.warning))


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def note(recorder: Any, *troubles: tuple[float, str | None]) -> None:
    """Note these troubles, each at its second."""
    time = Time()
    events = RuleEvents(recorder, "frostline-system", time)
    for at, trouble in troubles:
        time.now = at
        asyncio.run(events.note(trouble))


FAILS = ("RulesNotWritten", "403 Forbidden", True)
AGAIN = ("RulesWritten", "all rules are written again", False)


@pytest.mark.parametrize(
    ("troubles", "told"),
    [
        pytest.param([(0, None), (60, None)], [], id="none"),
        pytest.param([(0, "403 Forbidden"), (30, "403 Forbidden"), (60, "409")], [FAILS], id="said once"),
        pytest.param([(0, "403 Forbidden"), (30, None), (60, None)], [FAILS, AGAIN], id="over"),
        pytest.param([(0, "403 Forbidden"), (30, None), (60, "403 Forbidden")], [FAILS, AGAIN, FAILS], id="and back"),
        pytest.param([(0, "403 Forbidden"), (AGAIN_S, "403 Forbidden")], [FAILS, FAILS], id="before Events expire"),
    ],
)
def test_trouble_is_said_when_it_begins_and_when_it_is_over(
    recorder: Recorder, troubles: list[tuple[float, str | None]], told: list[tuple[str, str, bool]]
) -> None:
    note(recorder, *troubles)

    assert recorder.told == told


def test_an_event_that_is_refused_is_told_in_the_log(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    recorder.refusing = True

    note(recorder, (0, "403 Forbidden"))

    assert "event about rules not created: the API server answered 403 Forbidden" in caplog.text
