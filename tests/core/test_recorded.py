import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.ledger import Gap
from frostline.core.recorded import in_part, labels_of, matchers, telescoped
from tests.support.objectives import AT, HOUR, objective

COUNTS = st.floats(0, 1e6)
WIDTHS = st.integers(1, 10).map(lambda turn: turn * 30)


def test_labels_are_those_of_the_rules() -> None:
    assert labels_of(("shop", "checkout"), objective(days=28)) == ("shop", "checkout", "event", "28d")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([("a", "x")], '{namespace=~"a",name=~"x"}'),
        ([("b", "y.z"), ("a", "x"), ("a", "y.z")], '{namespace=~"a|b",name=~"x|y\\\\.z"}'),
        ([("a", str(number)) for number in range(1_001)], ""),
    ],
    ids=["one", "dots-are-no-wildcards", "all-of-a-large-fleet"],
)
def test_a_query_names_those_that_it_is_about(keys: list[tuple[str, str]], expected: str) -> None:
    assert matchers(keys) == expected


@pytest.mark.parametrize(
    ("now", "before", "width", "expected"),
    [
        (300.0, 300.0, 120, 120.0),
        (120.0, 0.0, 120, 120.0),
        (180.0, 300.0, 120, 0.0),
        (300.0, 150.0, 150, 150.0),
        (50.0, 150.0, 100, 0.0),
        (300.0, 77.0, 300, 300.0),
        (300.0, None, 120, 120.0),
    ],
    ids=[
        "steady",
        "began-with-it",
        "ended-before-it",
        "began-before-it",
        "ended-long-before",
        "a-whole-one",
        "no-past",
    ],
)
def test_part_of_a_bucket(now: float, before: float | None, width: int, expected: float) -> None:
    assert in_part(now, before, width) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("now", "before", "earlier", "long_before", "expected"),
    [(10, 10, 10, 10, 4), (10, 10, 0, 0, 0), (0, 0, 10, 10, 0), (10, 0, 0, 0, 10)],
    ids=["steady", "all-in-the-bucket-before", "all-in-the-one-before-that", "all-in-the-part"],
)
def test_part_of_a_bucket_by_what_was_five_minutes_earlier(
    now: float, before: float, earlier: float, long_before: float, expected: float
) -> None:
    found = in_part(now, before, 120, earlier=earlier, long_before=long_before)

    assert found == pytest.approx(expected)


@given(COUNTS, COUNTS, COUNTS, COUNTS, WIDTHS)
def test_to_know_more_of_a_part_makes_it_no_larger(
    now: float, before: float, earlier: float, long_before: float, width: int
) -> None:
    found = in_part(now, before, width, earlier=earlier, long_before=long_before)

    assert 0 <= found <= in_part(now, before, width)


@given(COUNTS, COUNTS, WIDTHS)
def test_a_part_holds_no_more_than_there_was(now: float, before: float, width: int) -> None:
    assert 0 <= in_part(now, before, width) <= now * (1 + 1e-9) + 1e-9


@given(st.lists(st.integers(0, 1_000), min_size=60, max_size=60), st.integers(0, 29), st.integers(1, 4))
def test_hours_that_end_early_add_up_to_those_of_the_gap(minutes: list[int], before: int, length: int) -> None:
    """Compare with events by the minute; the first minute is two hours before the gap."""

    def events(first: int, last: int) -> float:
        return float(sum(minutes[index % 60] for index in range(first, last)))

    gap = Gap(AT, AT + (length - 1) * HOUR, HOUR)
    hours = {
        AT + turn * HOUR: events(60 + turn * 60 - before, 120 + turn * 60 - before) for turn in range(1, length + 1)
    }
    edges = {
        AT: events(120 - before, 120),
        AT + length * HOUR: events(120 + length * 60 - before, 120 + length * 60),
    }

    counts = telescoped(hours, edges, gap)

    assert sum(counts.values()) == events(120, 120 + length * 60)
    assert counts.keys() == hours.keys()


def test_hours_without_data_stay_so() -> None:
    assert telescoped({}, {AT: 5.0}, Gap(AT, AT, HOUR)) == {}
