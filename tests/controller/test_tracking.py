from typing import Any

import pytest

from frostline.api.base import as_json
from frostline.api.gate import GateSpec
from frostline.controller import tracking
from frostline.controller.tracking import Arrived, TooLargeError, begun, follow
from frostline.controller.workloads import SeenWorkload, seen_workload
from frostline.core.projection import Projection, Shape, project
from tests.controller.gate_specs import carried, spec
from tests.controller.world.manifests import template

AT = "2027-01-15T08:30:00Z"


def projected(image: str) -> Projection:
    return project(template(image), Shape())


def seen(image: str | dict[str, Any], *, settled: bool = True, at: str = AT) -> SeenWorkload:
    return seen_workload(
        {
            "kind": "Deployment",
            "metadata": {
                "namespace": "dating",
                "name": "gateway",
                "uid": "a",
                "resourceVersion": "1",
                "managedFields": [{"time": at}],
            },
            "spec": {"replicas": 1, "template": template(image) if isinstance(image, str) else image},
            "status": {"observedGeneration": 1, "updatedReplicas": int(settled), "availableReplicas": int(settled)},
        }
    )


def held(*overrides: Any, **more: Any) -> GateSpec:
    return begun(spec(overrides=list(overrides), **more), projected("app:2"), [("revision 1", projected("app:1"))])


def images(gate: GateSpec) -> list[tuple[str, str]]:
    return [(each.source, each.template.containers[0]["image"]) for each in gate.good]


def test_what_runs_is_the_culprit_and_what_ran_before_is_good() -> None:
    earlier = [(f"revision {number}", projected(image)) for number, image in ((5, "c"), (4, "x"), (3, "b"), (2, "c"))]

    found = begun(spec(), projected("x"), earlier)

    assert found.running is not None
    assert found.running.containers[0]["image"] == "x"
    assert found.running_from == tracking.AT_START
    assert images(found) == [("revision 5", "c"), ("revision 3", "b")]


@pytest.mark.parametrize(
    ("number", "length", "kept"),
    [
        pytest.param(50, 10, 32, id="as many as a gate can name"),
        pytest.param(10, 100_000, 8, id="as much as a gate can store"),
        pytest.param(10, 400_000, 1, id="the last one"),
    ],
)
def test_good_templates_are_kept_as_far_as_they_fit_the_newest_first(number: int, length: int, kept: int) -> None:
    earlier = [(f"revision {each}", projected(f"{each}{'x' * length}")) for each in range(number, 0, -1)]

    found = begun(spec(), projected("x" * length), earlier)

    assert [each.source for each in found.good] == [f"revision {each}" for each in range(number, number - kept, -1)]


def test_an_earlier_template_that_cannot_be_stored_is_left_out() -> None:
    huge = {"volumes": [{"name": str(number)} for number in range(600)]}

    found = begun(spec(), projected("x"), [("revision 2", huge), ("revision 1", projected("a"))])

    assert images(found) == [("revision 1", "a")]


def test_a_template_that_cannot_be_stored_cannot_be_followed() -> None:
    huge = {"spec": {"containers": [{"name": str(number)} for number in range(300)]}}

    with pytest.raises(TooLargeError, match="containers of its pod template"):
        begun(spec(), project(huge, Shape()), [])
    with pytest.raises(TooLargeError):
        follow(held(), seen(huge))


def test_nothing_is_held_back_where_no_way_back_fits_into_a_gate() -> None:
    with pytest.raises(TooLargeError, match="no template that ran before"):
        begun(spec(), projected("x" * 600_000), [("revision 1", projected("y" * 600_000))])


def test_a_gate_that_only_warns_follows_nothing() -> None:
    warning = spec(rule="Warn")

    assert follow(warning, seen("app:9")) == (warning, None)


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(template("app:2"), id="the same"),
        pytest.param(
            {
                **template("app:2"),
                "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": AT}, "labels": {"app": "y"}},
            },
            id="a restart",
        ),
        pytest.param(
            {
                "spec": {
                    "containers": [{"name": "app", "image": "app:2", "resources": {"limits": {"cpu": "2"}}}],
                    "nodeSelector": {"disk": "ssd"},
                }
            },
            id="operational changes",
        ),
    ],
)
def test_what_is_no_release_is_no_arrival(same: dict[str, Any]) -> None:
    gate = held()

    assert follow(gate, seen(same)) == (gate, None)


