import pytest

from frostline import names
from frostline.controller.account import Key
from frostline.controller.cycle import rehydrating
from frostline.core.outcome import Failed, Failure, Partial
from tests.controller.matching import MINUTE, levels, reason, traffic, world
from tests.controller.world.manifests import manifest
from tests.controller.world.prometheus import DOWN
from tests.controller.world.world import World
from tests.support.objectives import AT, HOUR


def test_the_first_cycle_shows_a_figure_and_no_level() -> None:
    made = world(traffic(base=0.0005))

    made.run()

    status = made.api.status("matching")
    assert status["display"]["sli"] == "99.950%"
    assert status["budget"]["remainingPercent"] == pytest.approx(50, abs=0.01)
    assert "level" not in status
    assert reason(made) == "Rehydrating"
    assert rehydrating(made.cycle.views)


def test_after_the_buckets_there_is_a_level() -> None:
    made = world(traffic(base=0.0005))

    made.settle()

    status = made.api.status("matching")
    assert (status["level"], reason(made)) == ("Depleting", "Measured")
    assert [each["window"] for each in status["burnRates"]] == ["5m", "30m", "1h", "6h", "1d"]
    assert not rehydrating(made.cycle.views)
    assert levels(made) == ["Depleting"]


def test_that_a_new_objective_is_healthy_is_no_news() -> None:
    made = world(traffic())

    made.settle()

    assert made.api.status("matching")["level"] == "Healthy"
    assert made.api.events == []


def test_each_change_of_level_is_told_once() -> None:
    made = world(traffic((AT + 5 * MINUTE, AT + 60 * MINUTE)))
    made.settle()

    made.run(30, times=120)

    assert levels(made) == ["Healthy -> Depleting", "Depleting -> Endangered", "Endangered -> Exhausted"]
    assert all(told.warning for told in made.api.events)
    assert {told.reason for told in made.api.events} == {names.Reason.LEVEL_CHANGED}
    assert "of the error budget left" in made.api.events[0].note
    assert made.api.status("matching")["level"] == "Exhausted"


def test_levels_come_back_and_are_told_without_alarm() -> None:
    """A day's window: what is spent comes back as it leaves the window."""
    made = world(traffic((AT - 23 * HOUR, AT - 23 * HOUR + 65), share=1.0), window="1d")
    made.settle()
    assert made.api.status("matching")["level"] == "Endangered"

    made.run(5 * MINUTE, times=36)

    assert levels(made)[-1] == "Endangered -> Healthy"
    assert not made.api.events[-1].warning
    assert made.api.status("matching")["level"] == "Healthy"


def test_a_quiet_hour_costs_few_writes() -> None:
    made = world(traffic(base=0.0001))
    made.settle()
    made.api.patches.clear()

    made.run(30, times=120)

    assert len(made.api.patches) <= 61


def test_a_tampered_status_is_put_right_without_an_event() -> None:
    made = world(traffic())
    made.settle()
    right = made.api.status("matching")

    made.api.tamper("matching", {"level": "Exhausted", "sli": 1.0, "releases": "Freeze", "display": {"budget": "?"}})
    made.relist()
    made.run()

    assert made.api.status("matching") == right
    assert made.api.events == []


def test_an_object_that_is_deleted_in_mid_cycle_is_let_go() -> None:
    made = world(traffic())
    made.settle()
    made.api.before_write = made.api.objects.clear

    made.run(300)
    made.relist()
    made.run(30)

    assert made.cycle.views == ()
    assert made.api.events == []


def test_an_object_that_was_made_anew_gets_nothing_of_its_predecessor() -> None:
    made = world(traffic(base=0.01))
    made.settle()
    made.delete("matching")
    made.stores.objectives.put(made.api.apply("matching", manifest("nothing"), uid="successor"))

    made.settle()

    status = made.api.status("matching")
    assert "sli" not in status
    assert reason(made) == "NoData"


@pytest.mark.parametrize(
    ("trouble", "reason_shown"),
    [
        pytest.param(DOWN, "QueryFailed", id="down"),
        pytest.param(Partial(("a store is gone",)), "Partial", id="partial"),
    ],
)
def test_while_prometheus_is_in_trouble_everything_holds(trouble: Failed | Partial, reason_shown: str) -> None:
    made = world(traffic((AT + HOUR, AT + 3 * HOUR), base=0.0005))
    made.settle()
    before = made.api.status("matching")

    made.prometheus.trouble = trouble
    made.run(2 * HOUR)

    during = made.api.status("matching")
    for name in ("sli", "budget", "level", "levelSince", "counts", "measuredAt"):
        assert during[name] == before[name], name
    assert reason(made) == reason_shown
    assert during["display"]["sli"] == f"99.950% ({reason_shown})"

    made.prometheus.trouble = None
    made.settle()

    assert reason(made) == "Measured"
    assert made.api.status("matching")["level"] == "Exhausted"


