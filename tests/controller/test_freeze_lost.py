"""Measurement lost, and the operator restarted, at every stage of a freeze."""

from collections.abc import Callable

import pytest

from frostline import names
from frostline.api.base import JsonObject
from frostline.core.outcome import Failed, Failure, Partial
from tests.controller.freezing import MINUTE, Shop, Traffic, amiss, frozen_shop, open_shop, promise
from tests.controller.stages import STAGES, solvent
from tests.controller.world.prometheus import DOWN
from tests.support.objectives import AT, HOUR

BASES = {"Healthy": 0.0001, "Depleting": 0.0005, "Endangered": 0.0008, "Exhausted": 0.0015}


def at_level(level: str) -> Shop:
    made = Shop(Traffic(base=BASES[level]))
    made.apply("matching", promise())
    made.settle()
    made.run(30, times=3)
    assert made.api.status("matching")["level"] == level
    return made


def down(made: Shop) -> None:
    made.prometheus.trouble = DOWN


def partial(made: Shop) -> None:
    made.prometheus.trouble = Partial(("a store is gone",))


def query_failed(made: Shop) -> None:
    made.prometheus.trouble_with["all"] = Failed(Failure.BAD_QUERY, "parse error")


def query_partial(made: Shop) -> None:
    made.prometheus.trouble_with["all"] = Partial(("a store is gone",))


def stale(made: Shop) -> None:
    made.traffic.ended = int(made.prometheus.time)


def several(made: Shop) -> None:
    made.prometheus.series["all"] = 7


def inconsistent(made: Shop) -> None:
    made.prometheus.events["all"] = lambda start, end: (20_000.0 * (end - start), float(end - start))


FIGURES = ("budget", "measuredAt")

LOST = {
    "down": (down, "QueryFailed"),
    "partial": (partial, "Partial"),
    "query failed": (query_failed, "QueryFailed"),
    "query partial": (query_partial, "Partial"),
    "stale": (stale, "Stale"),
    "inconsistent": (inconsistent, "Inconsistent"),
}


@pytest.mark.parametrize("level", BASES)
@pytest.mark.parametrize(("lose", "reason"), LOST.values(), ids=LOST.keys())
def test_what_is_not_measured_changes_nothing_and_says_so(
    level: str, lose: Callable[[Shop], None], reason: str
) -> None:
    made = at_level(level)
    before, rule = made.cluster.gate("gateway"), made.rule()
    marks, events = made.cluster.marks("gateway"), len(made.cluster.events)

    lose(made)
    made.run(5 * MINUTE, times=2)
    writes = made.cluster.gate_writes
    made.run(5 * MINUTE, times=10)

    assert made.condition("matching", names.Condition.MEASURED)["reason"] == reason
    assert made.api.status("matching")["level"] == level
    assert (made.rule(), made.cluster.marks("gateway"), len(made.cluster.events)) == (rule, marks, events)
    assert made.cluster.gate_writes == writes, "the gate is written when the trouble begins, not with every cycle"
    assert amiss(made) == []
    after = made.cluster.gate("gateway")
    if before is not None:
        assert after is not None
        assert after["since"] == before["since"]
        assert f", not since: {reason}" in after["message"]
        assert "measured 2027-01-15 0" in after["message"]
        assert "may lift" not in after["message"]


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_freeze_outlasts_all_of_its_data(*, restart: bool) -> None:
    made = frozen_shop()
    if restart:
        made.restart()

    del made.prometheus.events["all"]
    made.skip(30)

    assert made.rule() == "Freeze"
    assert made.condition("matching", names.Condition.MEASURED)["reason"] == "NoData"


def test_too_many_series_hold_a_freeze() -> None:
    made = frozen_shop(young=True)
    several(made)
    made.run(30)

    made.heal(0.25)

    assert made.rule() == "Freeze"
    assert amiss(made) == []


def test_what_could_not_be_measured_is_judged_once_it_can_be() -> None:
    made = open_shop()
    down(made)
    made.spend()
    assert made.rule() is None

    made.prometheus.trouble = None
    made.settle()

    assert made.rule() == "Freeze"


def without_figures(gate: JsonObject | None) -> JsonObject:
    if gate is None:
        return {}
    figures = ("message", "liftsAbout", "display")
    by = [{name: value for name, value in each.items() if name not in (*FIGURES, "liftsAbout")} for each in gate["by"]]
    return {name: value for name, value in gate.items() if name not in figures} | {"by": by}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("prometheus", ["up", "down"])
def test_a_restart_changes_no_gate_and_tells_nothing_twice(stage: Callable[[Shop], None], prometheus: str) -> None:
    made = open_shop(young=True)
    stage(made)
    gate, marks, told = made.cluster.gate("gateway"), made.cluster.marks("gateway"), len(made.cluster.events)
    level, levels = made.api.status("matching")["level"], len(made.api.events)

    made.restart()
    if prometheus == "down":
        down(made)
        made.run(10 * MINUTE, times=3)
        made.prometheus.time -= 30 * MINUTE
    else:
        made.run()
    early = made.cluster.gate("gateway")
    made.prometheus.trouble = None
    made.settle()

    after = made.cluster.gate("gateway")
    for each in (early, after):
        assert (each and each["rule"]) == (gate and gate["rule"])
        assert (each and each["since"]) == (gate and gate["since"])
    assert without_figures(after) == without_figures(gate)
    assert made.cluster.marks("gateway") == marks
    assert len(made.cluster.events) == told
    assert (made.api.status("matching")["level"], len(made.api.events)) == (level, levels)
    assert amiss(made) == []


def test_a_restart_does_not_forget_the_hold() -> None:
    """Restarted in the middle of the calm hour, it lifts when an operator that runs on does."""
    made = open_shop(young=True)
    solvent(made)
    other = open_shop(young=True)
    solvent(other)

    made.restart()
    made.settle()
    lifts = []
    for each in (made, other):
        while each.rule() == "Freeze":
            each.run(MINUTE)
        lifts.append(each.prometheus.time)

    assert abs(lifts[0] - lifts[1]) <= 5 * MINUTE, "levels are read back from buckets of five minutes"


def test_what_happened_while_the_operator_was_away_counts() -> None:
    made = frozen_shop(young=True)
    made.prometheus.time += 5 * HOUR

    made.restart()
    made.settle()

    assert made.rule() == "Warn"
    assert amiss(made) == []


def test_a_steady_freeze_of_many_workloads_costs_few_writes() -> None:
    made = open_shop(protects=[{"kind": "Deployment", "selector": {"matchLabels": {"part-of": "shop"}}}])
    for number in range(29):
        made.cluster.deploy(f"part-{number}", "app:1", **{"part-of": "shop"})
    made.spend()
    made.run(30, times=2)
    assert len(made.cluster.gates) == 30
    gates, marks = made.cluster.gate_writes, made.cluster.mark_writes

    made.run(30, times=40)

    assert made.cluster.gate_writes - gates <= 30 * 4, "figures are renewed every five minutes at most"
    assert made.cluster.mark_writes == marks


def test_the_clock_set_back_keeps_a_freeze() -> None:
    made = frozen_shop()
    before = made.cluster.gate("gateway")

    made.run(-2 * HOUR)
    made.settle()

    assert made.prometheus.time < AT
    assert before is not None
    assert made.rule() == "Freeze"
