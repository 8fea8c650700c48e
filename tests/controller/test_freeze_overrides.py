"""Overrides during a freeze: passed on, used, tied, ended."""

import pytest

from frostline.api.base import JsonObject
from frostline.controller.tracking import Arrived
from tests.controller.freezing import MINUTE, frozen_shop
from tests.controller.releasing import declare, gate, good, image, live, moment, override, release
from tests.support.objectives import AT, HOUR


def test_an_override_is_passed_on_used_and_told() -> None:
    made = frozen_shop()
    declare(made, users=["system:serviceaccount:flux-system:kustomize"])
    carried = gate(made)["overrides"][0]
    assert (carried["name"], carried["class"], carried["used"]) == ("fix", "Security", False)
    assert carried["users"] == ["system:serviceaccount:flux-system:kustomize"]
    assert carried["until"] == moment(AT + 2 * HOUR)
    assert live(made) == "Live"

    release(made, "app:2-fix")

    assert made.reasons()[-1] == "OverrideUsed"
    assert made.arrived == [Arrived.OVERRIDDEN]
    assert gate(made)["runningFrom"] == "override fix"
    assert gate(made)["overrides"][0]["used"] is True
    assert live(made) == "Live", "it may be used again"


def test_what_an_override_brought_joins_the_good_once_it_runs_everywhere() -> None:
    made = frozen_shop()
    declare(made)
    made.cluster.settled = False
    release(made, "app:2-fix")
    made.run(30, times=2)
    assert good(made) == ["app:1"]

    made.cluster.settled = True
    made.cluster.deploy("gateway", "app:2-fix")
    made.run(30)
    assert good(made) == ["app:2-fix", "app:1"]

    release(made, "app:1")
    made.skip(3)
    release(made, "app:2-fix")
    assert made.arrived == [Arrived.OVERRIDDEN, Arrived.ROLLED_BACK, Arrived.ROLLED_BACK]


def test_a_single_use_is_tied_to_the_template_that_used_it() -> None:
    made = frozen_shop()
    declare(made, singleUse=True)
    release(made, "app:2-fix")
    tied = gate(made)["overrides"][0]
    assert (tied["used"], image(tied["template"])) == (True, "app:2-fix")
    assert live(made) == "UsedUp"
    assert "usedAt" in made.cluster.overrides["fix"]["status"]

    release(made, "app:3-fix")
    assert made.arrived[-1] is Arrived.UNRECORDED
    release(made, "app:2-fix")
    assert made.arrived[-1] is not Arrived.UNRECORDED, "a retry of the one release"


def test_a_single_use_stays_used_up_in_the_next_freeze() -> None:
    made = frozen_shop(young=True)
    declare(made, singleUse=True, expiresAt=moment(AT + 23 * HOUR))
    release(made, "app:2-fix")
    made.heal(5)
    assert made.rule() in (None, "Warn")

    made.spend(60)
    assert made.rule() == "Freeze"
    made.run(30)
    assert live(made) == "UsedUp"
    release(made, "app:3-fix")

    assert made.arrived[-1] is Arrived.UNRECORDED


@pytest.mark.parametrize(
    ("more", "image_released", "reason"),
    [
        pytest.param({"expiresAt": moment(AT + 60)}, "app:3", "Expired", id="expired"),
        pytest.param({"class": "LowRisk"}, "app:3", "ClassNotAllowed", id="a class that the level does not allow"),
        pytest.param({"images": ["app:4"]}, "app:3", "Live", id="another image"),
        pytest.param(
            {"template": {"containers": [{"name": "app", "image": "app:4"}]}}, "app:3", "Live", id="another template"
        ),
        pytest.param({"workloads": [{"kind": "Deployment", "name": "other"}]}, "app:3", "NothingHeld", id="not for it"),
        pytest.param(
            {"workloads": [{"kind": "StatefulSet", "name": "gateway"}]}, "app:3", "NothingHeld", id="another kind"
        ),
    ],
)
def test_an_override_that_does_not_let_pass_records_nothing(more: JsonObject, image_released: str, reason: str) -> None:
    made = frozen_shop()
    declare(made, **more)

    release(made, image_released)

    assert made.arrived == [Arrived.UNRECORDED]
    assert live(made) == reason


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"images": ["app:3", "app:4"]}, id="images"),
        pytest.param({"template": {"containers": [{"name": "app", "image": "app:3"}]}}, id="template"),
        pytest.param({"class": "Emergency"}, id="class"),
    ],
)
def test_an_override_that_lets_pass(more: JsonObject) -> None:
    made = frozen_shop()
    declare(made, **more)

    release(made, "app:3")

    assert made.arrived == [Arrived.OVERRIDDEN]


