import pytest

from frostline.core.outcome import Failed, Failure
from frostline.prometheus.young import Young
from tests.prometheus.recording import Promised, Rate, Recording
from tests.support.objectives import AT, HOUR, objective

A, B = ("shop", "a"), ("shop", "b")
BOTH = {A: objective(), B: objective()}
LATE_IN_A_BUCKET = 240


def quiet(_at: int) -> float:
    return 0.0


def test_young_are_those_whose_rules_were_not_there_an_hour_ago() -> None:
    recording = Recording({"a": Promised(since=AT - 600), "b": Promised(since=AT - 2 * HOUR)})
    young = Young(recording, most=10)

    assert young.look(BOTH, BOTH, AT) == [A]
    assert A in young
    assert B not in young


def test_young_are_those_whose_first_sample_is_a_moment_old() -> None:
    """What is counted up to a moment is evaluated a little later."""
    recording = Recording({"a": Promised(since=AT + 5)})

    assert Young(recording, most=10).look({A: objective()}, {A}, AT) == [A]


def test_nobody_is_asked_about_twice() -> None:
    recording = Recording({"a": Promised(), "b": Promised()})
    young = Young(recording, most=10)

    young.look(BOTH, BOTH, AT)
    young.look(BOTH, BOTH, AT + LATE_IN_A_BUCKET)

    assert len(recording.queries) == 1


def test_of_many_that_begin_at_once_only_so_many_are_young() -> None:
    recording = Recording({"a": Promised(since=AT - 60), "b": Promised(since=AT - 60)})
    young = Young(recording, most=1)

    assert young.look(BOTH, BOTH, AT) == [A]
    assert young.look(BOTH, BOTH, AT + 30) == [A]
    assert young.look({B: BOTH[B]}, BOTH, AT + 60) == [], "what once was counted from rules goes on so"


@pytest.mark.parametrize(
    ("bad", "age_s", "seconds", "grown"),
    [
        pytest.param(quiet, 800, LATE_IN_A_BUCKET, False, id="too young"),
        pytest.param(quiet, 1_200, LATE_IN_A_BUCKET, True, id="nothing bad for ten minutes"),
        pytest.param(quiet, 1_200, 30, False, id="nothing bad, and a bucket has just begun"),
        pytest.param(lambda _at: 0.1, 1_200, LATE_IN_A_BUCKET, False, id="something bad"),
        pytest.param(lambda _at: 0.1, 2 * HOUR, LATE_IN_A_BUCKET, True, id="something bad, as always"),
    ],
)
def test_they_grow_where_nothing_bad_is_near(bad: Rate, age_s: int, seconds: int, grown: bool) -> None:
    promised = Promised(bad=bad, since=AT - 60)
    recording = Recording({"a": promised})
    young = Young(recording, most=10)
    assert young.look({A: objective()}, BOTH, AT) == [A]

    promised.since = AT + seconds - age_s

    assert young.look({A: objective()}, BOTH, AT + seconds) == ([] if grown else [A])


def test_those_whose_rules_are_late_are_met_later_and_stay_what_they_were() -> None:
    recording = Recording({"a": Promised(since=AT - 600), "b": Promised(since=AT - 600)})
    young = Young(recording, most=10)

    assert young.look(BOTH, {A}, AT) == [A]
    assert young.look(BOTH, {B}, AT + 30) == [B]
    assert young.look(BOTH, {A, B}, AT + 60) == [A, B]
    assert sum("max_over_time" not in query for query in recording.queries) == 2


def test_trouble_changes_nothing() -> None:
    recording = Recording({"a": Promised(since=AT - 600)})
    young = Young(recording, most=10)
    recording.trouble = Failed(Failure.TIMEOUT, "late")

    assert young.look({A: objective()}, BOTH, AT) == []

    recording.trouble = None
    assert young.look({A: objective()}, BOTH, AT + 30) == [A]
    recording.trouble = Failed(Failure.TIMEOUT, "late")
    assert young.look({A: objective()}, BOTH, AT + LATE_IN_A_BUCKET) == [A]


def test_what_is_no_more_is_forgotten() -> None:
    recording = Recording({"a": Promised(since=AT - 600)})
    young = Young(recording, most=10)
    young.look({A: objective()}, BOTH, AT)

    young.look({}, BOTH, AT + 30)

    assert A not in young
