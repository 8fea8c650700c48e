"""Gates, marks and labels that somebody edits or deletes, by the bypass or while enforcement is off: put right."""

from collections.abc import Callable
from typing import Any

import pytest

from frostline import names
from frostline.controller.account import Key
from frostline.core.gate import Workload
from tests.controller.freezing import ALL_OF_SHOP, Shop, amiss, frozen_shop
from tests.controller.world.manifests import template

WORKLOAD = Workload("dating", "Deployment", "gateway")


def passed(made: Shop) -> None:
    """Look again, as the loop does when a gate, a mark or a workload changes."""
    made.enforce()


def good_of_mine(spec: dict[str, Any]) -> None:
    spec["good"].append({"source": "me", "template": {"containers": [{"name": "app", "image": "app:9"}]}})


def loosened(spec: dict[str, Any]) -> None:
    spec["rule"] = "Warn"


def since_now(spec: dict[str, Any]) -> None:
    spec["since"] = "2030-01-01T00:00:00Z"


def nobody_asks(spec: dict[str, Any]) -> None:
    spec["by"] = []


def somebody_else_asks(spec: dict[str, Any]) -> None:
    spec["by"][0] |= {"objective": "other", "uid": "other"}


def another_shape(spec: dict[str, Any]) -> None:
    spec["shape"]["ignoredContainers"] = ["app"]


def any_class(spec: dict[str, Any]) -> None:
    spec["overrideClasses"] = ["LowRisk"]


def override_of_mine(spec: dict[str, Any]) -> None:
    spec.setdefault("overrides", []).append(
        {"name": "mine", "uid": "mine", "class": "Emergency", "until": "2030-01-01T00:00:00Z", "users": ["me"]}
    )


def running_of_mine(spec: dict[str, Any]) -> None:
    spec["running"] = {"containers": [{"name": "app", "image": "app:9"}]}


def another_message(spec: dict[str, Any]) -> None:
    spec["message"] = "go ahead"


def of_another_workload(spec: dict[str, Any]) -> None:
    spec["workload"]["name"] = "other"


def unreadable(spec: dict[str, Any]) -> None:
    spec.clear()
    spec["nonsense"] = True


EDITS = [
    good_of_mine,
    loosened,
    since_now,
    nobody_asks,
    somebody_else_asks,
    another_shape,
    any_class,
    override_of_mine,
    running_of_mine,
    another_message,
    of_another_workload,
    unreadable,
]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_gate_is_put_right_in_one_pass(edit: Callable[[dict[str, Any]], None]) -> None:
    made = frozen_shop()
    made.cluster.deploy("gateway", "app:1")
    made.run(30)
    right, told = made.cluster.gate("gateway"), len(made.cluster.events)

    made.cluster.edit_gate("gateway", edit)
    passed(made)

    assert made.cluster.gate("gateway") == right
    assert len(made.cluster.events) == told
    assert amiss(made) == []


@pytest.mark.parametrize(
    "edit",
    [
        loosened,
        nobody_asks,
        somebody_else_asks,
        any_class,
        override_of_mine,
        another_message,
        of_another_workload,
        unreadable,
    ],
)
def test_a_gate_that_was_edited_while_nobody_watched_is_put_right_as_far_as_can_be_known(
    edit: Callable[[dict[str, Any]], None],
) -> None:
    made = frozen_shop()
    right = made.cluster.gate("gateway")
    assert right is not None

    made.cluster.edit_gate("gateway", edit)
    made.restart()
    made.settle()
    made.run()

    gate = made.cluster.gate("gateway")
    assert gate is not None
    for name in ("workload", "rule", "overrideClasses", "shape", "running", "good", "overrides"):
        assert gate[name] == right[name], name
    assert [each["objective"] for each in gate["by"]] == ["matching"]
    assert amiss(made) == []


def test_a_deleted_gate_comes_back_as_it_was() -> None:
    """After a rollback the culprit is an earlier revision: a gate begun anew would call it good."""
    made = frozen_shop()
    made.cluster.deploy("gateway", "app:1")
    made.run(30)
    right, told = made.cluster.gate("gateway"), len(made.cluster.events)

    made.cluster.delete_gate("gateway")
    passed(made)

    assert made.cluster.gate("gateway") == right
    assert len(made.cluster.events) == told
    assert amiss(made) == []


