"""The bucket bounds of a histogram, as they are asked for and read."""

import pytest

from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.selector import parse_selector
from frostline.prometheus.client import Answer, Asked, Series
from frostline.prometheus.direct import DirectSource


class Client:
    def __init__(self, answer: Asked) -> None:
        self.answer = answer
        self.asked: list[tuple[str, float]] = []

    def instant(self, query: str, at: float) -> Asked:
        self.asked.append((query, at))
        return self.answer

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        raise AssertionError(f"{query} from {start} to {end} by {step_s}")


def test_bounds_come_as_they_are_spelled() -> None:
    client = Client(Answer(tuple(Series(labels, ((5.0, 1.0),)) for labels in ({"le": "1.0"}, {}, {"le": "+Inf"}))))

    assert DirectSource(client).boundaries(parse_selector('h_bucket{job="a\\"b"}'), 5) == ("1.0", "+Inf")
    assert client.asked == [('count by(le) (h_bucket{job="a\\"b"})', 5)]


@pytest.mark.parametrize("answer", [Failed(Failure.TIMEOUT, "slow"), Partial(("half",))])
def test_no_answer_is_no_bounds(answer: Asked) -> None:
    assert DirectSource(Client(answer)).boundaries(parse_selector("h_bucket"), 5) == answer