def test_what_a_shape_withholds_is_a_release() -> None:
    limits = {"spec": {"containers": [{"name": "app", "image": "app:2", "resources": {"limits": {"cpu": "2"}}}]}}

    _, arrival = follow(held(shape={"withheld": ["Resources"]}), seen(limits))

    assert arrival is not None
    assert (arrival.how, arrival.changed) == (Arrived.UNRECORDED, ("resources of container app",))


def test_a_rollback_names_where_it_goes() -> None:
    found, arrival = follow(held(), seen("app:1"))

    assert arrival is not None
    assert (arrival.how, arrival.source, arrival.changed) == (
        Arrived.ROLLED_BACK,
        "revision 1",
        ("image of container app",),
    )
    assert found.running_from == "revision 1"
    assert follow(found, seen("app:1")) == (found, None)


@pytest.mark.parametrize(
    ("override", "image", "at", "how"),
    [
        pytest.param({}, "app:3", AT, Arrived.OVERRIDDEN, id="any"),
        pytest.param({}, "app:3", "2027-01-15T10:00:00Z", Arrived.OVERRIDDEN, id="at its last second"),
        pytest.param({}, "app:3", "2027-01-15T10:00:01Z", Arrived.UNRECORDED, id="expired"),
        pytest.param({"class": "LowRisk"}, "app:3", AT, Arrived.UNRECORDED, id="class"),
        pytest.param({"images": ["app:3"]}, "app:3", AT, Arrived.OVERRIDDEN, id="its image"),
        pytest.param({"images": ["app:4"]}, "app:3", AT, Arrived.UNRECORDED, id="another image"),
        pytest.param({"template": projected("app:3")}, "app:3", AT, Arrived.OVERRIDDEN, id="its template"),
        pytest.param({"template": projected("app:4")}, "app:3", AT, Arrived.UNRECORDED, id="another template"),
        pytest.param(
            {"template": projected("app:3"), "used": True, "singleUse": True},
            "app:3",
            AT,
            Arrived.OVERRIDDEN,
            id="a retry of its single use",
        ),
        pytest.param(
            {"template": projected("app:4"), "used": True, "singleUse": True},
            "app:3",
            AT,
            Arrived.UNRECORDED,
            id="used up",
        ),
        pytest.param({}, "app:1", AT, Arrived.ROLLED_BACK, id="a rollback needs none"),
    ],
)
def test_which_override_let_a_template_pass(override: dict[str, Any], image: str, at: str, how: Arrived) -> None:
    gate = held(carried(**override))

    found, arrival = follow(gate, seen(image, at=at))

    assert arrival is not None
    assert arrival.how is how
    used = how is Arrived.OVERRIDDEN
    assert found.overrides[0].used is (used or override.get("used", False))


def test_every_container_must_bring_an_image_that_the_override_names() -> None:
    pair = {"spec": {"containers": [{"name": "app", "image": "a"}], "initContainers": [{"name": "i", "image": "b"}]}}

    for images_named, how in (
        (["a"], Arrived.UNRECORDED),
        (["b"], Arrived.UNRECORDED),
        (["a", "b"], Arrived.OVERRIDDEN),
    ):
        _, arrival = follow(held(carried(images=images_named)), seen(pair))
        assert arrival is not None
        assert arrival.how is how


def test_only_a_single_use_is_tied() -> None:
    for single in (True, False):
        found, _ = follow(held(carried(singleUse=single)), seen("app:3"))
        tied = found.overrides[0].template
        assert (None if tied is None else tied.containers[0]["image"]) == ("app:3" if single else None)


def test_what_an_override_brought_is_good_once_it_is_settled() -> None:
    gate, _ = follow(held(carried()), seen("app:3", settled=False))

    for settled, expected in (
        (False, [("revision 1", "app:1")]),
        (True, [("override fix", "app:3"), ("revision 1", "app:1")]),
    ):
        found, arrival = follow(gate, seen("app:3", settled=settled))
        assert (images(found), arrival) == (expected, None)
    assert follow(found, seen("app:3")) == (found, None)


def test_what_nobody_let_pass_never_becomes_good() -> None:
    gate, _ = follow(held(), seen("app:9"))

    found, arrival = follow(gate, seen("app:9", settled=True))

    assert (images(found), arrival) == ([("revision 1", "app:1")], None)


def test_what_is_stored_is_read_as_it_was() -> None:
    gate, _ = follow(held(carried(singleUse=True)), seen("app:3"))

    assert GateSpec.model_validate(as_json(gate)) == gate
