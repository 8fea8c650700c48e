import pytest

from frostline import names
from tests.controller.matching import MINUTE, levels, traffic, world
from tests.controller.world.manifests import manifest
from tests.controller.world.prometheus import DOWN
from tests.controller.world.world import World
from tests.support.objectives import AT, DAY, HOUR, Events, steady


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(traffic(), id="healthy"),
        pytest.param(traffic(base=0.0005), id="depleting"),
        pytest.param(traffic((AT - 5 * HOUR, AT - 5 * HOUR + 20 * MINUTE)), id="after an incident"),
        pytest.param(traffic((AT - 20 * MINUTE, AT + DAY)), id="in the middle of one"),
        pytest.param(traffic((AT - 3 * HOUR, AT - 2 * HOUR)), id="exhausted"),
        pytest.param(steady(0.0, per_second=0.0), id="without traffic"),
    ],
)
def test_a_restart_changes_nothing(events: Events) -> None:
    made = world(events)
    made.settle()
    made.run(30, times=10)
    before = made.api.status("matching")
    told = len(made.api.events)

    made.restart()
    made.settle()

    assert made.api.status("matching") == before, "conditions neither, nor since when they are so"
    assert len(made.api.events) == told


def test_a_restart_does_not_lift_a_freeze_that_has_stood_for_more_than_a_day() -> None:
    """The incident has left the window, but burn has stayed above 1 ever since: nothing lifted it."""

    incident = traffic((AT - 7 * DAY, AT - 7 * DAY + 620))
    burning = traffic((AT - HOUR, AT + 4 * DAY), share=0.0011)

    def events(start: int, end: int) -> tuple[float, float]:
        spent, valid = incident(start, end)
        return spent + burning(start, end)[0], valid

    made = world(events, window="7d", protects=[{"kind": "Deployment", "name": "gateway"}])
    made.cluster.deploy("gateway", "app:1")
    made.settle()
    assert made.api.status("matching")["level"] == "Exhausted"
    made.run(600, times=6 * 27)
    assert made.api.status("matching")["level"] == "Exhausted"

    made.restart()
    made.settle()

    assert made.api.status("matching")["level"] == "Exhausted"


def test_a_restart_while_prometheus_is_down_keeps_what_is_known() -> None:
    made = world(traffic(base=0.0005))
    made.settle()
    before = made.api.status("matching")

    made.restart()
    made.prometheus.trouble = DOWN
    made.run(600)

    during = made.api.status("matching")
    for name in ("sli", "budget", "level", "levelSince", "counts", "measuredAt", "burnRates"):
        assert during[name] == before[name], name
    assert "are of 2027-01-15T07:59:30+00:00" in made.condition("matching", names.Condition.MEASURED)["message"]
    assert made.api.events == [] or levels(made) == ["Depleting"]


def test_levels_of_the_last_hour_before_a_restart_are_the_same_after_it() -> None:
    """Improvements are seen at the same moments by an operator that runs on and by one that reads them back."""
    made = world(traffic((AT - 23 * HOUR - 150, AT - 23 * HOUR - 90)), window="1d")
    made.settle()
    for _ in range(4 * 6):
        made.run(30, times=10)
        if made.api.status("matching")["level"] == "Healthy":
            other = World({"all": made.prometheus.events["all"]})
            other.prometheus.time = made.prometheus.time
            other.apply("matching", manifest(window="1d"))
            other.settle()
            assert other.api.status("matching")["level"] == "Healthy"
            return
    pytest.fail("it never got better")


@pytest.mark.parametrize("since", ["rubbish", "2027-13-45T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_a_time_that_cannot_be_since_when_is_not_taken_over(since: object) -> None:
    made = world(traffic())
    made.settle()
    right = made.api.status("matching")["levelSince"]
    made.api.tamper("matching", {"levelSince": since})

    made.restart()
    made.settle()

    assert made.api.status("matching")["levelSince"] == right
