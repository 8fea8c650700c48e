from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from frostline.core.budget import remaining_at
from frostline.core.forecast import lifts_about
from frostline.core.level import LevelState
from frostline.core.objective import Objective
from frostline.core.policy import BUILT_IN, Level, Lift
from frostline.core.view import View
from frostline.core.window import Calendar, Period, Times
from tests.support.objectives import AT, DAY, HOUR, Events, counters, filled, objective, silent, steady

OF_A_DAY = objective(days=1)


def outage(begin: int, seconds: int, *, begun: int = AT - 40 * DAY) -> Events:
    """Return ten events a second since `begun`; all fail for some seconds."""

    def events(start: int, end: int) -> tuple[float | None, float | None]:
        if end <= begun:
            return None, None
        return 10.0 * max(0, min(end, begin + seconds) - max(start, begin)), 10.0 * (end - max(start, begun))

    return events


def view(events: Events, at: int = AT, promise: Objective = OF_A_DAY) -> View:
    return filled(promise, at, events).view(at)


def moment(at: int) -> Times:
    return np.array([at], dtype=np.int64)


def state(level: Level, **more: Any) -> LevelState:
    return LevelState(level, since=AT - HOUR, at=AT)._replace(**more)


def test_what_was_spent_comes_back_as_it_leaves_the_window() -> None:
    begin = AT - 5 * HOUR
    found = lifts_about(OF_A_DAY, BUILT_IN, view(outage(begin, 100)), state(Level.EXHAUSTED))

    assert found is not None
    assert begin + DAY <= found <= begin + DAY + 600


@pytest.mark.parametrize("hours", [4, 6, 12])
def test_good_events_to_come_dilute_the_damage_of_young_traffic(hours: int) -> None:
    """A budget that is a tenth overspent is whole again after a tenth more traffic."""
    events = outage(AT - 1_200, int(hours * 3.6 * 1.1), begun=AT - hours * HOUR)
    policy = replace(BUILT_IN, lift=Lift(hold=timedelta(0)))

    found = lifts_about(OF_A_DAY, policy, view(events), state(Level.EXHAUSTED))

    assert found is not None
    left = remaining_at(OF_A_DAY, view(events, found + 300), moment(found + 300))
    assert left[0] > 0, "no later than it says"
    left = remaining_at(OF_A_DAY, view(events, found - 300), moment(found - 300))
    assert left[0] <= 0, "no earlier than it says"


@pytest.mark.parametrize(
    ("calm_s", "hours"),
    [
        pytest.param(0, 1, id="no calm yet"),
        pytest.param(1_800, 0.5, id="half of it"),
        pytest.param(3_600, 0, id="all of it"),
        pytest.param(7_200, 0, id="more than enough"),
    ],
)
def test_a_solvent_budget_waits_for_the_rest_of_the_calm_hold(calm_s: int, hours: float) -> None:
    found = lifts_about(OF_A_DAY, BUILT_IN, view(steady(0.0005)), state(Level.EXHAUSTED, calm_s=calm_s))

    assert found == AT + hours * HOUR


def test_the_budget_of_a_calendar_month_comes_back_at_its_end() -> None:
    month = Objective(counters(), Decimal("99.9"), Calendar(Period.MONTH, UTC))
    first_of_february = 1_801_440_000

    found = lifts_about(month, BUILT_IN, view(steady(0.01), promise=month), state(Level.EXHAUSTED))

    assert found == first_of_february


@pytest.mark.parametrize(
    ("more", "after"),
    [
        pytest.param({}, 15 * 60, id="not better yet"),
        pytest.param({"better": Level.DEPLETING, "better_since": AT - 600}, 5 * 60, id="better for ten minutes"),
    ],
)
def test_endangered_waits_for_the_hold_beyond_the_margin(more: dict[str, object], after: int) -> None:
    assert lifts_about(OF_A_DAY, BUILT_IN, view(steady(0.0005)), state(Level.ENDANGERED, **more)) == AT + after


def test_within_the_margin_nothing_gets_better_until_it_is_passed() -> None:
    """31 % are left, 32 % are asked for."""
    begin = AT - 20 * HOUR
    events = outage(begin, 60)

    found = lifts_about(OF_A_DAY, BUILT_IN, view(events), state(Level.ENDANGERED))

    assert found is not None
    assert begin + DAY < found <= begin + DAY + 15 * 60 + 300


@pytest.mark.parametrize(
    ("events", "stands"),
    [
        pytest.param(steady(0.0), state(Level.HEALTHY), id="healthy"),
        pytest.param(steady(0.0005), state(Level.DEPLETING), id="depleting"),
        pytest.param(steady(0.0005), state(Level.ENDANGERED, burn=Level.ENDANGERED), id="held by burn"),
        pytest.param(silent, state(Level.EXHAUSTED), id="no events"),
        pytest.param(steady(0.01), state(Level.EXHAUSTED), id="as far as can be seen never"),
    ],
)
def test_where_nothing_can_be_said(events: Events, stands: LevelState) -> None:
    found = lifts_about(OF_A_DAY, BUILT_IN, view(events), stands)

    # What fails now leaves the window in a day; until then nothing new is assumed to fail.
    assert found is None or (stands.level is Level.EXHAUSTED and found > AT + 20 * HOUR)
