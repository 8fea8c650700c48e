"""Of any history: gates go only where the level or the promise lets go, and all fits together at all times."""

import copy
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline import names
from frostline.api.base import JsonObject
from frostline.controller.stores import Stores
from frostline.core.gate import Workload
from tests.controller.freezing import ALL_OF_SHOP, MINUTE, Shop, amiss, open_shop, promise
from tests.controller.world.prometheus import DOWN

GATEWAY = Workload("dating", "Deployment", "gateway")
STRICTNESS = {None: 0, "Warn": 1, "Slush": 2, "Freeze": 3}


def pass_minutes(made: Shop, number: int) -> None:
    made.run(5 * MINUTE, times=1 + number)


def skip_hours(made: Shop, number: int) -> None:
    made.skip(1 + number)


def fail_seconds(made: Shop, number: int) -> None:
    made.spend(2 + 2 * number)


def lose_prometheus(made: Shop, _: int) -> None:
    made.prometheus.trouble = DOWN


def find_prometheus(made: Shop, _: int) -> None:
    made.prometheus.trouble = None


def restart(made: Shop, _: int) -> None:
    made.restart()


def refuse(made: Shop, number: int) -> None:
    made.cluster.refuses = number % 2 == 0


def read_nothing(made: Shop, number: int) -> None:
    made.cluster.unreadable = number % 2 == 0


def deploy(made: Shop, number: int) -> None:
    made.cluster.deploy("gateway", f"app:{number}")


def join(made: Shop, number: int) -> None:
    made.cluster.deploy(f"search-{number % 3}", "app:1", **{"part-of": "shop"})


def leave(made: Shop, _: int) -> None:
    made.cluster.change("gateway", {"labels": {"part-of": None}})


def strip(made: Shop, _: int) -> None:
    made.cluster.change("gateway", {"labels": {str(names.Label.RELEASES): None}, "annotations": None})


def delete_gate(made: Shop, _: int) -> None:
    if made.cluster.gate("gateway") is not None:
        made.cluster.delete_gate("gateway")


def break_manifest(made: Shop, number: int) -> None:
    made.apply("matching", promise("all{" if number % 2 else "all", protects=[ALL_OF_SHOP]))


STEPS: list[Callable[[Shop, int], None]] = [
    pass_minutes,
    skip_hours,
    fail_seconds,
    lose_prometheus,
    find_prometheus,
    restart,
    refuse,
    read_nothing,
    deploy,
    join,
    leave,
    strip,
    break_manifest,
]
FROZEN: list[tuple[Callable[[Shop, int], None], int]] = [(fail_seconds, 9), (fail_seconds, 9)]
"""A start that freezes a young shop, and one at Warn an old one."""
HISTORIES = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), min_size=4, max_size=14)
# A gate that is deleted while nobody is there to remember it is another matter.
TAMPERED = st.lists(
    st.tuples(st.sampled_from([pass_minutes, fail_seconds, delete_gate, strip, deploy, leave]), st.integers(0, 9)),
    min_size=4,
    max_size=10,
)


def lived(history: list[tuple[Callable[[Shop, int], None], int]], *, young: bool) -> tuple[Shop, list[JsonObject]]:
    """Return a world after a history, and all gates after each step; what must hold is looked at on the way."""
    made = open_shop(protects=[ALL_OF_SHOP], young=young)
    seen = []
    for step, number in history:
        before = {workload: gate["spec"] for workload, gate in made.cluster.gates.items()}
        step(made, number)
        made.run(30)
        made.cycle.fill(lambda: False)
        made.run()
        for workload, spec in before.items():
            now = made.cluster.gates.get(workload)
            rule = None if now is None else now["spec"]["rule"]
            left_by_the_machine = made.api.status("matching").get("level") != spec["by"][0]["level"]
            if STRICTNESS[rule] < STRICTNESS[spec["rule"]] and spec["rule"] in ("Slush", "Freeze"):
                assert left_by_the_machine, f"{workload} was let go from {spec['rule']} to {rule} by {step.__name__}"
                measured = made.condition("matching", names.Condition.MEASURED)
                assert measured["status"] == "True", f"{workload} was let go unmeasured by {step.__name__}"
        if not made.cluster.refuses:
            assert amiss(made) == []
        seen.append(copy.deepcopy({str(workload): gate["spec"] for workload, gate in made.cluster.gates.items()}))
    return made, seen


@settings(max_examples=12)
@given(history=HISTORIES, young=st.booleans())
def test_no_history_lets_go_what_the_level_holds(
    history: list[tuple[Callable[[Shop, int], None], int]], *, young: bool
) -> None:
    made, _ = lived([*FROZEN, *history], young=young)

    made.cluster.refuses = made.cluster.unreadable = False
    made.prometheus.trouble = None
    made.apply("matching", promise(protects=[ALL_OF_SHOP]))
    made.settle()
    made.run()

    assert amiss(made) == []
    level = made.api.status("matching")["level"]
    expected = {"Healthy": None, "Depleting": "Warn", "Endangered": "Slush", "Exhausted": "Freeze"}[level]
    labels = made.cluster.workloads[GATEWAY]["metadata"]["labels"]
    assert made.rule() == expected or ("part-of" not in labels and made.rule() is None)


@settings(max_examples=6)
@given(history=TAMPERED)
def test_what_somebody_does_to_gates_and_marks_lets_nothing_go(
    history: list[tuple[Callable[[Shop, int], None], int]],
) -> None:
    lived([*FROZEN, *history], young=True)


@settings(max_examples=2)
@given(history=HISTORIES)
def test_the_same_history_gives_the_same_gates(history: list[tuple[Callable[[Shop, int], None], int]]) -> None:
    assert lived([*FROZEN, *history], young=True)[1] == lived([*FROZEN, *history], young=True)[1]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_objects_arrive_does_not_matter(seed: int) -> None:
    def gates(shuffled: Callable[[list[JsonObject]], list[JsonObject]]) -> JsonObject:
        made = open_shop(protects=[ALL_OF_SHOP])
        made.apply("answering", promise(protects=[ALL_OF_SHOP], policyRef="strict"))
        made.cluster.put_policy("strict", {"overrides": {"exhausted": ["Emergency"]}})
        for number in range(3):
            made.cluster.deploy(f"search-{number}", "app:1", **{"part-of": "shop"})
        made.spend()
        made.stores = Stores()
        made.cluster.stores = made.stores
        arrivals = [
            (store, each)
            for store, objects in (
                (made.stores.objectives, made.api.objects),
                (made.stores.workloads, made.cluster.workloads),
                (made.stores.gates, made.cluster.gates),
                (made.stores.policies, made.cluster.policies),
                (made.stores.namespaces, made.cluster.namespaces),
            )
            for each in objects.values()
        ]
        for store, each in shuffled(arrivals):  # type: ignore[arg-type]
            store.put(copy.deepcopy(each))  # type: ignore[attr-defined]
        made.begin()
        made.settle()
        return {str(workload): gate["spec"] for workload, gate in sorted(made.cluster.gates.items())}

    def shuffled(arrivals: list[JsonObject]) -> list[JsonObject]:
        return random.Random(seed).sample(arrivals, len(arrivals))

    assert gates(shuffled) == gates(list)
