import pytest

from frostline.core.breaker import FAILURES, Breaker, State


def after(steps: str) -> Breaker:
    """Return the breaker after failures (f), answers (a) and answered probes (p)."""
    breaker = Breaker()
    for step in steps:
        breaker = breaker.failed() if step == "f" else breaker.answered(probe=step == "p")
    return breaker


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        pytest.param("", State.CLOSED, id="new"),
        pytest.param("ff", State.CLOSED, id="fewer than three"),
        pytest.param("ffaff", State.CLOSED, id="not in a row"),
        pytest.param("fff", State.OPEN, id="three in a row"),
        pytest.param("fpfpf", State.OPEN, id="probes between do not count"),
        pytest.param("ffff", State.OPEN, id="more of them"),
        pytest.param("fffp", State.HALF_OPEN, id="a probe is answered"),
        pytest.param("fffpp", State.HALF_OPEN, id="probes alone do not close it"),
        pytest.param("fffpf", State.OPEN, id="the first failure opens it again"),
        pytest.param("fffpa", State.CLOSED, id="an answer closes it"),
        pytest.param("fffpaff", State.CLOSED, id="and it counts anew"),
        pytest.param("fffa", State.CLOSED, id="an answer under way when it opened"),
    ],
)
def test_states(steps: str, state: State) -> None:
    assert after(steps).state is state


def test_failures_are_counted_for_people() -> None:
    assert after("f" * (FAILURES + 2)).failures == FAILURES + 2
    assert after("ffa").failures == 0
