import pytest

from frostline.controller.account import Account, Ended, opened
from frostline.controller.moved import ended_before, shift
from frostline.core.ledger import FINE_S, Entry, Gap
from frostline.core.shelf import State
from tests.support.objectives import AT, objective

AFTER_S = 105
NOW = AT + 200
"""Late in a bucket: all that closed are averages."""


def books(*bad: float) -> Account:
    """Return an account that knows these bad events of the buckets up to AT."""
    account = opened("uid", objective())
    for turn, events in enumerate(reversed(bad), start=1):
        account.ledger.record(Entry(AT - turn * FINE_S, FINE_S, State.PRESENT, events, 300.0))
    return account


def ended(*bad: float) -> Ended:
    return tuple((AT - turn * FINE_S, events) for turn, events in enumerate(reversed(bad)))


def shifted(account: Account, before: Ended, at: int = NOW) -> float:
    shift(account, at, Gap(AT - FINE_S, AT - FINE_S, FINE_S), before, AFTER_S)
    return account.shifted


@pytest.mark.parametrize(
    ("were", "are", "left"),
    [
        pytest.param((0, 0, 0, 0), (0, 0, 0, 0), 0, id="nothing was bad"),
        pytest.param((0, 0, 0, 100), (0, 0, 0, 60), 40, id="a burst whose next bucket is open"),
        pytest.param((0, 0, 0, 100), (0, 0, 40, 60), 0, id="what went back is there already"),
        pytest.param((0, 100, 0, 0), (0, 60, 40, 0), 0, id="all are read"),
        pytest.param((0, 30, 0, 0), (0, 60, 40, 0), 0, id="what was wrong is forgotten when it is quiet"),
        pytest.param((0, 0, 10, 100), (0, 0, 10, 60), 40, id="from the quietest edge on"),
    ],
)
def test_what_left_the_newest_buckets_belongs_to_the_open_one(
    were: tuple[float, ...], are: tuple[float, ...], left: float
) -> None:
    assert shifted(books(*are), ended(*were)) == pytest.approx(left)


def test_before_a_bucket_that_nobody_knows_nothing_is_summed_up() -> None:
    account = books(50, 0, 0, 60)
    account.ledger.forget(AT - 3 * FINE_S, AT - 2 * FINE_S)

    assert shifted(account, ended(100, 0, 0, 100)) == 40


def test_a_bucket_that_just_ended_is_remembered_as_it_is() -> None:
    account = books(0, 0, 0, 100)

    assert shifted(account, ended(0, 0, 0), AT + 60) == 0
    assert dict(account.ended)[AT] == 100
    assert dict(ended_before(account, NOW))[AT] == 100


def test_where_nobody_saw_a_bucket_end_it_is_what_is_known() -> None:
    assert dict(ended_before(books(0, 0, 7), NOW)) == {AT: 7, AT - FINE_S: 0, AT - 2 * FINE_S: 0}


def test_those_of_whom_the_same_is_known_share_it() -> None:
    first, second = books(0, 0, 0, 0), books(0, 0, 0, 0)
    for account in (first, second):
        shifted(account, ended_before(account, NOW))

    assert first.ended is second.ended
