"""The operator's own clock off by an hour: what holds, lifts and lets pass goes by Prometheus and the API server."""

from datetime import UTC, datetime

import pytest

from frostline.api.base import JsonObject
from tests.controller.freezing import GATEWAY, MINUTE, Shop, frozen_shop, open_shop
from tests.controller.world.prometheus import DOWN
from tests.support.objectives import AT, HOUR

MADE, ENDS = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (AT, AT + 2 * HOUR))
OFF = [pytest.param(-HOUR, id="an hour slow"), pytest.param(HOUR, id="an hour fast")]


def seen(made: Shop) -> tuple[JsonObject | None, dict[str, str], str]:
    """Return what decides: the gate, the marks, the level."""
    return made.cluster.gate("gateway"), made.cluster.marks("gateway"), made.api.status("matching")["level"]


@pytest.mark.parametrize("off", OFF)
def test_a_freeze_begins_stays_and_lifts_as_by_the_right_clock(off: int) -> None:
    right, wrong = open_shop(young=True), open_shop(young=True)
    wrong.wall += off
    stages = []
    for made in (right, wrong):
        told = []
        made.spend(18)
        told.append(seen(made))
        made.prometheus.trouble = DOWN
        made.run(30, times=20)
        told.append(seen(made))
        made.prometheus.trouble = None
        made.run(30)
        made.heal(3)
        told.append(seen(made))
        stages.append(tuple(told))

    assert stages[0] == stages[1]
    assert [made.rule() for made in (right, wrong)] == ["Slush", "Slush"]


@pytest.mark.parametrize("off", OFF)
def test_an_override_lives_as_long_while_prometheus_is_away(off: int) -> None:
    """The gates judge its end by the API server's clock: all the operator can do is to leave it there till then."""
    made = frozen_shop()
    spec = {"class": "Security", "reason": "CVE", "workloads": [GATEWAY], "expiresAt": ENDS, "requestedBy": "anna"}
    made.cluster.put_override("fix", spec, MADE)
    made.run(30)
    made.wall += off
    made.prometheus.trouble = DOWN

    while made.prometheus.time < AT + 2 * HOUR - 2 * MINUTE:
        made.run(MINUTE)
        gate = made.cluster.gate("gateway")
        assert gate is not None
        assert [each["until"] for each in gate["overrides"]] == [ENDS]
