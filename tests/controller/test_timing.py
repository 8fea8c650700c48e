import pytest

from frostline.controller.timing import Timing
from tests.support.objectives import AT


@pytest.mark.parametrize(
    ("now", "at"),
    [
        pytest.param(AT + 15.0, AT, id="on the grid"),
        pytest.param(AT + 44.9, AT, id="before the next"),
        pytest.param(AT + 45.0, AT + 30, id="the next"),
        pytest.param(AT + 14.9, AT - 30, id="not before the offset"),
    ],
)
def test_cycles_evaluate_on_a_grid(now: float, at: int) -> None:
    assert Timing(30, 15).evaluation_time(now) == at