def test_what_was_released_before_the_override_ended_was_let_pass_also_when_it_is_seen_later() -> None:
    made = frozen_shop()
    declare(made, expiresAt=moment(AT + 10 * MINUTE))
    made.cluster.deploy("gateway", "app:3", at=moment(AT + 9 * MINUTE))

    made.restart()
    made.skip(0.5)

    assert made.arrived == [Arrived.OVERRIDDEN]


def test_what_ended_is_nobodys_any_more_and_still_there_to_say_so() -> None:
    """The policy times a request by its managedFields; one that only takes something away has no time of its own."""
    made = frozen_shop()
    declare(made, expiresAt=moment(AT + HOUR))
    assert gate(made)["overrides"][0]["users"]

    made.skip(1.5)

    assert [each["users"] for each in gate(made)["overrides"]] == [[]]
    assert live(made) == "Expired"


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_the_policy_caps_the_life_of_an_override(*, restart: bool) -> None:
    made = frozen_shop()
    made.cluster.put_policy("default", {"overrides": {"longest": "1h"}})
    declare(made, expiresAt=moment(AT + 100 * HOUR))
    assert gate(made)["overrides"][0]["until"] == moment(AT + HOUR)
    assert made.cluster.overrides["fix"]["status"]["until"] == moment(AT + HOUR)

    for hours in (1, 2):
        if restart:
            made.restart()
        made.skip(hours)
        assert live(made) == "Expired", "also when the gate no longer carries it"
    release(made, "app:3")
    assert made.arrived == [Arrived.UNRECORDED]


def test_an_override_older_than_the_policy_allows_never_lives() -> None:
    made = frozen_shop()

    declare(made, created=AT - 25 * HOUR, expiresAt=moment(AT + 100 * HOUR))

    assert live(made) == "Expired"
    assert made.cluster.overrides["fix"]["status"]["until"] == moment(AT - HOUR)


def test_an_override_waits_for_the_gate() -> None:
    made = frozen_shop()
    made.cluster.refuses = True
    declare(made)
    assert live(made) == "Pending"

    made.cluster.refuses = False
    made.run(30)

    assert live(made) == "Live"


def test_a_deleted_override_is_taken_out() -> None:
    made = frozen_shop()
    declare(made)

    made.stores.overrides.drop(made.cluster.overrides.pop("fix"))
    made.enforce()

    assert gate(made)["overrides"] == []


def test_fractions_of_a_second_are_no_reason_to_write_again() -> None:
    made = frozen_shop()
    declare(made, expiresAt="2027-01-15T09:00:00.750Z")
    writes = made.cluster.gate_writes

    for _ in range(3):
        made.enforce()

    assert made.cluster.gate_writes == writes
    assert live(made) == "Live"


def test_an_override_that_cannot_be_read_says_so() -> None:
    made = frozen_shop()

    made.cluster.put_override("fix", {"class": "Whim"}, moment(AT))
    made.run(30)

    assert live(made) == "Invalid"
    assert gate(made)["overrides"] == []


def test_more_overrides_than_a_gate_can_name_leave_those_that_live_longest() -> None:
    made = frozen_shop()
    for number in range(40):
        made.cluster.put_override(f"fix-{number:02}", override(expiresAt=moment(AT + HOUR + number * 60)), moment(AT))

    made.run(30)

    assert [each["name"] for each in gate(made)["overrides"]] == [f"fix-{number:02}" for number in range(8, 40)]
