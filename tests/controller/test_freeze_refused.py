"""An API server that refuses, at every stage of a freeze."""

from collections.abc import Callable

import pytest

from tests.controller.freezing import Shop, amiss, frozen_shop, open_shop
from tests.controller.stages import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_an_api_server_that_refuses_all_writes_gets_them_later(stage: Callable[[Shop], None]) -> None:
    expected = open_shop(young=True)
    stage(expected)
    made = open_shop(young=True)
    made.cluster.refuses = made.api.refuses = True
    try:
        stage(made)
    except AssertionError:
        made.prometheus.time = expected.prometheus.time
        made.settle()
    assert made.cluster.gates == {}
    assert made.cluster.events == []

    made.cluster.refuses = made.api.refuses = False
    made.run()

    assert made.rule() == expected.rule()
    assert amiss(made) == []


def test_a_lift_that_is_refused_is_made_good() -> None:
    made = frozen_shop()
    made.delete("matching")
    made.cluster.refuses = True
    made.run(30, times=3)
    assert made.rule() == "Freeze"
    assert made.cluster.poked == []

    made.cluster.refuses = False
    made.run(30)

    assert made.cluster.gates == {}
    assert made.reasons().count("ReleasesOpened") == 1
    assert amiss(made) == []


@pytest.mark.parametrize("warned", [False, True], ids=["from nothing", "from a warning"])
def test_nothing_is_held_back_before_the_way_back_is_known(*, warned: bool) -> None:
    made = open_shop()
    if warned:
        made.spend(40)
    made.cluster.unreadable = True
    made.spend()
    made.run(30, times=3)
    assert made.api.status("matching")["level"] == "Exhausted"
    assert made.rule() in (None, "Warn")
    assert amiss(made) == []

    made.cluster.unreadable = False
    made.run(30)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert (gate["rule"], [each["source"] for each in gate["good"]]) == ("Freeze", ["revision 1"])
    assert amiss(made) == []


def test_a_freeze_that_stands_does_not_need_earlier_templates_again() -> None:
    made = frozen_shop(young=True)
    made.cluster.unreadable = True

    made.heal(2.25)

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert (gate["rule"], [each["source"] for each in gate["good"]]) == ("Slush", ["revision 1"])
