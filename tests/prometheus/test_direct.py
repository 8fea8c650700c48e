import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.core.indicator import Expressions, Gauge, Side, TimeShare
from frostline.core.ledger import COARSE_S, FINE_S, Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.promql import SLOT_LABEL, Slices
from frostline.core.selector import Selector
from frostline.prometheus.client import Answer, Asked, Series
from frostline.prometheus.direct import BATCH_TERMS, DirectSource
from frostline.prometheus.source import Counted, Presence
from tests.support.objectives import AT, DAY, counters, objective

MINUTES = TimeShare(Gauge(Selector("queue_length")), Decimal(100), Side.BELOW)
DOWN = Failed(Failure.UNREACHABLE, "nobody answers")
WARNED = Partial(("a store is missing",))
SYNTAX = Failed(Failure.BAD_QUERY, "parse error")
TOO_MUCH = Failed(Failure.TOO_MUCH, "too many samples")
TERM = re.compile(rf'label_replace\(.*?((?:bad|all)_\d+).*?, "{SLOT_LABEL}", "([^"]+)", "", ""\)')


def objectives(count: int) -> dict[int, Objective]:
    return {
        number: replace(objective(), indicator=counters(f"all_{number}", bad=f"bad_{number}"))
        for number in range(count)
    }


@dataclass
class Client:
    """Answers every term by the number of the metric in it: all_7 counted 7000, bad_7 counted 7.

    Where a metric at a time is `unclear` only the exact terms, which know `increase`, are answered so.
    """

    trouble: Callable[[set[int]], Asked | None] = lambda _members: None
    absent: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    unclear: frozenset[tuple[str, int]] = frozenset()
    queries: list[str] = field(default_factory=list)
    ranges: list[tuple[float, float, int]] = field(default_factory=list)

    def instant(self, query: str, at: float) -> Asked:
        return self._answer(query, (at,))

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        self.ranges.append((start, end, step_s))
        return self._answer(query, tuple(start + each * step_s for each in range(int(end - start) // step_s + 1)))

    def _answer(self, query: str, times: tuple[float, ...]) -> Asked:
        self.queries.append(query)
        found = terms(query)
        plain = "increase(" not in query
        members = {int(metric.split("_")[1]) for metric in found.values()}
        return self.trouble(members) or Answer(
            tuple(
                Series(
                    {SLOT_LABEL: slot},
                    ()
                    if metric in self.broken
                    else tuple(
                        (when, -1e18 if plain and (metric, when) in self.unclear else value(metric)) for when in times
                    ),
                    broken=len(times) if metric in self.broken else 0,
                )
                for slot, metric in reversed(found.items())
                if metric not in self.absent
            )
        )


def value(metric: str) -> float:
    name, number = metric.split("_")
    return float(number) * (1 if name == "bad" else 1_000)


def terms(query: str) -> dict[str, str]:
    """Return the metric that each slot of a query is about."""
    return {slot: metric for metric, slot in TERM.findall(query)}


def counted(number: int, at: int = AT) -> Counted:
    return Counted({at: float(number)}, {at: number * 1_000.0})


@pytest.mark.parametrize("count", [0, 1, 24, 25, 100])
def test_answers_belong_to_their_key(count: int) -> None:
    client = Client()

    found = DirectSource(client).open(objectives(count), AT, 90)

    assert found == {number: counted(number) for number in range(count)}
    assert len(client.queries) == -(-count * 2 // BATCH_TERMS)


@settings(max_examples=25)
@given(st.integers(min_value=0, max_value=130))
def test_no_query_is_longer_than_the_batch(count: int) -> None:
    client = Client()
    source = DirectSource(client)

    source.presence(objectives(count), AT)
    source.open(objectives(count), AT, 90)

    assert all(len(terms(query)) <= BATCH_TERMS for query in client.queries)


def test_presence_asks_for_the_newest_sample_and_the_number_of_series() -> None:
    client = Client(absent=frozenset({"all_3"}))

    found = DirectSource(client).presence(objectives(24), AT)

    assert len(client.queries) == 1
    assert [client.queries[0].count(f"{term}(all_3)") for term in ("timestamp", "count")] == [1, 1]
    assert found == {
        number: Presence(number * 1_000, number * 1_000) if number != 3 else Presence(None, 0) for number in range(24)
    }


def test_the_whole_window_in_one_look() -> None:
    client = Client()

    assert DirectSource(client).window(objectives(2), AT, 30 * 86_400) == {0: counted(0), 1: counted(1)}
    assert "[30d]" in client.queries[0]


@pytest.mark.parametrize(
    ("promise", "days"),
    [
        pytest.param(replace(objective(), indicator=MINUTES), 30, id="minutes of a month"),
        pytest.param(replace(objective(), slices=Slices(300, Decimal("0.95"))), 1, id="slices"),
    ],
)
def test_minutes_and_slices_of_a_long_window_are_not_summed_in_one_look(promise: Objective, days: int) -> None:
    client = Client()

    found = DirectSource(client).window({1: promise}, AT, days * DAY)

    assert isinstance(found[1], Failed)
    assert client.queries == []


def test_minutes_of_a_week_are() -> None:
    client = Client()

    DirectSource(client).window({1: replace(objective(), indicator=MINUTES)}, AT, 7 * DAY)

    assert len(client.queries) == 1


def test_what_had_no_sample_is_idle() -> None:
    client = Client(absent=frozenset({"all_1", "bad_1"}))
    written = replace(objective(), indicator=Expressions("increase(a[$window])", "increase(b[$window])"))

    idle = DirectSource(client).idle({**objectives(3), 3: written}, Gap(AT, AT + 9 * FINE_S, FINE_S))

    assert idle == {1}
    assert len(client.queries) == 1
    assert client.ranges == []


def test_what_cannot_be_looked_at_is_not_idle() -> None:
    client = Client(trouble=lambda _members: DOWN)

    assert DirectSource(client).idle(objectives(3), Gap(AT, AT, FINE_S)) == frozenset()


def test_closed_buckets_are_asked_for_at_their_ends() -> None:
    client = Client()

    found = DirectSource(client).closed(objectives(1), Gap(AT, AT + 2 * FINE_S, FINE_S))

    ends = [AT + FINE_S, AT + 2 * FINE_S, AT + 3 * FINE_S]
    assert client.ranges == [(ends[0], ends[-1], FINE_S)]
    assert found == {0: Counted(dict.fromkeys(ends, 0.0), dict.fromkeys(ends, 0.0))}


def buckets(number: int, ends: range) -> Counted:
    return Counted(dict.fromkeys(ends, float(number)), dict.fromkeys(ends, number * 1_000.0))


def test_plain_terms_are_enough_where_nothing_is_unclear() -> None:
    client = Client()

    DirectSource(client).closed(objectives(24), Gap(AT, AT + DAY, FINE_S))

    assert len(client.queries) == 1
    assert "increase(" not in client.queries[0]


@pytest.mark.parametrize("metric", ["bad_1", "all_1"])
def test_what_is_unclear_is_asked_for_exactly(metric: str) -> None:
    client = Client(unclear=frozenset({(metric, AT + 2 * FINE_S), (metric, AT + 4 * FINE_S)}))
    ends = range(AT + FINE_S, AT + 6 * FINE_S, FINE_S)

    found = DirectSource(client).closed(objectives(3), Gap(AT, AT + 4 * FINE_S, FINE_S))

    assert found == {number: buckets(number, ends) for number in range(3)}
    assert client.ranges == [(ends[0], ends[-1], FINE_S), (ends[1], ends[3], FINE_S)]
    assert set(terms(client.queries[1]).values()) == {"bad_1", "all_1"}


def test_of_an_hour_that_is_unclear_five_minutes_are_asked_for_exactly() -> None:
    client = Client(unclear=frozenset({("bad_1", AT + 2 * COARSE_S)}))

    found = DirectSource(client).closed(objectives(2), Gap(AT, AT + 2 * COARSE_S, COARSE_S))[1]

    assert isinstance(found, Counted)
    assert found.numerator == {AT + COARSE_S: 1.0, AT + 2 * COARSE_S: 12.0, AT + 3 * COARSE_S: 1.0}
    assert client.ranges[1:] == [(AT + COARSE_S + FINE_S, AT + 2 * COARSE_S, FINE_S)]


def test_an_open_bucket_that_is_unclear_is_asked_for_exactly() -> None:
    client = Client(unclear=frozenset({("bad_1", AT)}))

    assert DirectSource(client).open(objectives(3), AT, 90) == {number: counted(number) for number in range(3)}
    assert len(client.queries) == 2


def test_what_is_not_there_exactly_is_absent() -> None:
    client = Client(unclear=frozenset({("bad_1", AT)}))
    client.trouble = lambda _members: Answer(()) if len(client.queries) == 2 else None

    assert DirectSource(client).open(objectives(2), AT, 90)[1] == Counted({}, {})


@pytest.mark.parametrize(
    ("apart", "asked"),
    [pytest.param(2, 1, id="neighbours"), pytest.param(6, 1, id="near"), pytest.param(7, 2, id="far")],
)
def test_unclear_buckets_near_to_each_other_are_asked_for_together(apart: int, asked: int) -> None:
    client = Client(unclear=frozenset(("all_0", AT + each * FINE_S) for each in (1, 1 + apart)))
    ends = range(AT + FINE_S, AT + 11 * FINE_S, FINE_S)

    found = DirectSource(client).closed(objectives(1), Gap(AT, AT + 9 * FINE_S, FINE_S))

    assert found == {0: buckets(0, ends)}
    assert len(client.queries) == 1 + asked


def test_those_with_the_same_unclear_buckets_are_asked_for_together() -> None:
    client = Client(unclear=frozenset((f"all_{number}", AT + FINE_S) for number in range(24)))

    DirectSource(client).closed(objectives(24), Gap(AT, AT + DAY, FINE_S))

    assert len(client.queries) == 2


def test_trouble_with_what_is_unclear_is_the_answer() -> None:
    far = range(AT + FINE_S, AT + 40 * FINE_S, 10 * FINE_S)
    client = Client(unclear=frozenset(("bad_1", end) for end in far))
    client.trouble = lambda _members: DOWN if len(client.queries) > 1 else None

    found = DirectSource(client).closed(objectives(2), Gap(AT, AT + 39 * FINE_S, FINE_S))

    assert found[1] == DOWN
    assert isinstance(found[0], Counted)
    assert len(client.queries) == 2, "the other runs are of no use any more"


def test_absent_series_are_absent_moments() -> None:
    client = Client(absent=frozenset({"bad_1", "bad_2", "all_2"}))

    found = DirectSource(client).open(objectives(3), AT, 90)

    assert found == {0: counted(0), 1: Counted({}, {AT: 1_000.0}), 2: Counted({}, {})}


def test_a_broken_counter_marks_its_own_objective_only() -> None:
    client = Client(broken=frozenset({"bad_1"}))

    found = DirectSource(client).open(objectives(3), AT, 90)

    assert (found[0], found[2]) == (counted(0), counted(2))
    assert isinstance(found[1], Failed)
    assert found[1].failure is Failure.NOT_A_NUMBER
    assert len(client.queries) == 1


@pytest.mark.parametrize("failed", [pytest.param(SYNTAX, id="syntax"), pytest.param(TOO_MUCH, id="too much")])
@pytest.mark.parametrize("culprits", [{5}, {0}, {23}, {2, 17}, {3, 4, 5}])
def test_halving_finds_who_spoils_a_batch(failed: Failed, culprits: set[int]) -> None:
    client = Client(trouble=lambda members: failed if members & culprits else None)

    found = DirectSource(client).open(objectives(24), AT, 90)

    assert found == {number: failed if number in culprits else counted(number) for number in range(24)}
    assert len(client.queries) <= 1 + 10 * len(culprits)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(DOWN, id="unreachable"),
        pytest.param(Failed(Failure.TIMEOUT, "slow"), id="time-out"),
        pytest.param(Failed(Failure.REFUSED, "401"), id="refused"),
        pytest.param(Failed(Failure.SERVER_ERROR, "500"), id="server error"),
        pytest.param(WARNED, id="warnings"),
    ],
)
def test_trouble_of_prometheus_is_not_asked_about_again(trouble: Asked) -> None:
    client = Client(trouble=lambda _members: trouble)

    source = DirectSource(client)

    assert source.open(objectives(24), AT, 90) == dict.fromkeys(range(24), trouble)
    assert source.presence(objectives(24), AT) == dict.fromkeys(range(24), trouble)
    assert len(client.queries) == 2


def test_one_chunk_in_trouble_leaves_the_others_alone() -> None:
    client = Client(trouble=lambda members: DOWN if 0 in members else None)

    found = DirectSource(client).open(objectives(30), AT, 90)

    assert [found[number] for number in range(24)] == [DOWN] * 24
    assert [found[number] for number in range(24, 30)] == [counted(number) for number in range(24, 30)]
