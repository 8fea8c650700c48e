"""A level that flaps around a bound for a simulated day moves no gate to and fro."""

from itertools import pairwise

import pytest

from tests.controller.freezing import MINUTE, PER_SECOND, Shop, promise
from tests.support.objectives import AT, DAY


class Wave:
    """Failures at a mean share, by turns twice as many and none for `block_s`; for a day then the other way round.

    As the day before leaves the window, what is left of the budget goes up in one block and down in the next.
    """

    def __init__(self, share: float, block_s: int, swing: float = 1.0) -> None:
        self.share, self.block_s, self.swing = share, block_s, swing

    def __call__(self, start: int, end: int) -> tuple[float, float]:
        failed = 0.0
        at = start
        while at < end:
            edge = min(end, at - at % self.block_s + self.block_s)
            up = (at // self.block_s) % 2 == (1 if at >= AT else 0)
            failed += PER_SECOND * (edge - at) * self.share * (1 + (self.swing if up else -self.swing))
            at = edge
        return failed, float(PER_SECOND * (end - start))


@pytest.mark.parametrize(
    ("left", "window", "share", "block_s", "swing", "rule"),
    [
        pytest.param(70, "1d", 0.000304, 20 * MINUTE, 1.0, "Warn", id="70 percent left"),
        pytest.param(30, "1d", 0.00071, 20 * MINUTE, 1.0, "Slush", id="30 percent left"),
        pytest.param(0, "1d", 0.001007, 10 * MINUTE, 1.0, "Freeze", id="nothing left"),
        pytest.param(0, "1d", 0.00102, 30 * MINUTE, 1.0, "Freeze", id="nothing left, slowly"),
        pytest.param(100, "90d", 0.0020, 60 * MINUTE, 0.1, "Warn", id="burn around 2"),
        pytest.param(100, "90d", 0.0050, 60 * MINUTE, 0.1, "Slush", id="burn around 5"),
    ],
)
def test_around_each_bound_the_stricter_rule_stays(  # noqa: PLR0917 - a row of a table
    left: int, window: str, share: float, block_s: int, swing: float, rule: str
) -> None:
    wave = Wave(share, block_s, swing)

    def events(start: int, end: int) -> tuple[float, float]:
        return wave(start, end) if start >= AT - 2 * DAY else (0.0, float(PER_SECOND * (end - start)))

    made = Shop({"all": events})  # type: ignore[arg-type]
    made.prometheus.events["all"] = events
    made.apply("matching", promise(window=window))
    made.settle()
    seen, budget = [made.rule()], []
    for _ in range(DAY // 600):
        made.run(600)
        seen.append(made.rule())
        budget.append(made.api.status("matching")["budget"]["remainingPercent"])

    if window == "1d":
        assert min(budget) < left < max(budget), "it does flap around the bound"
    moves = [(before, after) for before, after in pairwise(seen) if before != after]
    assert len(moves) <= 1, moves
    assert seen[-1] == rule
    assert made.cluster.gate_writes <= 2 * DAY // 600


def test_a_short_outage_each_hour_keeps_one_freeze() -> None:
    """Some budget is left again and again, but never for a calm hour."""
    made = Shop({})  # type: ignore[arg-type]
    made.prometheus.events["all"] = Wave(0.0009, 30 * MINUTE)
    made.apply("matching", promise())
    made.settle()
    assert made.rule() == "Slush"
    outage = AT + 30 * MINUTE
    calm = made.prometheus.events["all"]

    def events(start: int, end: int) -> tuple[float, float]:
        failed, valid = calm(start, end)
        assert failed is not None
        assert valid is not None
        return failed + 20.0 * max(0, min(end, outage + 10) - max(start, outage)), valid

    made.prometheus.events["all"] = events
    seen = []
    for _ in range(DAY // 600 // 2):
        made.run(600)
        seen.append(made.rule())

    held = seen.index("Freeze")
    assert set(seen[held:]) <= {"Freeze", "Slush"}
    assert sum(before != after for before, after in pairwise(seen)) <= 2
