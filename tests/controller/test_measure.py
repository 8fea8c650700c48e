from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from frostline.controller.account import SPAN_POINTS, Account, Key, opened
from frostline.controller.measure import LATE_S, fill_gaps, read_now, read_sums
from frostline.core.assess import Fresh
from frostline.core.indicator import Gauge, Side, TimeShare
from frostline.core.ledger import FINE_S, Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial, Rehydrating, SeriesLost, SeveralSeries
from frostline.core.selector import Selector
from frostline.prometheus.source import Counted, Missing
from tests.controller.world.prometheus import DOWN, K, Prometheus
from tests.support.objectives import AT, DAY, HOUR, Events, counters, objective, silent, steady

A, B = Key("dating", "a"), Key("dating", "b")
PROMISE = objective("99.9", days=7)
TRAFFIC = steady(0.001)


def never() -> bool:
    return False


def accounts(*keys: Key) -> dict[Key, Account]:
    return {key: opened("uid", PROMISE) for key in keys}


def source(events: Events = TRAFFIC) -> Prometheus:
    return Prometheus({"all": events})


def test_nothing_is_asked_for_nobody() -> None:
    prometheus = source()

    assert read_now(prometheus, {}, AT) == {}
    assert fill_gaps(prometheus, {}, AT, until=never)
    assert prometheus.asked == []


def test_now_records_the_open_bucket_and_the_late_ones() -> None:
    books = accounts(A)
    at = AT + 90

    answers = read_now(source(), books, at)

    view = books[A].ledger.view(at)
    assert answers == {A: Fresh(at - 5)}
    assert view.counts(AT - LATE_S, at).valid == LATE_S + 90
    assert view.counts(AT - LATE_S, at).unknown_s == 0
    assert view.counts(AT - HOUR, at).unknown_s == HOUR - LATE_S


class Settling(Prometheus):
    """What it says of a bucket is final after a while."""

    @property
    def settled_after_s(self) -> int | None:
        return 165


