"""Stages of a freeze, each reached from a young shop in which all is well."""

from tests.controller.freezing import Shop


def beginning(made: Shop) -> None:
    """The budget has just run out."""
    made.traffic.fail(made, 100)
    made.run(30, times=2)


def standing(made: Shop) -> None:
    """The freeze has stood for some minutes."""
    beginning(made)
    made.run(30, times=8)


def solvent(made: Shop) -> None:
    """Some budget is left, but the hold is not over."""
    made.traffic.fail(made, 18)
    made.run(30, times=3)
    made.heal(1.5)
    assert made.api.status("matching")["budget"]["remainingPercent"] > 0
    assert made.rule() == "Freeze"


def slush(made: Shop) -> None:
    """The lift rule held; the table asks for a slush."""
    solvent(made)
    made.heal(0.75)
    assert made.rule() == "Slush"


def lifted(made: Shop) -> None:
    """Nothing is held back any more."""
    slush(made)
    made.skip(30)
    made.run(30)
    assert made.rule() is None


STAGES = [beginning, standing, solvent, slush, lifted]