def test_sums_come_first_also_when_prometheus_was_down_at_the_start() -> None:
    made = world(traffic(base=0.0005))
    made.prometheus.trouble = DOWN
    made.run()
    made.prometheus.trouble = None

    made.run(30)

    assert made.api.status("matching")["display"]["sli"] == "99.950%"


def test_sums_come_first_also_when_they_failed_once() -> None:
    made = world(traffic(base=0.0005))
    made.prometheus.trouble_with["all"] = Failed(Failure.TIMEOUT, "slow")
    made.run()
    made.prometheus.trouble_with.clear()

    made.run(30)

    assert made.api.status("matching")["display"]["sli"] == "99.950%"


def test_one_objective_in_trouble_leaves_the_others_alone() -> None:
    made = World({"all": traffic(), "other": traffic()})
    made.apply("matching", manifest())
    made.apply("chat", manifest("other"))
    made.prometheus.trouble_with["other"] = Failed(Failure.BAD_QUERY, "parse error")

    made.settle()

    assert reason(made) == "Measured"
    assert made.condition("chat", names.Condition.MEASURED)["reason"] == "QueryFailed"


def test_a_refused_write_is_tried_again_and_the_event_waits_for_it() -> None:
    made = world(traffic(base=0.01))
    made.api.refuses = True
    made.settle()
    assert made.api.events == []

    made.api.refuses = False
    made.run(30)

    assert levels(made) == ["Exhausted"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param(manifest("all{"), "Invalid", id="syntax error"),
        pytest.param(manifest(target=100), "Invalid", id="target 100"),
        pytest.param(
            manifest() | {"window": {"calendar": "Month", "timeZone": "Mars"}}, "Invalid", id="no such time zone"
        ),
        pytest.param({}, "Invalid", id="empty"),
    ],
)
def test_what_is_not_accepted_is_not_measured(spec: dict[str, object], why: str) -> None:
    made = World({"all": traffic()})
    made.apply("matching", spec)

    made.run()

    assert made.prometheus.asked == []
    assert made.api.status("matching")["display"]["sli"] == why
    assert reason(made, names.Condition.ACCEPTED) == why


def test_another_target_is_judged_at_once_from_the_same_buckets() -> None:
    made = world(traffic(base=0.0005))
    made.settle()
    made.prometheus.asked.clear()

    made.apply("matching", manifest(target=99))
    made.run(30)

    status = made.api.status("matching")
    assert (status["target"], status["level"], status["observedGeneration"]) == (99, "Healthy", 2)
    assert status["budget"]["remainingPercent"] == pytest.approx(95, abs=0.01)
    assert all(gap.width_s == 300 for gap in made.prometheus.asked), "no hour is read again"


def test_another_selector_begins_anew() -> None:
    made = World({"all": traffic(base=0.0005), "other": traffic(base=0.0002)})
    made.apply("matching", manifest())
    made.settle()

    made.apply("matching", manifest("other"))
    made.run(30)
    assert reason(made) == "Rehydrating"
    made.settle()

    assert made.api.status("matching")["display"]["budget"] == "80.0%"


def test_the_wrong_turned_right() -> None:
    made = World({"all": traffic()})
    made.apply("matching", manifest("all{"))
    made.run()

    made.apply("matching", manifest())
    made.settle()

    assert made.api.status("matching")["level"] == "Healthy"


def test_a_review_that_no_calendar_holds_stops_nobody() -> None:
    made = World({"all": traffic()})
    made.apply("matching", manifest())
    made.apply("eternal", manifest(review={"every": "90d", "last": "9999-12-31"}))

    made.settle()

    assert reason(made) == "Measured"


def test_the_clock_set_back_and_forth_again() -> None:
    made = world(traffic(base=0.0001))
    made.settle()

    made.run(-2 * HOUR)
    made.settle()
    made.run(2 * HOUR)
    made.settle()

    assert reason(made) == "Measured"
    assert made.api.status("matching")["level"] == "Healthy"


def test_keys_read_as_kubectl_writes_them() -> None:
    assert str(Key("dating", "matching")) == "dating/matching"


def test_nothing_is_filled_while_the_time_is_unknown() -> None:
    made = world(traffic())
    made.run()
    made.prometheus.trouble = DOWN
    made.prometheus.asked.clear()

    assert made.cycle.fill(lambda: False) is False
    assert made.prometheus.asked == []
