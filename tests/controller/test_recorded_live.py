"""What is counted from recorded rates while it happens: as many bad events as there were, wherever in a bucket."""

from collections.abc import Callable, Container

import pytest

from frostline.controller.account import Account, Key, opened
from frostline.controller.measure import fill_gaps, read_now
from frostline.core.indicator import counted
from frostline.core.ledger import FINE_S, Entry, Gap
from frostline.core.recorded import SEEN_S
from frostline.core.shelf import State
from frostline.prometheus.recorded import RecordedSource
from tests.prometheus.recording import EVERY_S, PHASE, Promised, Recording
from tests.support.objectives import AT, HOUR, objective

KEY = Key("shop", "a")
BURST = 100.0
BEGUN = AT + 10 * FINE_S
CYCLE_S = 30


def after(moment: int, lasts_s: int = 1) -> Callable[[int], float]:
    """Return the rate over five minutes of as many events as a burst has, in `lasts_s` seconds from a moment on."""

    def rate(at: int) -> float:
        seen = max(0, min(at, moment + lasts_s) - max(at - FINE_S, moment))
        return BURST * seen / lasts_s / FINE_S

    return rate


def totals(
    bad: Callable[[int], float], until: int, cycle_s: int = CYCLE_S, missed: Container[int] = ()
) -> list[tuple[int, float]]:
    """Return, for each cycle, its moment and the bad events of the last six hours."""
    recording = Recording({"a": Promised(bad=bad)}, missed=missed)
    source, account = RecordedSource(recording), opened("uid", objective())
    quiet(account)
    found = []
    for at in range(BEGUN - 2 * FINE_S + cycle_s, until, cycle_s):
        recording.until = at + SEEN_S
        read_now(source, {KEY: account}, at)
        found.append((at, account.ledger.view(at).counts(at - 6 * HOUR, at).bad))
    return found


def quiet(account: Account) -> None:
    """Know of everything before that nothing happened."""
    for gap in [*account.ledger.gaps(BEGUN - 2 * FINE_S), Gap(BEGUN - 3 * FINE_S, BEGUN - 3 * FINE_S, FINE_S)]:
        ends = range(gap.start + gap.width_s, gap.last + gap.width_s + 1, gap.width_s)
        account.ledger.record_gap(
            counted(account.objective.indicator), gap, dict.fromkeys(ends, 0.0), dict.fromkeys(ends, float(gap.width_s))
        )


@pytest.mark.parametrize("cycle_s", [5, CYCLE_S])
@pytest.mark.parametrize("second", range(0, FINE_S, 15))
def test_a_burst_is_counted_once_wherever_it_falls(second: int, cycle_s: int) -> None:
    moment = BEGUN + second

    seen = [bad for at, bad in totals(after(moment), moment + 30 * 60, cycle_s) if at >= moment + CYCLE_S + 15]

    assert min(seen) > 0.95 * BURST
    assert max(seen) < 1.05 * BURST


@pytest.mark.parametrize("second", range(0, FINE_S, 60))
def test_a_spell_of_minutes_is_never_counted_for_much_more(second: int) -> None:
    moment, lasts_s = BEGUN + second, 240

    seen = totals(after(moment, lasts_s), moment + 30 * 60)

    assert max(bad for _, bad in seen) < 1.1 * BURST
    assert all(bad > 0.9 * BURST for at, bad in seen if at >= moment + lasts_s + 60)


def test_a_steady_stream_is_counted_as_it_comes() -> None:
    seen = totals(after(BEGUN, 1_500), BEGUN + 1_500)

    assert all(bad == pytest.approx(BURST * (at - BEGUN) / 1_500, abs=6) for at, bad in seen if at > BEGUN + 600)


def test_what_leaves_a_bucket_that_was_filled_in_otherwise_is_not_lost() -> None:
    moment, end = BEGUN + FINE_S - 10, BEGUN + FINE_S
    recording, account = Recording({"a": Promised(bad=after(moment))}), opened("uid", objective())
    quiet(account)
    read_now(RecordedSource(recording), {KEY: account}, BEGUN + 30)
    account.ledger.record(Entry(BEGUN, FINE_S, State.PRESENT, BURST, 300.0))
    account.ledger.record(Entry(BEGUN - FINE_S, FINE_S, State.PRESENT, 0.0, 300.0))
    account.closed_at = end + 60

    at = end + 200
    recording.until = at + SEEN_S
    read_now(RecordedSource(recording), {KEY: account}, at)

    assert account.ledger.view(at).counts(BEGUN, end).bad < 0.7 * BURST
    assert account.ledger.view(at).counts(BEGUN, at).bad == pytest.approx(BURST, rel=0.01)


def test_a_bucket_is_read_once_beside_what_is_open() -> None:
    recording = Recording({"a": Promised()})
    source, account = RecordedSource(recording), opened("uid", objective())
    quiet(account)
    asked = []
    for at in range(BEGUN - 2 * FINE_S + CYCLE_S, BEGUN + FINE_S, CYCLE_S):
        recording.until = at + SEEN_S
        before = len(recording.queries)
        read_now(source, {KEY: account}, at)
        asked.append(len(recording.queries) - before)

    of_one_bucket = asked[-FINE_S // CYCLE_S :]
    assert sum(of_one_bucket) <= 2 * len(of_one_bucket) + 5
    assert max(of_one_bucket) <= 4


@pytest.mark.parametrize("late_s", range(-60, FINE_S + 120, EVERY_S))
@pytest.mark.parametrize("second", range(0, FINE_S, 60))
def test_one_missed_evaluation_costs_a_tenth_at_most(second: int, late_s: int) -> None:
    moment = BEGUN + second
    missed = (moment + late_s - PHASE) // EVERY_S * EVERY_S + PHASE

    seen = totals(after(moment), moment + 30 * 60, missed={missed})

    assert all(bad == pytest.approx(BURST, rel=0.11) for at, bad in seen if at >= max(moment, missed) + 15 * 60)


def restarted(bad: Callable[[int], float], start: int, until: int) -> list[float]:
    """Return, for each cycle, the bad events of the last six hours, by an operator that starts at `start`."""
    recording = Recording({"a": Promised(bad=bad)})
    source, account = RecordedSource(recording), opened("uid", objective())
    found = []
    for at in range(start, until, CYCLE_S):
        recording.until = at + SEEN_S
        read_now(source, {KEY: account}, at)
        fill_gaps(source, {KEY: account}, at, until=lambda: False)
        found.append(account.ledger.view(at).counts(at - 6 * HOUR, at).bad)
    return found


@pytest.mark.parametrize("later", range(60, 1_501, 120))
@pytest.mark.parametrize("second", range(0, FINE_S, 60))
def test_after_a_restart_a_burst_is_counted_as_before(second: int, later: int) -> None:
    moment = BEGUN + second

    seen = restarted(after(moment), moment + later, moment + later + 1_200)

    assert min(seen) > 0.95 * BURST
    assert max(seen) < 1.05 * BURST
