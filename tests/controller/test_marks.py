import pytest

from frostline import names
from frostline.api.gate import GateSpec
from frostline.controller.marks import ALL, marks, patch
from tests.controller.gate_specs import claim, spec
from tests.controller.world.manifests import merged


def test_a_workload_without_a_gate_carries_no_mark() -> None:
    assert marks(None) == {}


def test_the_marks_of_a_gate() -> None:
    held = spec(rule="Freeze", by=[claim("matching"), claim("answering", level="Depleting", rule="Warn")])

    assert marks(held) == {
        "frostline.dev/releases": "Freeze",
        "frostline.dev/objective": "matching,answering",
        "frostline.dev/level": "Exhausted",
        "frostline.dev/since": "2027-01-15T08:00:00Z",
        "frostline.dev/message": "Freeze since 2027-01-15 08:00 UTC by matching (Exhausted):"
        " kubectl describe releasegate deployment-gateway",
    }


def test_marks_hold_no_figures() -> None:
    """A figure that changes would have every workload written again and again."""
    one = spec(by=[claim("matching", budget="-4.0%", measured_at="2027-01-15T08:00:00Z")])
    other = spec(by=[claim("matching", budget="-9.0%", measured_at="2027-01-15T09:00:00Z", trouble="Stale")])

    assert marks(one) == marks(other)


@pytest.mark.parametrize("wanted", [None, spec(rule="Warn")], ids=["without a gate", "with one"])
@pytest.mark.parametrize(
    "before",
    [
        {},
        {"labels": {"app": "x"}, "annotations": {"team": "core"}},
        {"labels": {"app": "x", ALL[0]: "Slush"}, "annotations": dict.fromkeys(ALL[1:], "old")},
    ],
    ids=["bare", "of others", "old ones of ours"],
)
def test_a_patch_leaves_exactly_these_marks_and_all_of_others(wanted: GateSpec | None, before: object) -> None:
    after = merged({"metadata": before}, patch(marks(wanted)))["metadata"]

    found = {**after["labels"], **after["annotations"]}
    assert {name: value for name, value in found.items() if name in ALL} == marks(wanted)
    others = {**merged({}, before).get("labels", {}), **merged({}, before).get("annotations", {})}
    assert {name: value for name, value in found.items() if name not in ALL} == {
        name: value for name, value in others.items() if name not in ALL
    }


def test_all_marks_are_of_our_group() -> None:
    assert all(each.startswith(f"{names.GROUP}/") for each in ALL)
    assert len(ALL) == 1 + len(names.Annotation)
