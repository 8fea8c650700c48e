from collections.abc import Callable

import pytest

from frostline.core.ledger import COARSE_S, FINE_S, Gap
from frostline.core.outcome import Failed, Failure
from frostline.prometheus.backfilled import Backfilled
from frostline.prometheus.direct import DirectSource
from frostline.prometheus.source import Counted
from tests.prometheus.recording import PHASE, Promised, Rate, Recording
from tests.support.objectives import AT, HOUR, objective

A = ("shop", "a")
FINE = Gap(AT, AT + 9 * FINE_S, FINE_S)
BEGAN = AT + 4 * FINE_S


def quiet(_at: int) -> float:
    return 0.0


def quiet_after(moment: int) -> Callable[[int], float]:
    return lambda at: 0.1 if at <= moment else 0.0


@pytest.mark.parametrize(
    ("bad", "direct"),
    [
        pytest.param(quiet, 3, id="nothing bad beside it"),
        pytest.param(quiet_after(BEGAN + 2 * FINE_S), 6, id="as far as something bad was"),
        pytest.param(quiet_after(BEGAN + HOUR), 3, id="as much everywhere"),
    ],
)
def test_what_was_before_the_rules_or_near_it_is_read_from_counters(bad: Rate, direct: int) -> None:
    recording = Recording({"a": Promised(since=BEGAN, bad=bad)})

    found = Backfilled(recording).closed({A: objective()}, FINE)[A]

    assert isinstance(found, Counted)
    read = [found.valid[AT + turn * FINE_S] for turn in range(1, 11)]
    assert read == [100.0] * direct + [pytest.approx(300.0)] * (10 - direct)


def burst_at(moment: int) -> Rate:
    """Return the rate of two hundred bad events of one moment."""
    return lambda at: 200 / FINE_S if moment <= at < moment + FINE_S else 0.0


MISSED = BEGAN + 2 * FINE_S + PHASE


@pytest.mark.parametrize(
    ("bad", "direct"),
    [
        pytest.param(lambda _at: 0.1, set(), id="steady"),
        pytest.param(burst_at(BEGAN - FINE_S), set(), id="a burst long before"),
        pytest.param(burst_at(MISSED - 60), {6, 7}, id="a burst"),
        pytest.param(burst_at(MISSED + 200), {6, 7, 8}, id="a burst a little later"),
    ],
)
def test_where_an_evaluation_is_missing_counters_are_asked_if_bad_events_vary(bad: Rate, direct: set[int]) -> None:
    recording = Recording({"a": Promised(bad=bad)}, missed={MISSED})

    found = Backfilled(recording).closed({A: objective()}, FINE)[A]

    assert isinstance(found, Counted)
    assert {turn for turn in range(1, 11) if found.valid[AT + turn * FINE_S] == 100.0} == direct


def test_where_scrapes_are_missing_counters_are_asked_whatever_rules_saw() -> None:
    recording = Recording({"a": Promised(bad=quiet, valid=lambda at: None if 0 <= at - BEGAN < FINE_S else 1.0)})

    found = Backfilled(recording).closed({A: objective()}, FINE)[A]

    assert isinstance(found, Counted)
    assert {turn for turn in range(1, 11) if found.valid[AT + turn * FINE_S] == 100.0} == {4, 5, 6}


