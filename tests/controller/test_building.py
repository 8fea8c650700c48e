"""From a connection to a lane, asked for real over HTTP."""

import threading
from typing import Any

import pytest

from frostline.api.source import Measuring
from frostline.api.sourced import AcceptedSource, accept_source
from frostline.controller.building import Builder
from frostline.controller.sources import OWN_NAME
from frostline.controller.timing import Timing
from frostline.prometheus.connection import Connection
from frostline.prometheus.direct import DirectSource
from tests.prometheus.asking import ONE
from tests.prometheus.server import Exchange, serving
from tests.prometheus.test_direct import objectives
from tests.support.objectives import AT

BUILDER = Builder({Measuring.DIRECT: DirectSource}, Timing(30, 15), lambda _source, _outcome, _seconds: None)


def judged(**spec: Any) -> AcceptedSource:
    found = accept_source({"url": "http://prometheus:9090", **spec})
    assert isinstance(found, AcceptedSource)
    return found


@pytest.mark.parametrize(
    ("spec", "offset"),
    [
        pytest.param({}, 15, id="the operator's"),
        pytest.param({"flavor": "Thanos"}, 15, id="Thanos"),
        pytest.param({"flavor": "VictoriaMetrics"}, 30, id="VictoriaMetrics"),
        pytest.param({"flavor": "VictoriaMetrics", "queryOffset": "5s"}, 5, id="said"),
        pytest.param({"queryOffset": "0s"}, 0, id="none"),
    ],
)
def test_offsets(spec: dict[str, Any], offset: int) -> None:
    asked = BUILDER.source("a", judged(**spec), Connection("http://prometheus:9090"))

    assert (asked.lane.timing.interval_s, asked.lane.timing.offset_s) == (30, offset)
    asked.end()


def test_a_way_of_measuring_that_this_operator_lacks() -> None:
    with pytest.raises(ValueError, match=r"^spec\.measuring: .* write Direct$"):
        BUILDER.source("a", judged(measuring="Recorded"), Connection("http://prometheus:9090"))


def test_no_more_questions_at_a_time_than_allowed() -> None:
    present = most = 0
    lock = threading.Lock()
    three = threading.Barrier(3)

    def respond(exchange: Exchange) -> None:
        nonlocal present, most
        with lock:
            present += 1
            most = max(most, present)
        # None is answered before as many are asked as may be.
        three.wait(10)
        with lock:
            present -= 1
        exchange.answer(200, ONE)

    told: list[str] = []
    builder = Builder(
        BUILDER.ways, BUILDER.timing, lambda source, outcome, _seconds: told.append(f"{source} {outcome}")
    )
    with serving(respond) as fake:
        asked = builder.source("a", judged(concurrency=3), Connection(fake.url))
        wanted = {("shop", str(number)): each for number, each in objectives(24 * 6).items()}
        found = asked.lane.source.latest(wanted, AT, 60)
        asked.end()

    assert (most, len(found)) == (3, 144)
    assert told == ["a answered"] * 12


def test_the_flags_source_has_a_name_of_its_own() -> None:
    asked = BUILDER.own(Connection("http://prometheus:9090"), Measuring.DIRECT)

    assert asked.lane.name == OWN_NAME
    asked.end()