@pytest.mark.parametrize(
    ("reads", "buckets"),
    [
        pytest.param([FINE_S + 30, 2 * FINE_S - 60, 2 * FINE_S + 30], [4, 1, 1], id="read for good"),
        pytest.param([FINE_S + 30, FINE_S + 150, 2 * FINE_S + 30], [4, 1, 2], id="not yet"),
        pytest.param([FINE_S + 30, 3 * FINE_S + 30], [4, 2], id="a bucket was missed"),
        pytest.param([2 * FINE_S - 60, 2 * FINE_S + 30, 2 * FINE_S + 180], [4, 1, 1], id="and again"),
    ],
)
def test_what_was_read_for_good_is_not_read_again(reads: list[int], buckets: list[int]) -> None:
    books, prometheus = accounts(A), Settling({"all": TRAFFIC})

    for seconds in reads:
        read_now(prometheus, books, AT + seconds)

    assert [(gap.last - gap.start) // FINE_S + 1 for gap in prometheus.asked] == buckets


class Young(Settling):
    """Its rules began just now: what closed cannot be read."""

    def recent(self, objectives: Mapping[K, Objective], gap: Gap) -> dict[K, Counted | Missing]:
        self.asked.append(gap)
        return dict.fromkeys(objectives, Failed(Failure.NOT_RECORDED, "later"))


def test_what_could_not_be_read_is_asked_for_again_with_what_was_before() -> None:
    """A bucket that rules saw, beside one that they did not, would be read in another way than its neighbour."""
    books, prometheus = accounts(A), Young({"all": TRAFFIC})

    for seconds in (FINE_S + 30, FINE_S + 150, FINE_S + 270, 2 * FINE_S + 30):
        read_now(prometheus, books, AT + seconds)

    assert [(gap.last - gap.start) // FINE_S + 1 for gap in prometheus.asked] == [4, 2, 2, 2]


def test_at_an_edge_the_bucket_that_just_closed_is_the_open_one() -> None:
    books = accounts(A)
    prometheus = source()

    read_now(prometheus, books, AT)

    assert prometheus.asked == [Gap(AT - FINE_S - LATE_S, AT - 2 * FINE_S, FINE_S)]
    assert books[A].ledger.view(AT).counts(AT - FINE_S - LATE_S, AT).unknown_s == 0


def test_buckets_that_closed_are_read_when_they_did_and_every_two_minutes_for_late_data() -> None:
    books, prometheus = accounts(A), source()

    for seconds in range(30, FINE_S + 31, 30):
        read_now(prometheus, books, AT + seconds)
        if seconds == 30:
            del prometheus.asked[:]

    just_now, later = Gap(AT - LATE_S, AT - FINE_S, FINE_S), Gap(AT + FINE_S - LATE_S, AT, FINE_S)
    assert prometheus.asked == [just_now, just_now, later]


def test_what_failed_is_read_again_at_once() -> None:
    books, prometheus = accounts(A), source()
    prometheus.trouble = DOWN
    read_now(prometheus, books, AT + 30)
    prometheus.trouble = None

    answers = read_now(prometheus, books, AT + 60)

    assert answers == {A: Fresh(AT + 55)}
    assert books[A].ledger.view(AT + 60).counts(AT - LATE_S, AT).unknown_s == 0


@pytest.mark.parametrize("trouble", [pytest.param(DOWN, id="failed"), pytest.param(Partial(("w",)), id="partial")])
def test_trouble_is_the_answer_and_nothing_is_recorded(trouble: Failed | Partial) -> None:
    books, prometheus = accounts(A), source()
    prometheus.trouble = trouble

    assert read_now(prometheus, books, AT) == {A: trouble}
    assert books[A].ledger.view(AT).counts(AT - DAY, AT).unknown_s == DAY


@pytest.mark.parametrize("failure", [Failure.NOT_A_NUMBER, Failure.NOT_RECORDED], ids=str)
def test_buckets_that_cannot_be_had_now_are_left_to_the_gaps(failure: Failure) -> None:
    class Waiting(Prometheus):
        def closed(self, objectives: Mapping[K, Objective], gap: Gap) -> dict[K, Counted | Missing]:
            self.asked.append(gap)
            return dict.fromkeys(objectives, Failed(failure, "in turn"))

    books = accounts(A)

    answers = read_now(Waiting({"all": TRAFFIC}), books, AT)

    assert answers == {A: Fresh(AT - 5)}
    assert books[A].ledger.view(AT).counts(AT - LATE_S, AT).unknown_s == LATE_S - FINE_S


def test_first_sums_are_read_a_handful_at_a_time_until_told_to_stop() -> None:
    prometheus = source()
    books = accounts(*(Key("dating", str(number)) for number in range(3 * prometheus.handful)))

    read_sums(prometheus, books, AT, until=lambda: prometheus.windows == 2)

    assert sum(each.has_figure for each in books.values()) == 2 * prometheus.handful


def test_sums_give_a_first_figure_and_no_level() -> None:
    books, prometheus = accounts(A, B), source(steady(0.0005))

    read_sums(prometheus, books, AT, until=never)
    read_sums(prometheus, books, AT, until=never)

    assessment = books[A].assessment
    assert assessment is not None
    assert assessment.figure is not None
    assert assessment.outcome == Rehydrating(0.0)
    assert assessment.level is None
    assert assessment.figure.budget.remaining == pytest.approx(0.5)
    assert prometheus.windows == 1, "one look for both, and once"


def test_sums_of_nothing_give_no_figure_and_are_not_asked_for_again() -> None:
    books, prometheus = accounts(A), source(silent)

    read_sums(prometheus, books, AT, until=never)
    read_sums(prometheus, books, AT, until=never)

    assert books[A].assessment is None
    assert prometheus.windows == 1


def test_sums_that_failed_are_asked_for_again() -> None:
    books, prometheus = accounts(A), source()
    prometheus.trouble = DOWN
    read_sums(prometheus, books, AT, until=never)
    prometheus.trouble = None

    read_sums(prometheus, books, AT, until=never)

    assert books[A].assessment is not None


def test_several_series_of_one_value_are_the_answer_and_nothing_is_recorded() -> None:
    share = TimeShare(Gauge(Selector("all")), Decimal(1), Side.BELOW)
    books, prometheus = {A: opened("uid", replace(PROMISE, indicator=share))}, source()
    prometheus.series["all"] = 2

    assert read_now(prometheus, books, AT) == {A: SeveralSeries(2)}
    assert books[A].ledger.view(AT).counts(AT - DAY, AT).unknown_s == DAY


def test_several_series_of_counters_are_summed() -> None:
    prometheus = source()
    prometheus.series["all"] = 2

    assert read_now(prometheus, accounts(A), AT) == {A: Fresh(AT - 5)}


@pytest.mark.parametrize(
    ("left", "after_s", "answer"),
    [
        pytest.param(8, 30, Fresh(AT + 25), id="a fifth may go"),
        pytest.param(7, 30, SeriesLost(10, 7), id="more is no whole answer"),
        pytest.param(7, 300, Fresh(AT + 295), id="unless it stays so"),
    ],
)
def test_many_series_gone_at_once(left: int, after_s: int, answer: Fresh | SeriesLost) -> None:
    books, prometheus = accounts(A), source()
    prometheus.series["all"] = 10
    read_now(prometheus, books, AT)
    prometheus.series["all"] = left

    assert read_now(prometheus, books, AT + after_s) == {A: answer}


def test_gaps_are_filled_newest_first_and_completely() -> None:
    books, prometheus = accounts(A), source(steady(0.001))
    read_now(prometheus, books, AT)
    prometheus.asked.clear()

    assert fill_gaps(prometheus, books, AT, until=never)

    counts = books[A].ledger.view(AT).counts(AT - 7 * DAY, AT)
    assert (counts.unknown_s, counts.valid) == (0, 7 * DAY)
    assert counts.bad == pytest.approx(0.001 * 7 * DAY)
    lasts = [gap.last for gap in prometheus.asked]
    assert lasts == sorted(lasts, reverse=True)


def test_accounts_with_the_same_gap_are_asked_for_together() -> None:
    books, prometheus = accounts(A, B), source()

    fill_gaps(prometheus, books, AT, until=never)
    together = len(prometheus.asked)
    prometheus.asked.clear()
    fill_gaps(prometheus, accounts(A), AT, until=never)

    assert together == len(prometheus.asked)


@pytest.mark.parametrize("largest", [1, 7, 100])
def test_questions_that_are_too_large_become_smaller(largest: int) -> None:
    books, prometheus = accounts(A), source()
    prometheus.largest = largest

    assert fill_gaps(prometheus, books, AT, until=never)
    assert books[A].ledger.view(AT).counts(AT - 7 * DAY, AT).unknown_s == FINE_S, "but for the open one"


def test_filling_stops_when_it_is_told_to() -> None:
    books, prometheus = accounts(A), source()

    assert not fill_gaps(prometheus, books, AT, until=lambda: len(prometheus.asked) >= 2)
    assert len(prometheus.asked) == 2


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(DOWN, id="unreachable"),
        pytest.param(Failed(Failure.TIMEOUT, "slow"), id="time-out"),
        pytest.param(Partial(("w",)), id="warnings"),
        pytest.param(Failed(Failure.BAD_QUERY, "syntax"), id="bad query"),
    ],
)
def test_filling_gives_up_for_now_when_there_is_trouble(trouble: Failed | Partial) -> None:
    books, prometheus = accounts(A), source()
    prometheus.trouble = trouble

    assert not fill_gaps(prometheus, books, AT, until=never)
    assert len(prometheus.asked) == 1


def test_one_objective_in_trouble_does_not_hold_up_the_others() -> None:
    books = accounts(A, B)
    books[B].objective = replace(PROMISE, indicator=counters("b"))
    prometheus = Prometheus({"all": steady(0), "b": steady(0)})
    prometheus.trouble_with["b"] = Failed(Failure.BAD_QUERY, "syntax")

    fill_gaps(prometheus, books, AT, until=never)

    assert books[A].ledger.view(AT).counts(AT - 7 * DAY, AT).unknown_s == FINE_S
    assert books[B].ledger.view(AT).counts(AT - 7 * DAY, AT).unknown_s == 7 * DAY


def test_a_time_out_asks_for_less_the_next_time() -> None:
    books, prometheus = accounts(A), source()
    prometheus.trouble = Failed(Failure.TIMEOUT, "slow")

    fill_gaps(prometheus, books, AT, until=never)
    fill_gaps(prometheus, books, AT, until=never)

    first, second = ((gap.last - gap.start) // gap.width_s + 1 for gap in prometheus.asked)
    assert (first, second) == (SPAN_POINTS, SPAN_POINTS // 2)
