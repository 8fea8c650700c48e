import pytest

from frostline.core.shelf import Shelf

START = 1_800_000_000
WIDTH = 300
KEPT = 4


def shelf_of(*places: int) -> Shelf:
    """Return a shelf with buckets so many widths after START, with 1, 10, 1 and twice, thrice ... of it."""
    shelf = Shelf(WIDTH, KEPT)
    for number, place in enumerate(places, 1):
        shelf.put(START + place * WIDTH, number, 10 * number, state=3)
    return shelf


def read(shelf: Shelf, first: int, last: int) -> tuple[list[float], list[float], list[int]]:
    bad, valid, state = shelf.read(START + first * WIDTH, START + last * WIDTH)
    return bad.tolist(), valid.tolist(), state.tolist()


def test_what_was_put_is_read() -> None:
    assert read(shelf_of(0, 1, 3), 0, 4) == ([1, 2, 0, 3], [10, 20, 0, 30], [3, 3, 0, 3])


def test_a_bucket_is_put_anew() -> None:
    assert read(shelf_of(0, 0), 0, 1) == ([2], [20], [3])


def test_an_empty_shelf_knows_nothing() -> None:
    assert read(Shelf(WIDTH, KEPT), 0, 3) == ([0, 0, 0], [0, 0, 0], [0, 0, 0])


@pytest.mark.parametrize(("first", "last"), [(-2, 2), (-9, -5), (2, 60), (50, 52), (1, 1), (3, 1)])
def test_what_lies_beyond_is_unknown(first: int, last: int) -> None:
    states = {0: 3, 1: 3}

    assert read(shelf_of(0, 1), first, last)[2] == [states.get(place, 0) for place in range(first, last)]


@pytest.mark.parametrize("ahead", [1, 5, 16, 17, 40, 1_000])
def test_the_newest_are_kept_when_it_moves_on(ahead: int) -> None:
    shelf = shelf_of(*range(ahead, ahead + KEPT))

    shelf.put(START + (ahead + KEPT) * WIDTH, 5, 50, state=2)

    assert read(shelf, ahead + 1, ahead + KEPT + 1) == ([2, 3, 4, 5], [20, 30, 40, 50], [3, 3, 3, 2])


def test_an_older_bucket_moves_it_back() -> None:
    shelf = shelf_of(0, 1)

    shelf.put(START - 3 * WIDTH, 7, 70, state=1)

    assert read(shelf, -3, 2) == ([7, 0, 0, 1, 2], [70, 0, 0, 10, 20], [1, 0, 0, 3, 3])


def test_it_does_not_grow() -> None:
    shelf = shelf_of(0)
    before = shelf.nbytes

    shelf.put(START + 10_000 * WIDTH, 1, 1, state=3)

    assert shelf.nbytes == before


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        (1, 3, [3, 0, 0, 3]),
        (1.5, 2.5, [3, 0, 0, 3]),
        (-20, 1, [0, 3, 3, 3]),
        (3, 90, [3, 3, 3, 0]),
        (-20, -9, [3, 3, 3, 3]),
        (2, 2, [3, 3, 3, 3]),
    ],
)
def test_what_is_forgotten_is_unknown(start: float, end: float, left: list[int]) -> None:
    shelf = shelf_of(0, 1, 2, 3)

    shelf.forget(START + int(start * WIDTH), START + int(end * WIDTH))

    assert read(shelf, 0, 4)[2] == left


def test_edges_are_those_of_the_buckets_that_are_here() -> None:
    shelf = shelf_of(0)

    assert shelf.same_edges(START + 7 * WIDTH)
    assert not shelf.same_edges(START + 60)
    assert Shelf(WIDTH, KEPT).same_edges(START + 60)


def test_other_edges_begin_anew() -> None:
    shelf = shelf_of(0, 1)

    shelf.put(START + WIDTH + 60, 9, 90, state=3)

    assert read(shelf, 0, 2)[2] == [0, 0]
    bad, _, _ = shelf.read(START + 60, START + 60 + 2 * WIDTH)
    assert bad.tolist() == [0, 9]


@pytest.mark.parametrize(
    ("first", "last", "known"),
    [(0, 2, True), (1, 2, True), (0, 3, False), (-1, 1, False), (1, 60, False)],
    ids=["all", "some-of-them", "one-too-many", "too-early", "too-late"],
)
def test_what_is_known_of_a_few_buckets(first: int, last: int, *, known: bool) -> None:
    assert shelf_of(0, 1).knows(START + first * WIDTH, START + last * WIDTH) is known