@pytest.mark.parametrize(
    ("failure", "gap", "kept"),
    [
        pytest.param(Failure.TOO_MUCH, FINE, True, id="never answered"),
        pytest.param(Failure.TIMEOUT, FINE, False, id="perhaps for less"),
        pytest.param(Failure.TIMEOUT, Gap(BEGAN + FINE_S, BEGAN + FINE_S, FINE_S), True, id="not for less"),
        pytest.param(Failure.UNREACHABLE, FINE, False, id="not now"),
    ],
)
def test_where_counters_cannot_be_read_what_rules_saw_in_part_stands(
    failure: Failure, gap: Gap, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Backfilled(Recording({"a": Promised(bad=burst_at(MISSED - 60))}, missed={MISSED}))
    failed = Failed(failure, "as it is")
    monkeypatch.setattr(DirectSource, "closed", lambda _self, objectives, _gap: dict.fromkeys(objectives, failed))

    found = source.closed({A: objective()}, gap)[A]

    assert isinstance(found, Counted) if kept else found == failed


def test_an_hour_with_missing_scrapes_is_asked_of_counters() -> None:
    gap = Gap(AT, AT + 9 * COARSE_S, COARSE_S)
    hole = AT + 5 * HOUR + 600
    recording = Recording({"a": Promised(bad=quiet, valid=lambda at: None if 0 <= at - hole < 900 else 1.0)})

    found = Backfilled(recording).closed({A: objective()}, gap)[A]

    assert isinstance(found, Counted)
    assert 6 in {turn for turn in range(1, 11) if found.valid[AT + turn * HOUR] == 100.0} <= {5, 6, 7}


def test_nothing_is_read_from_counters_where_rules_found_nothing() -> None:
    recording = Recording({"a": Promised(valid=lambda _at: None, bad=lambda _at: None)})

    found = Backfilled(recording).closed({A: objective()}, FINE)

    assert found == {A: Counted({}, {})}
    assert all("slo:frostline" in query for query in recording.queries)


def test_of_an_hour_in_which_rules_began_they_know_a_part() -> None:
    gap = Gap(AT, AT + 2 * COARSE_S, COARSE_S)
    recording = Recording({"a": Promised(since=AT + HOUR + 1_000, bad=quiet)})

    found = Backfilled(recording).closed({A: objective()}, gap)[A]

    assert isinstance(found, Counted)
    assert [found.valid[AT + turn * HOUR] for turn in (1, 2)] == [100.0, 100.0]
    assert found.valid[AT + 3 * HOUR] > 3_000


def test_what_is_now_comes_from_rules_alone() -> None:
    recording = Recording({})

    found = Backfilled(recording).latest({A: objective()}, AT, 30)

    assert isinstance(found[A], Failed)
    assert all("slo:frostline" in query for query in recording.queries)


def test_a_fleet_that_is_new_to_its_rules_is_read_in_turn() -> None:
    source = Backfilled(Recording({}))
    objectives = {("shop", f"a{number}"): objective() for number in range(source.handful + 60)}

    found = source.closed(objectives, FINE)

    assert sum(isinstance(each, Counted) for each in found.values()) == source.handful
    assert sum(isinstance(each, Failed) for each in found.values()) == 60


def test_the_first_figure_of_a_young_promise_is_one_of_counters() -> None:
    objectives = {A: objective(), ("shop", "b"): objective()}
    recording = Recording({"a": Promised(), "b": Promised(since=AT - HOUR)})

    Backfilled(recording).window(objectives, AT, 30 * 86_400)

    direct = [query for query in recording.queries if "slo:frostline" not in query]
    assert len(direct) == 1


def test_where_counters_are_not_kept_what_was_recorded_stands() -> None:
    recording = Recording({"a": Promised(since=BEGAN)}, counters=False)

    found = Backfilled(recording).closed({A: objective()}, FINE)[A]

    assert isinstance(found, Counted)
    assert sorted(found.valid) == [AT + turn * FINE_S for turn in range(4, 11)]
    direct = [query for query in recording.queries if "slo:frostline" not in query]
    assert len(direct) == 1, "a look"


def test_what_just_closed_before_the_rules_waits_and_no_counter_is_asked() -> None:
    recording = Recording({"a": Promised(since=BEGAN), "b": Promised()})

    found = Backfilled(recording).recent({A: objective(), ("shop", "b"): objective()}, FINE)

    assert isinstance(found[A], Failed)
    assert isinstance(found["shop", "b"], Counted)
    assert all("slo:frostline" in query for query in recording.queries)
