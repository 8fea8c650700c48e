"""What rules saw in part only is right once it was read again, and when it was read at a start."""

from collections.abc import Container

import pytest

from frostline.controller.account import Key, opened
from frostline.controller.measure import fill_gaps, read_now
from frostline.controller.patching import look, mend
from frostline.core.assess import Assessment, figure
from frostline.core.ledger import FINE_S
from frostline.core.outcome import Failed, Failure, Measured
from frostline.core.recorded import SEEN_S
from frostline.prometheus.backfilled import Backfilled
from tests.controller.test_recorded_begin import Counters
from tests.controller.test_recorded_live import BEGUN, BURST, CYCLE_S, after, quiet
from tests.prometheus.recording import EVERY_S, PHASE, Promised, Recording
from tests.support.objectives import HOUR, objective

KEY = Key("shop", "a")
LATER_S = 75 * 60
SCRAPES_S = 15


class World:
    """One promise, an operator that measures it by rules, and counters that know of one burst.

    `unscraped` is from when to when there are no scrapes: rules record nothing where they look back on one at most.
    What happens meanwhile counters tell once they are scraped again, and rules never.
    """

    def __init__(self, moment: int, missed: Container[int] = (), unscraped: range = range(0)) -> None:
        burst = after(moment)

        def valid(at: int) -> float | None:
            return None if at - FINE_S + SCRAPES_S >= unscraped.start and at - SCRAPES_S < unscraped.stop else 1.0

        def bad(at: int) -> float | None:
            return None if valid(at) is None else 0.0 if moment in unscraped else burst(at)

        self.recording = Recording({"a": Promised(bad=bad, valid=valid if unscraped else always)}, missed=missed)
        self.source = Backfilled(self.recording)
        seen = unscraped.stop if moment in unscraped else moment
        self.source._direct = Counters(seen, unscraped)  # type: ignore[assignment]
        self.account = opened("uid", objective())

    def cycle(self, at: int) -> None:
        """Go through one cycle."""
        self.recording.until = at + SEEN_S
        accounts = {KEY: self.account}
        read_now(self.source, accounts, at)
        look(self.source, accounts, at)
        mend(self.source, accounts, at, until=lambda: False)
        if self.account.assessment is None:
            self.account.assessment = Assessment(
                Measured(), figure(self.account.objective, self.account.ledger.view(at)), None
            )

    def bad(self, at: int) -> float:
        """Return the bad events of the last six hours."""
        return self.account.ledger.view(at).counts(at - 6 * HOUR, at).bad


def always(_at: int) -> float:
    return 1.0


def in_the_end(world: World) -> float:
    """Return the bad events that an operator tells which ran from before a burst until long after it."""
    quiet(world.account)
    for at in range(BEGUN - 2 * FINE_S + CYCLE_S, BEGUN + LATER_S, CYCLE_S):
        world.cycle(at)
    return world.bad(at)


def due(world: World) -> int:
    """Let it live until something is due to be read again; return when."""
    quiet(world.account)
    at = BEGUN - 2 * FINE_S + CYCLE_S
    while world.account.patch is None or world.account.patch.due > at + CYCLE_S:
        assert at < BEGUN + LATER_S
        world.cycle(at)
        at += CYCLE_S
    return at + CYCLE_S


def around(moment: int, evaluations: int) -> set[int]:
    """Return so many evaluations in a row, from the one before a moment on."""
    first = (moment - PHASE) // EVERY_S * EVERY_S + PHASE
    return {first + each * EVERY_S for each in range(evaluations)}


@pytest.mark.parametrize("evaluations", [1, 3, 6])
@pytest.mark.parametrize("late_s", range(-300, FINE_S + 120, 120))
@pytest.mark.parametrize("second", [0, 150, 285])
def test_evaluations_that_are_missing_cost_nothing_in_the_end(second: int, late_s: int, evaluations: int) -> None:
    moment = BEGUN + second

    assert in_the_end(World(moment, around(moment + late_s, evaluations))) == pytest.approx(BURST, rel=0.01)


@pytest.mark.parametrize("gap_s", [420, 1_200])
@pytest.mark.parametrize("late_s", range(-300, FINE_S, 100))
@pytest.mark.parametrize("second", [0, 285])
def test_neither_do_scrapes(second: int, late_s: int, gap_s: int) -> None:
    moment = BEGUN + second
    first = moment + late_s

    assert in_the_end(World(moment, unscraped=range(first, first + gap_s))) == pytest.approx(BURST, rel=0.01)