def test_a_gate_that_is_deleted_with_its_promise_stays_away() -> None:
    made = frozen_shop()
    made.cluster.delete_gate("gateway")
    made.delete("matching")

    made.run(30)

    assert made.cluster.gates == {}
    assert made.reasons()[-1] == "ReleasesOpened"
    assert amiss(made) == []


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"labels": {str(names.Label.RELEASES): None}}, id="label removed"),
        pytest.param({"labels": {str(names.Label.RELEASES): "Warn"}}, id="label edited"),
        pytest.param({"annotations": None}, id="annotations removed"),
        pytest.param({"annotations": {str(names.Annotation.LEVEL): "Healthy"}}, id="annotation edited"),
        pytest.param({"annotations": {str(names.Annotation.SINCE): None}}, id="annotation removed"),
    ],
)
def test_marks_are_put_right_in_one_pass(metadata: dict[str, Any]) -> None:
    made = frozen_shop()
    right, told = made.cluster.marks("gateway"), len(made.cluster.events)

    made.cluster.change("gateway", metadata)
    passed(made)

    assert made.cluster.marks("gateway") == right
    assert len(made.cluster.events) == told
    assert amiss(made) == []


def test_the_mark_of_the_namespace_is_put_right_in_one_pass() -> None:
    made = frozen_shop()

    made.cluster.put_namespace("dating")
    passed(made)

    assert amiss(made) == []
    assert made.cluster.namespaces["dating"]["metadata"]["labels"] == {names.Label.ENFORCED: "true"}


def test_a_namespace_marked_by_somebody_where_nothing_is_held_back_is_put_right() -> None:
    made = frozen_shop()

    made.cluster.put_namespace("elsewhere", **{str(names.Label.ENFORCED): "true"})
    passed(made)

    assert made.cluster.namespaces["elsewhere"]["metadata"]["labels"] == {}


def test_marks_that_an_undo_brings_back_after_the_lift_are_taken_away() -> None:
    made = frozen_shop(young=True)
    old = made.cluster.marks("gateway")
    made.skip(30)
    assert made.rule() is None

    notes = {name: value for name, value in old.items() if name != names.Label.RELEASES}
    made.cluster.change("gateway", {"annotations": notes})
    passed(made)

    assert made.cluster.marks("gateway") == {}
    assert amiss(made) == []


def test_marks_that_an_undo_brings_back_from_an_earlier_rule_are_renewed() -> None:
    made = frozen_shop(young=True)
    old = made.cluster.marks("gateway")
    made.heal(2.25)
    assert made.rule() == "Slush"
    right = made.cluster.marks("gateway")

    made.cluster.change("gateway", {"annotations": {str(each): old[each] for each in names.Annotation}})
    passed(made)

    assert made.cluster.marks("gateway") == right


def test_marks_forged_on_a_workload_that_nobody_holds_back_are_taken_away() -> None:
    made = frozen_shop()
    made.cluster.deploy("search", "app:1")

    made.cluster.change("search", {"labels": {str(names.Label.RELEASES): "Freeze"}})
    passed(made)

    assert made.cluster.marks("search") == {}
    assert amiss(made) == []


def test_other_labels_and_annotations_are_left_alone() -> None:
    made = frozen_shop(young=True)
    made.cluster.change("gateway", {"annotations": {"team": "core"}, "labels": {"frostline.dev/mine": "x"}})

    made.skip(30)

    metadata = made.cluster.workloads[WORKLOAD]["metadata"]
    assert metadata["annotations"] == {"team": "core"}
    assert metadata["labels"] == {"part-of": "shop", "frostline.dev/mine": "x"}


def test_what_is_right_is_not_written() -> None:
    made = frozen_shop(protects=[ALL_OF_SHOP])
    gates, marks = made.cluster.gate_writes, made.cluster.mark_writes

    for _ in range(5):
        passed(made)

    assert (made.cluster.gate_writes, made.cluster.mark_writes) == (gates, marks)


def test_a_forged_status_of_the_promise_moves_no_gate() -> None:
    made = frozen_shop()
    right = made.cluster.gate("gateway")

    made.api.tamper("matching", {"level": "Healthy", "levelSince": "2027-01-01T00:00:00Z", "releases": "Open"})
    made.stores.objectives.put(made.api.objects[Key("dating", "matching")])
    made.restart()
    made.settle()

    gate = made.cluster.gate("gateway")
    assert gate is not None
    assert right is not None
    assert (gate["rule"], gate["since"], gate["running"]) == (right["rule"], right["since"], right["running"])
    assert gate["running"]["containers"] == template("app:2")["spec"]["containers"]
