"""What is counted where the rules of a promise began a while ago: a burst counts once, whenever it came."""

from collections.abc import Mapping

import pytest

from frostline.controller.account import Key, opened
from frostline.controller.measure import fill_gaps, read_now
from frostline.core.ledger import FINE_S, Gap
from frostline.core.objective import Objective
from frostline.core.recorded import SEEN_S
from frostline.prometheus.backfilled import Backfilled
from frostline.prometheus.source import Counted
from tests.controller.test_recorded_live import BEGUN, BURST, CYCLE_S, after
from tests.prometheus.recording import EVERY_S, Promised, Recording
from tests.support.objectives import HOUR, objective

KEY = Key("shop", "a")


class Counters:
    """What the counters say of one burst, which is exact; nothing of buckets in which all of them were `unscraped`."""

    def __init__(self, moment: int, unscraped: range = range(0)) -> None:
        self.moment = moment
        self.unscraped = unscraped

    def closed(self, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Counted]:
        ends = [end for end in gap.ends if not (end - gap.width_s in self.unscraped and end in self.unscraped)]
        bad = {end: BURST * (end - gap.width_s < self.moment <= end) for end in ends}
        return dict.fromkeys(objectives, Counted(bad, dict.fromkeys(ends, float(gap.width_s))))

    def open(self, objectives: Mapping[Key, Objective], at: int, width_s: int) -> dict[Key, Counted]:
        return self.closed(objectives, Gap(at - width_s, at - width_s, width_s))

    def idle(self, objectives: Mapping[Key, Objective], gap: Gap) -> frozenset[Key]:
        del objectives, gap
        return frozenset()


def totals(moment: int, began: int, start: int) -> list[float]:
    """Return, for each cycle of 45 minutes, the bad events of six hours, by an operator that starts at `start`."""
    recording = Recording({"a": Promised(bad=after(moment), since=began)})
    source, account = Backfilled(recording), opened("uid", objective())
    source._direct = Counters(moment)  # type: ignore[assignment]
    found = []
    for at in range(start, start + 45 * 60, CYCLE_S):
        recording.until = at + SEEN_S
        read_now(source, {KEY: account}, at)
        fill_gaps(source, {KEY: account}, at, until=lambda: False)
        found.append(account.ledger.view(at).counts(at - 6 * HOUR, at).bad)
    return found


@pytest.mark.parametrize("earlier", range(-300, 900, 120))
@pytest.mark.parametrize("second", range(0, FINE_S, 75))
def test_where_rules_begin_a_burst_counts_once(second: int, earlier: int) -> None:
    moment = BEGUN + second
    began = moment - earlier
    start = max(began, moment) // EVERY_S * EVERY_S + 2 * EVERY_S

    seen = totals(moment, began, start)

    assert seen == pytest.approx([BURST] * len(seen), rel=0.01)


@pytest.mark.parametrize("earlier", range(-300, 600, 60))
@pytest.mark.parametrize("second", range(0, FINE_S, 75))
def test_after_a_restart_it_does_so_still(second: int, earlier: int) -> None:
    moment = BEGUN + second

    seen = totals(moment, moment - earlier, BEGUN + 2 * HOUR)

    assert seen == pytest.approx([BURST] * len(seen), rel=0.01)
