"""Series that go and come back, and samples that are no numbers: what was read without them is read again."""

from collections.abc import Hashable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import pytest

from frostline.controller.account import Account, Key, opened
from frostline.controller.measure import fill_gaps, read_again, read_now
from frostline.core.assess import Answer, Fresh
from frostline.core.indicator import Counted as Kind
from frostline.core.indicator import Counters
from frostline.core.ledger import Gap, open_bucket
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, SeriesLost
from frostline.core.selector import Selector
from frostline.core.window import Rolling
from frostline.prometheus.client import Answer as Nothing
from frostline.prometheus.direct import DirectSource
from frostline.prometheus.source import Counted, Missing, Presence

K = TypeVar("K", bound=Hashable)
KEY = Key("shop", "web")
OBJECTIVE = Objective(
    Counters(Selector("bad_total"), Kind.BAD, Selector("all_total")), Decimal(99), Rolling(timedelta(days=1))
)
BEGIN = 1_800_000_000 // 3600 * 3600
LONGER_THAN_HELD = 1_200


class NoClient:
    """Is never asked."""

    def instant(self, query: str, at: float) -> Nothing:
        raise AssertionError(query, at)

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Nothing:
        raise AssertionError(query, start, end, step_s)


class Shards(DirectSource):
    """Ten series that count one event a second each, as many as `there`; `broken` seconds are no numbers."""

    def __init__(self) -> None:
        super().__init__(NoClient())
        self.there = 10
        self.broken: tuple[int, ...] = ()

    def presence(self, objectives: Mapping[K, Objective], at: int) -> dict[K, Presence | Missing]:
        return dict.fromkeys(objectives, Presence(at if self.there else None, self.there))

    def open(self, objectives: Mapping[K, Objective], at: int, width_s: int) -> dict[K, Counted | Missing]:
        return dict.fromkeys(objectives, self._counted([at], width_s))

    def closed(self, objectives: Mapping[K, Objective], gap: Gap) -> dict[K, Counted | Missing]:
        ends = [start + gap.width_s for start in range(gap.start, gap.last + 1, gap.width_s)]
        return dict.fromkeys(objectives, self._counted(ends, gap.width_s))

    def _counted(self, ends: list[int], width_s: int) -> Counted | Missing:
        if any(end - width_s < each <= end for each in self.broken for end in ends):
            return Failed(Failure.NOT_A_NUMBER, "NaN")
        events = {end: float(self.there * width_s) for end in ends} if self.there else {}
        return Counted({}, events)


def _cycle(source: Shards, accounts: dict[Key, Account], at: int) -> Answer:
    answer = read_now(source, accounts, at)[KEY]
    read_again(source, accounts, at)
    return answer


def _filled(source: Shards) -> dict[Key, Account]:
    accounts = {KEY: opened("uid", OBJECTIVE)}
    _cycle(source, accounts, BEGIN)
    assert fill_gaps(source, accounts, BEGIN, until=lambda: False)
    return accounts


def _valid(accounts: dict[Key, Account], at: int) -> float:
    return accounts[KEY].ledger.view(at).counts(BEGIN - 6 * 3600, at).valid


@pytest.mark.parametrize("left", [0, 4])
def test_what_was_read_without_half_of_the_series_is_read_again_when_they_are_back(left: int) -> None:
    source = Shards()
    accounts = _filled(source)
    source.there = left
    at = BEGIN
    while at < BEGIN + 3 * LONGER_THAN_HELD:
        at += 30
        _cycle(source, accounts, at)
    assert _valid(accounts, at) < 10 * (at - BEGIN + 6 * 3600)

    source.there = 10
    at += 30
    assert _cycle(source, accounts, at) == Fresh(at)

    assert _valid(accounts, at) == 10 * (at - BEGIN + 6 * 3600)


def test_some_series_less_is_held_at_first_and_believed_later() -> None:
    source = Shards()
    accounts = _filled(source)
    source.there = 4
    assert _cycle(source, accounts, BEGIN + 30) == SeriesLost(10, 4)
    assert isinstance(_cycle(source, accounts, BEGIN + LONGER_THAN_HELD), Fresh)


def test_a_broken_sample_hides_its_own_bucket_only() -> None:
    source = Shards()
    source.broken = (BEGIN - 7 * 3600, BEGIN - 40 * 60 - 5)
    accounts = _filled(source)
    everything = accounts[KEY].ledger.view(BEGIN).counts(BEGIN - 86_400, BEGIN)
    assert everything.unknown_s == 0
    assert everything.covered_s == 86_400 - 300 - 300
    assert everything.valid == 10 * everything.covered_s


def test_a_broken_sample_of_now_is_told_and_one_of_just_before_is_not() -> None:
    source = Shards()
    accounts = _filled(source)
    at = BEGIN + 700
    source.broken = (at - 10,)
    answer = _cycle(source, accounts, at)
    assert isinstance(answer, Failed)
    assert answer.failure is Failure.NOT_A_NUMBER
    source.broken = (open_bucket(at) - 5,)
    assert isinstance(_cycle(source, accounts, at), Fresh)
