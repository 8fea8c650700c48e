import math
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from frostline.core.indicator import Counted as Sense
from frostline.core.ledger import COARSE_S, FINE_S, Gap
from frostline.core.objective import Objective
from frostline.core.outcome import Failed, Failure, Partial
from frostline.names import Recorded
from frostline.prometheus.evaluations import RulePage, RuleState
from frostline.prometheus.recorded import RecordedSource
from frostline.prometheus.source import Counted, Latest, Presence
from tests.prometheus.recording import Promised, Recording
from tests.support.objectives import AT, DAY, HOUR, objective

A = ("shop", "a")
B = ("shop", "b")
FINE = Gap(AT, AT + 9 * FINE_S, FINE_S)
HOURS = Gap(AT - DAY, AT - DAY + 5 * COARSE_S, COARSE_S)


def asked(*keys: tuple[str, str], counted: Sense = Sense.BAD) -> dict[tuple[str, str], Objective]:
    return dict.fromkeys(keys, objective(counted=counted))


def source(**promises: Promised) -> RecordedSource:
    return RecordedSource(Recording(promises))


def detail(found: object) -> str:
    assert isinstance(found, Failed)
    assert found.failure is Failure.NOT_RECORDED
    return found.detail


def test_what_is_recorded_now_is_there() -> None:
    assert source(a=Promised()).presence(asked(A), AT) == {A: Presence(AT - 13, 1)}


def test_a_service_without_data_is_no_matter_of_rules() -> None:
    silent = Promised(valid=lambda _at: None, bad=lambda _at: None)

    assert source(a=silent).presence(asked(A), AT) == {A: Presence(None, 0)}


@pytest.mark.parametrize(
    ("counted", "said"),
    [(Sense.BAD, "no number of bad ones"), (Sense.GOOD, "no good ones: check the selector of the good events")],
    ids=["bad", "good"],
)
def test_valid_events_alone_are_no_measurement(counted: Sense, said: str) -> None:
    found = source(a=Promised(bad=lambda _at: None)).presence(asked(A, counted=counted), AT)

    assert said in detail(found[A])


def test_a_promise_that_is_recorded_twice_is_refused() -> None:
    found = source(a=Promised(more=({"replica": "0"}, {"replica": "1"}))).presence(asked(A), AT)[A]

    assert found == Failed(
        Failure.RECORDED_TWICE,
        "2 series record shop/a, apart by replica: ask for one of them only, or where they are deduplicated",
    )


def state(name: Recorded = Recorded.VALID_5M, error: str = "", evaluated: int | None = None) -> RuleState:
    when = datetime(1970, 1, 1, tzinfo=UTC) if evaluated is None else datetime.fromtimestamp(evaluated, UTC)
    return RuleState(str(name), ("shop", "a"), "frostline-slos-0", error, when)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (Failed(Failure.SERVER_ERROR, "404"), "have not been evaluated: check that Prometheus reads what Frostline"),
        ((), "Prometheus does not know the recording rules of shop/a"),
        ((state(Recorded.BAD_5M, "many-to-many", AT),), "rate5m of shop/a, in group frostline-slos-0, fails: many-to-"),
        ((state(),), "has read the recording rules of shop/a (group frostline-slos-0) and not evaluated them yet"),
        ((state(evaluated=AT - HOUR),), "since 2027-01-15T07:00:00+00:00: group frostline-slos-0 overruns"),
        ((state(evaluated=AT),), "are evaluated (group frostline-slos-0), and what they record is not there yet"),
    ],
    ids=["no-such-api", "unknown", "failing", "just-read", "late", "elsewhere"],
)
def test_why_nothing_is_recorded(states: tuple[RuleState, ...] | Failed, said: str) -> None:
    recording = Recording({}, states)

    assert said in detail(RecordedSource(recording).presence(asked(A), AT)[A])


def test_rules_are_asked_for_once_a_minute_at_most_and_only_where_something_is_missing() -> None:
    recording = Recording({"a": Promised()}, ())
    reading = RecordedSource(recording)
    reading.presence(asked(A), AT)
    assert recording.asked_rules == 0

    for later in (0, 30, 60, 90):
        reading.presence(asked(A, B), AT + later)

    assert recording.asked_rules == 2


def test_the_list_of_rules_is_asked_for_anew_once_all_was_there_in_between() -> None:
    recording = Recording({"a": Promised()}, ())
    reading = RecordedSource(recording)

    for turn, there in enumerate((asked(A, B), asked(A), {}, asked(A, B))):
        reading.latest(there, AT + 2 * turn, 60)

    assert recording.asked_rules == 2