@pytest.mark.parametrize("lasts_s", [330, 600])
@pytest.mark.parametrize("late_s", range(-300, 61, 90))
@pytest.mark.parametrize("second", [0, 285])
def test_neither_does_a_long_time_without_evaluations(second: int, late_s: int, lasts_s: int) -> None:
    moment = BEGUN + second

    world = World(moment, around(moment + late_s, lasts_s // EVERY_S))

    assert in_the_end(world) == pytest.approx(BURST, rel=0.01)


@pytest.mark.parametrize("lasts_s", [420, 1_200])
@pytest.mark.parametrize("late_s", range(-300, 61, 90))
@pytest.mark.parametrize("second", [0, 285])
def test_neither_does_a_prometheus_that_was_away(second: int, late_s: int, lasts_s: int) -> None:
    moment = BEGUN + second
    first = moment + late_s

    world = World(moment, around(first, lasts_s // EVERY_S), range(first, first + lasts_s))

    assert in_the_end(world) == pytest.approx(BURST, rel=0.01)


@pytest.mark.parametrize("late_s", range(-300, FINE_S + 120, 120))
@pytest.mark.parametrize("second", [0, 150, 285])
def test_a_start_reads_it_right_at_once(second: int, late_s: int) -> None:
    moment = BEGUN + second
    world = World(moment, around(moment + late_s, 2))
    at = moment + LATER_S
    world.recording.until = at + SEEN_S
    read_now(world.source, {KEY: world.account}, at)
    fill_gaps(world.source, {KEY: world.account}, at, until=lambda: False)

    assert world.bad(at) == pytest.approx(BURST, rel=0.01)


def test_where_nothing_is_missing_one_look_a_bucket_is_all() -> None:
    world = World(BEGUN)
    quiet(world.account)
    for at in (BEGUN - FINE_S, BEGUN):
        world.cycle(at)
    before = len(world.recording.queries)
    for at in range(BEGUN + CYCLE_S, BEGUN + 4 * FINE_S + CYCLE_S, CYCLE_S):
        world.cycle(at)

    assert sum("count_over_time" in each for each in world.recording.queries[before:]) == 2 * 4
    assert world.account.patch is None


def test_what_could_not_be_read_again_is_asked_for_later() -> None:
    world = World(BEGUN + 150, around(BEGUN + 150, 2))
    at = due(world)
    world.recording.trouble = Failed(Failure.TIMEOUT, "30 s")

    mend(world.source, {KEY: world.account}, at, until=lambda: False)

    assert world.account.patch is not None
    assert world.account.patch.due > at


def test_what_is_not_done_in_time_is_done_next_time() -> None:
    world = World(BEGUN + 150, around(BEGUN + 150, 2))
    at = due(world)

    mend(world.source, {KEY: world.account}, at, until=lambda: True)
    assert world.account.patch is not None
    mend(world.source, {KEY: world.account}, at, until=lambda: False)
    assert world.account.patch is None


@pytest.mark.parametrize("later_s", [300, 900, 1_500, 2_100])
@pytest.mark.parametrize("second", [0, 150])
def test_what_a_start_leaves_as_averages_is_read_again(second: int, later_s: int) -> None:
    moment = BEGUN + second
    world = World(moment, around(moment - 30, 3))

    end = moment + later_s + LATER_S
    for at in range(moment + later_s, end + 1, CYCLE_S):
        world.cycle(at)
        fill_gaps(world.source, {KEY: world.account}, at, until=lambda: False)

    assert world.bad(end) == pytest.approx(BURST, rel=0.01)


def test_what_was_missing_after_the_newest_bucket_that_is_mended_is_not_forgotten() -> None:
    missed = {each for later_s in range(0, 5_400, 240) for each in around(BEGUN + later_s, 3)}
    world = World(BEGUN + 5_300, missed)
    quiet(world.account)
    end = BEGUN + 5_400 + LATER_S
    for at in range(BEGUN - 2 * FINE_S + CYCLE_S, end + 1, CYCLE_S):
        world.cycle(at)

    assert world.bad(end) == pytest.approx(BURST, rel=0.01)
