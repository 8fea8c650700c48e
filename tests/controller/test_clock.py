from frostline.controller.clock import CarriedClock


class Steady:
    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def test_until_something_is_told_it_goes_on_from_the_start() -> None:
    steady = Steady()
    clock = CarriedClock(steady, 1000.0)
    steady.seconds += 7

    assert clock.carried() == 1007.0


def test_what_it_is_set_to_counts_from_then_on() -> None:
    steady = Steady()
    clock = CarriedClock(steady, 1000.0)
    steady.seconds += 7
    clock.set(5000.0)
    steady.seconds += 3

    assert clock.carried() == 5003.0