@pytest.mark.parametrize("page", [1, 2, 3])
def test_the_list_of_rules_is_read_to_its_end(page: int) -> None:
    states = (state(evaluated=AT - HOUR), state(Recorded.ALLOWED), state(Recorded.BAD_5M, "many-to-many", AT))
    recording = Recording({}, states, page=page)

    assert "rate5m of shop/a, in group frostline-slos-0, fails" in detail(
        RecordedSource(recording).presence(asked(A), AT)[A]
    )
    assert recording.asked_rules == -(-len(states) // page)


def test_of_several_rules_the_one_that_was_evaluated_last_counts() -> None:
    states = (state(evaluated=AT - HOUR), state(Recorded.ALLOWED, evaluated=AT - 2 * HOUR))

    found = RecordedSource(Recording({}, states)).presence(asked(A), AT)[A]

    assert "since 2027-01-15T07:00:00+00:00: group frostline-slos-0 overruns" in detail(found)


def test_a_list_without_an_end_is_no_list() -> None:
    class Endless(Recording):
        def rules(self, names: Sequence[str], then: str = "") -> RulePage | Failed:
            return RulePage((), "again" if super().rules(names) else then)

    recording = Endless({}, ())

    assert "have not been evaluated" in detail(RecordedSource(recording).presence(asked(A), AT)[A])
    assert recording.asked_rules == 1_000


@pytest.mark.parametrize("counted", Sense)
def test_buckets_have_what_was_recorded_of_them(counted: Sense) -> None:
    found = source(a=Promised()).closed(asked(A, counted=counted), FINE)[A]

    assert isinstance(found, Counted)
    assert list(found.valid) == [AT + turn * FINE_S for turn in range(1, 11)]
    assert set(found.valid.values()) == {300.0}
    numerator = 30.0 if counted is Sense.BAD else 270.0
    assert all(value == pytest.approx(numerator) for value in found.numerator.values())


def test_hours_together_are_those_of_the_gap() -> None:
    """An incident of twenty minutes that ends with the gap."""
    end = HOURS.last + COARSE_S

    def bad(at: int) -> float:
        return 0.6 if end - 1_200 < at - 165 <= end else 0.0

    found = source(a=Promised(bad=bad)).closed(asked(A), HOURS)[A]

    assert isinstance(found, Counted)
    assert sum(found.numerator.values()) == pytest.approx(0.6 * 1_200, rel=0.05)
    assert sum(found.valid.values()) == pytest.approx(6 * HOUR, rel=1e-3)


def test_buckets_in_which_bad_events_were_not_recorded_are_not_known() -> None:
    hole = AT + 3 * FINE_S

    found = source(a=Promised(bad=lambda at: None if hole < at <= hole + 600 else 0.1)).closed(asked(A), FINE)[A]

    assert isinstance(found, Counted)
    assert found.valid.keys() == found.numerator.keys()
    assert hole + FINE_S not in found.valid


def test_the_open_bucket_is_a_part_of_the_last_five_minutes_and_the_one_before_is_told_with_it() -> None:
    found = source(a=Promised()).latest(asked(A), AT + 120, 120)[A]

    assert isinstance(found, Latest)
    assert found.counted.numerator == {AT: pytest.approx(30.0), AT + 120: pytest.approx(12.0)}
    assert found.counted.valid == {AT: pytest.approx(300.0), AT + 120: pytest.approx(120.0)}


@pytest.mark.parametrize("counted", Sense)
def test_of_what_is_recorded_well_two_answers_tell_all(counted: Sense) -> None:
    recording = Recording({"a": Promised(), "b": Promised()})
    reading, both = RecordedSource(recording), asked(A, B, counted=counted)
    reading.latest(both, AT + 90, 90)
    edges = len(recording.queries) - 2

    found = reading.latest(both, AT + 120, 120)

    assert [each.presence for each in found.values() if isinstance(each, Latest)] == [Presence(AT + 120, 1)] * 2
    assert (edges, len(recording.queries)) == (1, 5), "what was at the edges of the bucket is asked for once"


@pytest.mark.parametrize(
    "promised",
    [
        Promised(valid=lambda _at: None, bad=lambda _at: None),
        Promised(bad=lambda _at: None),
        Promised(more=({"replica": "0"}, {"replica": "1"})),
        None,
    ],
    ids=["no-data", "no-bad-events", "twice", "no-rules"],
)
def test_of_what_is_not_recorded_well_is_asked_what_is_there(promised: Promised | None) -> None:
    recording = Recording({"a": Promised()} | ({} if promised is None else {"b": promised}), ())
    reading = RecordedSource(recording)

    found = reading.latest(asked(A, B), AT, 30)

    there = reading.presence(asked(B), AT)[B]
    assert isinstance(found[A], Latest)
    assert found[B] == (Latest(there, Counted({}, {})) if isinstance(there, Presence) else there)


@pytest.mark.parametrize("trouble", [Failed(Failure.TIMEOUT, "slow"), Partial(("a store is missing",))], ids=str)
def test_what_prometheus_says_is_said_of_all(trouble: Failed | Partial) -> None:
    reading = RecordedSource(Recording({"a": Promised()}, trouble=trouble))

    assert reading.presence(asked(A, B), AT) == {A: trouble, B: trouble}
    assert reading.latest(asked(A, B), AT, 30) == {A: trouble, B: trouble}
    assert reading.closed(asked(A, B), FINE) == {A: trouble, B: trouble}
    assert reading.closed(asked(A, B), HOURS) == {A: trouble, B: trouble}
    assert reading.window(asked(A, B), AT, DAY) == {A: trouble, B: trouble}


@pytest.mark.parametrize("count", [1, 100, 3_000])
def test_a_cycle_takes_as_many_queries_for_many_as_for_few(count: int) -> None:
    recording = Recording({f"a{number}": Promised() for number in range(min(count, 100))})
    reading = RecordedSource(recording)
    objectives = asked(*(("shop", f"a{number}") for number in range(count)))

    reading.latest(objectives, AT, 30)
    reading.closed(objectives, Gap(AT - 600, AT - 300, FINE_S))

    assert len(recording.queries) <= 16
    assert max(map(len, recording.queries)) < 65_536


def test_nobody_asks_about_nothing() -> None:
    recording = Recording()
    reading = RecordedSource(recording)

    assert (reading.presence({}, AT), reading.latest({}, AT, 30), reading.closed({}, FINE)) == ({}, {}, {})
    assert not recording.queries


def test_a_number_that_is_none_is_not_there() -> None:
    found = source(a=Promised(valid=lambda _at: math.nan)).latest(asked(A), AT, 30)[A]

    assert isinstance(found, Latest)
    assert (found.presence, found.counted.valid) == (Presence(None, 0), {})
