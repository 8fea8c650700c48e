from frostline.controller.clock import CarriedClock
from frostline.core.outcome import Failed, Failure, Partial

AWAY = Failed(Failure.UNREACHABLE, "no route")


class Told:
    """Prometheus and a steady clock, as a test sets them."""

    def __init__(self, answer: float | Partial | Failed) -> None:
        self.answer = answer
        self.steady = 50.0

    def now(self) -> float | Partial | Failed:
        return self.answer


def test_until_prometheus_answers_it_goes_on_from_the_start() -> None:
    told = Told(AWAY)
    clock = CarriedClock(told, lambda: told.steady, 1000.0)
    told.steady += 7

    assert clock.now() == AWAY
    assert clock.carried() == 1007.0


def test_what_it_is_set_to_counts_from_then_on() -> None:
    told = Told(AWAY)
    clock = CarriedClock(told, lambda: told.steady, 1000.0)
    told.steady += 7
    clock.set(5000.0)
    told.steady += 3

    assert clock.carried() == 5003.0


def test_the_time_of_prometheus_is_carried_on_and_partial_answers_change_nothing() -> None:
    told = Told(9000.0)
    clock = CarriedClock(told, lambda: told.steady, 1000.0)

    assert clock.now() == 9000.0
    told.steady += 60
    for lost in (AWAY, Partial(("half",))):
        told.answer = lost
        assert clock.now() == lost
        assert clock.carried() == 9060.0
    told.answer = 9070.0
    clock.now()
    assert clock.carried() == 9070.0
