"""What comes to run while releases are held back: rollbacks, and what nobody let pass."""

import pytest

from frostline.api.base import JsonObject
from frostline.controller.tracking import Arrived
from tests.controller.freezing import amiss, frozen_shop, open_shop
from tests.controller.releasing import gate, good, image, release


def test_a_rollback_is_followed_and_told() -> None:
    made = frozen_shop()

    release(made, "app:1")

    assert (image(gate(made)["running"]), gate(made)["runningFrom"]) == ("app:1", "revision 1")
    assert good(made) == ["app:1"]
    assert made.reasons()[-1] == "RolledBack"
    assert not made.cluster.events[-1].warning
    assert made.arrived == [Arrived.ROLLED_BACK]
    assert amiss(made) == []


def test_the_way_back_to_the_culprit_is_no_rollback() -> None:
    made = frozen_shop()
    release(made, "app:1")

    release(made, "app:2")

    assert made.reasons()[-1] == "UnrecordedRelease"
    assert made.cluster.events[-1].warning
    assert "image of container app" in made.cluster.events[-1].note
    assert made.arrived == [Arrived.ROLLED_BACK, Arrived.UNRECORDED]
    assert good(made) == ["app:1"]


def test_good_comes_back_a_second_time() -> None:
    made = frozen_shop()

    for each in ("app:1", "app:2", "app:1"):
        release(made, each)

    assert made.arrived == [Arrived.ROLLED_BACK, Arrived.UNRECORDED, Arrived.ROLLED_BACK]


def test_all_earlier_revisions_are_good_but_what_equals_the_culprit() -> None:
    made = open_shop()
    for each in ("app:3", "app:2", "app:4", "app:2"):
        made.cluster.deploy("gateway", each)
    made.spend()

    assert image(gate(made)["running"]) == "app:2"
    assert good(made) == ["app:4", "app:3", "app:1"]


def test_a_release_that_the_watch_has_not_told_yet_is_the_culprit_and_what_it_replaced_is_good() -> None:
    """Released within the moment in which the freeze begins: the gate reads what is there, not what was last seen."""
    made = open_shop()
    made.cluster.blind = True
    made.cluster.deploy("gateway", "app:3")
    made.spend()
    made.cluster.blind = False
    made.relist_workloads()
    made.run(30)

    assert image(gate(made)["running"]) == "app:3"
    assert good(made) == ["app:2", "app:1"]
    assert made.arrived == []


def test_what_nobody_let_pass_is_told_once() -> None:
    made = frozen_shop()

    release(made, "app:9")
    made.run(30, times=5)

    assert made.reasons().count("UnrecordedRelease") == 1
    assert made.arrived == [Arrived.UNRECORDED]
    assert good(made) == ["app:1"]


def test_what_arrived_is_not_told_again_after_a_restart() -> None:
    made = frozen_shop()
    release(made, "app:9")
    told = len(made.cluster.events)

    made.restart()
    made.settle()
    made.run(30, times=2)

    assert len(made.cluster.events) == told


def test_what_arrived_while_the_operator_was_away_is_told() -> None:
    made = frozen_shop()
    made.cluster.deploy("gateway", "app:9")

    made.restart()
    made.settle()

    assert made.arrived == [Arrived.UNRECORDED]


@pytest.mark.parametrize(
    "metadata",
    [{"annotations": {"team": "core"}}, {"labels": {"team": "core"}}],
    ids=["annotation", "label"],
)
def test_metadata_is_no_release(metadata: JsonObject) -> None:
    made = frozen_shop()

    made.cluster.change("gateway", metadata)
    made.run(30)

    assert made.arrived == []
