import pytest

from frostline.controller.statuses import level_note


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        pytest.param(None, None, None, id="nothing known"),
        pytest.param("Healthy", "Healthy", None, id="the same"),
        pytest.param(None, "Healthy", None, id="new and healthy"),
        pytest.param(None, "Exhausted", (True, "Exhausted"), id="new and exhausted"),
        pytest.param("rubbish", "Depleting", (True, "Depleting"), id="after rubbish"),
        pytest.param(["x"], "Depleting", (True, "Depleting"), id="after worse rubbish"),
        pytest.param("Healthy", "Depleting", (True, "Healthy -> Depleting"), id="worse"),
        pytest.param("Exhausted", "Endangered", (False, "Exhausted -> Endangered"), id="better"),
    ],
)
def test_the_sentence_of_an_event(before: object, now: str | None, told: tuple[bool, str] | None) -> None:
    note = level_note(before, {"level": now, "display": {"budget": "5%"}})

    assert (note and (note[0], note[1].split(":")[0])) == told
