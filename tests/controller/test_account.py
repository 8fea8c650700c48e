from dataclasses import replace
from decimal import Decimal

from frostline.controller.account import Account, carried, opened
from frostline.core.assess import Assessment
from frostline.core.ledger import FOLD_S
from frostline.core.outcome import Measured
from frostline.core.promql import Slices
from tests.support.objectives import AT, DAY, counters, objective

PROMISE = objective("99.9", days=7)


def kept() -> Account:
    account = opened("a", PROMISE)
    account.assessment = Assessment(Measured(), None, None)
    account.summed = True
    return account


def test_the_first_books_are_empty() -> None:
    account = carried(None, "a", PROMISE)

    assert (account.uid, account.objective, account.assessment, account.summed) == ("a", PROMISE, None, False)
    assert account.ledger.view(AT).start == AT - 7 * DAY - FOLD_S


def test_the_same_promise_keeps_the_books() -> None:
    account = kept()

    assert carried(account, "a", objective("99.9", days=7)) is account
    assert account.assessment is not None


def test_another_target_judges_the_same_events_anew() -> None:
    account = kept()
    ledger = account.ledger

    again = carried(account, "a", objective("99", days=7))

    assert again.ledger is ledger
    assert again.assessment is None
    assert str(again.objective.target) == "99"


def test_another_object_window_indicator_or_slicing_opens_new_books() -> None:
    other = replace(PROMISE, indicator=counters("others"))
    sliced = replace(PROMISE, slices=Slices(300, Decimal("0.95")))
    for uid, promise in (("b", PROMISE), ("a", objective("99.9", days=28)), ("a", other), ("a", sliced)):
        account = kept()

        again = carried(account, uid, promise)

        assert again.ledger is not account.ledger
        assert again.assessment is None
        assert again.objective == promise
