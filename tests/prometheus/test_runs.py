from frostline.core.ledger import FINE_S, Gap
from frostline.core.outcome import Failed, Failure
from frostline.prometheus.runs import put_in
from frostline.prometheus.source import Counted
from tests.support.objectives import AT

RUN = Gap(AT, AT, FINE_S)
END, LATER = AT + FINE_S, AT + 2 * FINE_S
TROUBLE = Failed(Failure.TIMEOUT, "nobody answers")


def test_an_answer_takes_the_place_of_another_one_in_its_run() -> None:
    found = put_in(RUN, Counted({END: 1.0, LATER: 2.0}, {END: 3.0, LATER: 4.0}), Counted({END: 5.0}, {}))

    assert found == Counted({LATER: 2.0, END: 5.0}, {LATER: 4.0})


def test_what_failed_in_one_run_has_no_answer() -> None:
    whole = Counted({LATER: 2.0}, {LATER: 4.0})

    assert put_in(RUN, whole, TROUBLE) == TROUBLE
    assert put_in(RUN, TROUBLE, whole) == TROUBLE
