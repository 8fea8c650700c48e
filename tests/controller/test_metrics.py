from prometheus_client.parser import text_string_to_metric_families

from frostline.controller.arming import Arming
from frostline.controller.health import Health
from frostline.controller.metrics import Instruments
from tests.controller.freezing import frozen_shop
from tests.controller.test_arming import Cluster
from tests.controller.world.manifests import manifest
from tests.controller.world.prometheus import DOWN
from tests.controller.world.world import World
from tests.support.objectives import steady


def world() -> tuple[World, Instruments, Health]:
    made = World({"all": steady(0.0005)})
    made.apply("matching", manifest())
    instruments = Instruments()
    health = Health(30, lambda: 0.0, instruments.cycled)
    instruments.show(made.cycle, health, Arming(Cluster()))
    instruments.show_leadership(lambda: True)
    return made, instruments, health


def samples(instruments: Instruments) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the values by name and label values."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(instruments.exposition().decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_figures_of_a_measured_objective() -> None:
    made, instruments, health = world()
    made.settle()
    health.cycled(0.25)

    found = samples(instruments)

    which = ("dating", "matching")
    assert found["frostline_objective_ratio", which] == 0.999
    assert round(found["frostline_sli_ratio", which], 9) == 0.9995
    assert round(found["frostline_budget_remaining_ratio", which], 6) == 0.5
    assert round(found["frostline_burn_rate", (*which, "1h")], 6) == 0.5
    assert found["frostline_budget_seconds", which] == 2_592
    assert found["frostline_objective_info", (*which, "", "3", "30d")] == 1
    assert found["frostline_level", (*which, "Depleting")] == 1
    assert found["frostline_measured", which] == 1
    assert found["frostline_cycles_total", ()] == 1
    assert found["frostline_cycle_seconds_sum", ()] == 0.25
    assert found["frostline_cycle_interval_seconds", ()] == 30
    assert found["frostline_objectives", ("true",)] == 1


def test_while_prometheus_is_down_the_last_figures_stand_and_say_so() -> None:
    made, instruments, _ = world()
    made.settle()
    made.prometheus.trouble = DOWN
    made.run(60)

    found = samples(instruments)

    assert found["frostline_measured", ("dating", "matching")] == 0
    assert round(found["frostline_budget_remaining_ratio", ("dating", "matching")], 6) == 0.5


def test_the_fleet_is_counted_by_level_and_by_how_measuring_went() -> None:
    made, instruments, _ = world()
    made.apply("other", manifest("gone"))
    made.settle()

    found = samples(instruments)

    assert found["frostline_objectives_by_level", ("Depleting",)] == 1
    assert found["frostline_objectives_by_level", ("Exhausted",)] == 0
    assert found["frostline_objectives_by_outcome", ("Measured",)] == 1
    assert found["frostline_objectives_by_outcome", ("NoData",)] == 1
    assert found["frostline_ledger_known_ratio", ()] == 1


def test_after_a_start_the_ledgers_say_how_much_of_them_is_known() -> None:
    made, instruments, _ = world()
    made.run()

    found = samples(instruments)

    assert found["frostline_objectives_by_outcome", ("Rehydrating",)] == 1
    assert 0 <= found["frostline_ledger_known_ratio", ()] < 0.1


def test_a_frozen_workload_says_by_which_objective_and_since_when() -> None:
    made = frozen_shop()
    instruments = Instruments()
    instruments.show(made.cycle, Health(30, lambda: 0.0), Arming(Cluster()))

    found = samples(instruments)

    since = found["frostline_release_held_timestamp_seconds", ("Deployment", "matching", "dating", "Freeze", "gateway")]
    assert 0 <= made.prometheus.time - since <= 120
    assert found["frostline_release_gates", ("Freeze",)] == 1
    assert found["frostline_release_gates", ("Slush",)] == 0


def test_what_was_never_measured_has_no_figures() -> None:
    made, instruments, _ = world()
    made.prometheus.trouble = DOWN
    made.run()

    names = {name for name, _ in samples(instruments)}

    assert "frostline_measured" in names
    assert names.isdisjoint({"frostline_sli_ratio", "frostline_budget_remaining_ratio", "frostline_level"})


def test_a_deleted_objective_leaves_no_series() -> None:
    made, instruments, _ = world()
    made.settle()
    made.delete("matching")
    made.run(30)

    assert all("matching" not in labels for _, labels in samples(instruments))


def test_what_is_not_accepted_is_counted_and_nothing_else() -> None:
    made, instruments, _ = world()
    made.apply("wrong", manifest("all{"))
    made.run()

    found = samples(instruments)

    assert found["frostline_objectives", ("false",)] == 1
    assert all("wrong" not in labels for _, labels in found)


def test_queries_and_writes_are_counted_by_outcome() -> None:
    instruments = Instruments()
    instruments.queried("(flags)", "answered", 0.2)
    instruments.queried("(flags)", "timeout", 20.0)
    instruments.wrote("written")
    instruments.wrote("written")

    found = samples(instruments)

    assert found["frostline_prometheus_query_seconds_count", ("timeout", "(flags)")] == 1
    assert found["frostline_prometheus_query_seconds_sum", ("answered", "(flags)")] == 0.2
    assert found["frostline_status_writes_total", ("written",)] == 2


def test_a_term_that_ended_leaves_no_figures_behind() -> None:
    made = World({"all": steady(0.0005)})
    made.apply("matching", manifest())
    made.settle()
    instruments, leads = Instruments(), True
    instruments.show_leadership(lambda: leads)
    hide = instruments.show(made.cycle, Health(30), Arming(Cluster()))
    which = ("frostline_objective_ratio", ("dating", "matching"))
    assert samples(instruments)[which] == 0.999
    assert samples(instruments)["frostline_leader", ()] == 1

    hide()
    leads = False

    assert which not in samples(instruments)
    assert samples(instruments)["frostline_leader", ()] == 0
    instruments.show(made.cycle, Health(30), Arming(Cluster()))
    assert samples(instruments)[which] == 0.999
