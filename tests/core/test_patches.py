import sys

import pytest

from frostline.core.ledger import FINE_S, Gap
from frostline.core.patches import Patches, near, that_matter
from tests.support.objectives import AT, objective

GAP = Gap(AT, AT + 9 * FINE_S, FINE_S)
NONE = frozenset[int]()


def ends(*numbers: int) -> frozenset[int]:
    return frozenset(AT + number * FINE_S for number in numbers)


def by_end(*events: float) -> dict[int, float]:
    return {AT + number * FINE_S: bad for number, bad in enumerate(events, start=1)}


VALID = by_end(*[1_000.0] * 10)


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        pytest.param([0] * 10, [], id="nothing bad"),
        pytest.param([5] * 10, [], id="all the same"),
        pytest.param([5, 5, 5, 5, 6, 5, 5, 5, 5, 5], [5], id="a sixth more"),
        pytest.param([5, 5, 5, 5, 5.4, 5, 5, 5, 5, 5], [], id="a tenth more is not enough"),
        pytest.param([0, 0, 0, 90, 0, 0, 0, 0, 0, 0], [5], id="before it"),
        pytest.param([0, 0, 0, 0, 0, 90, 0, 0, 0, 0], [5], id="after it"),
        pytest.param([0, 0, 90, 0, 0, 0, 90, 0, 0, 0], [], id="too far"),
    ],
)
def test_missing_evaluations_matter_where_bad_events_vary(bad: list[float], found: list[int]) -> None:
    patches = Patches(NONE, ends(5))

    assert that_matter(patches, objective(days=10 / 288), GAP, VALID, by_end(*bad)) == ends(*found)


@pytest.mark.parametrize(("days", "matters"), [(1, True), (30, False)])
def test_they_do_so_as_far_as_the_budget_would_notice(days: int, matters: bool) -> None:
    found = that_matter(Patches(NONE, ends(5)), objective(days=days), GAP, VALID, by_end(0, 0, 0, 0, 1))

    assert bool(found) is matters


def test_of_what_began_in_the_gap_the_budget_is_what_is_there() -> None:
    began = {end: valid for end, valid in VALID.items() if end > AT + FINE_S}

    assert that_matter(Patches(NONE, ends(5)), objective(days=30), GAP, began, by_end(0, 0, 0, 0, 1)) == ends(5)


def test_missing_scrapes_matter_always_and_show_a_bucket_later() -> None:
    assert that_matter(Patches(ends(5), NONE), objective(), GAP, VALID, by_end(*[0] * 10)) == ends(5, 6)


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        pytest.param([0, 0, 0, 0, 7, 0, 0, 0, 0, 0], [], id="quiet on both sides"),
        pytest.param([0, 0, 0, 0, 7, 3, 0, 0, 0, 0], [6], id="some after it"),
        pytest.param([0, 2, 9, 4, 7, 0, 0, 0, 0, 0], [4, 3, 2], id="some before it"),
        pytest.param([1, 1, 1, 1, 7, 90, 40, 1, 1, 1], [6, 7], id="a trickle, and a burst"),
        pytest.param([1] * 10, [], id="a trickle"),
        pytest.param([0, 0, 0, 0, 7, 2, 3, 4, 5, 6], [], id="a rise that does not end"),
        pytest.param([0, 0, 0, 0, 7, 6, 5, 4, 3, 2], [6, 7, 8, 9], id="a fall"),
    ],
)
def test_near_is_what_lies_before_the_edge_across_which_least_was_moved(bad: list[float], found: list[int]) -> None:
    assert frozenset(near(ends(5), by_end(*bad), FINE_S, sys.maxsize)) == ends(*found)


def test_neighbours_that_are_counted_otherwise_anyway_end_a_run() -> None:
    assert frozenset(near(ends(5, 7), by_end(0, 0, 0, 0, 3, 3, 3, 2, 0, 0), FINE_S, sys.maxsize)) == ends(8)


def test_nothing_is_near_that_ends_too_late() -> None:
    assert frozenset(near(ends(5), by_end(0, 0, 0, 0, 7, 9, 8, 7, 0, 0), FINE_S, AT + 7 * FINE_S)) == ends(6, 7)
