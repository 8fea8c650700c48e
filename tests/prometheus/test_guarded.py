from collections.abc import Callable, Sequence

import pytest

from frostline.core.breaker import State
from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus.client import Answer, Asked
from frostline.prometheus.evaluations import RulePage
from frostline.prometheus.guarded import GuardedClient


class Client:
    """Answers as it is told, and counts."""

    url = "http://prometheus:9090"

    def __init__(self) -> None:
        self.trouble: Failed | Partial | None = None
        self.clock_trouble: Failed | None = None
        self.said: str | Failed = "Prometheus 3.5.0"
        self.asked = 0
        self.versions = 0
        self.closed = False

    def instant(self, query: str, at: float) -> Asked:
        return self.range(query, start=at, end=at, step_s=1)

    def range(self, query: str, *, start: float, end: float, step_s: int) -> Asked:
        assert query
        assert start <= end
        assert step_s
        self.asked += 1
        return self.trouble or Answer(())

    def now(self) -> float | Partial | Failed:
        return self.clock_trouble or 5.0

    def version(self) -> str | Failed:
        self.versions += 1
        return self.said

    def rules(self, names: Sequence[str], then: str = "") -> RulePage | Partial | Failed:
        assert names
        self.asked += 1
        return self.trouble or RulePage((), then)

    def close(self) -> None:
        self.closed = True


def failed(failure: Failure) -> Failed:
    return Failed(failure, f"{Client.url} {failure}")


def ask(guarded: GuardedClient, times: int = 1) -> Asked:
    for _ in range(times):
        answer = guarded.range("up", start=0, end=1, step_s=1)
    return answer


@pytest.mark.parametrize(
    ("failure", "opens"),
    [
        (Failure.UNREACHABLE, True),
        (Failure.TIMEOUT, True),
        (Failure.REFUSED, True),
        (Failure.SERVER_ERROR, True),
        (Failure.NOT_PROMETHEUS, True),
        (Failure.BAD_QUERY, False),
        (Failure.TOO_MUCH, False),
        (Failure.NOT_A_NUMBER, False),
    ],
)
def test_what_is_no_fault_of_the_question_opens_it(failure: Failure, opens: bool) -> None:
    client = Client()
    client.trouble = failed(failure)
    guarded = GuardedClient(client)

    ask(guarded, 10)

    assert client.asked == (3 if opens else 10)
    assert guarded.state is (State.OPEN if opens else State.CLOSED)


def test_an_open_one_names_why_and_is_tried_by_its_clock() -> None:
    client = Client()
    client.trouble = failed(Failure.TIMEOUT)
    guarded = GuardedClient(client)

    refused = ask(guarded, 4)
    assert isinstance(refused, Failed)
    assert refused.failure is Failure.NOT_ASKED
    assert "3 questions in a row failed" in refused.detail
    assert "http://prometheus:9090 timeout" in refused.detail

    client.trouble = None
    assert isinstance(ask(guarded), Failed)
    assert guarded.now() == 5.0
    states = [guarded.state]
    assert isinstance(ask(guarded), Answer)
    states.append(guarded.state)
    assert states == [State.HALF_OPEN, State.CLOSED]


def test_warnings_are_answers() -> None:
    client = Client()
    client.trouble = Partial(("store down",))
    guarded = GuardedClient(client)

    assert ask(guarded, 5) == Partial(("store down",))
    assert guarded.state is State.CLOSED


def test_a_round_has_a_budget_of_time() -> None:
    time = [100.0]
    guarded = GuardedClient(Client(), lambda: time[0])
    guarded.begin(60)

    time[0] = 160.0
    assert isinstance(ask(guarded), Answer)
    time[0] = 160.5
    refused = ask(guarded)
    assert isinstance(refused, Failed)
    assert refused.failure is Failure.NOT_ASKED
    assert "used up the 60 s" in refused.detail
    guarded.begin(60)
    assert isinstance(ask(guarded), Answer)


@pytest.mark.parametrize(
    ("said", "version"),
    [("Prometheus 3.5.0", "Prometheus 3.5.0"), (failed(Failure.SERVER_ERROR), None)],
    ids=["told", "not told"],
)
def test_the_version_is_asked_for_now_and_then_and_its_lack_is_no_failure(
    said: str | Failed, version: str | None
) -> None:
    time = [0.0]
    clock: Callable[[], float] = lambda: time[0]  # noqa: E731 - read at each call
    client = Client()
    client.said = said
    guarded = GuardedClient(client, clock)

    for _ in range(5):
        guarded.now()
    assert (client.versions, guarded.version, guarded.state) == (1, version, State.CLOSED)
    time[0] = 4_000.0
    guarded.now()
    assert client.versions == 2


def test_one_that_does_not_tell_the_time_is_not_asked_for_its_version() -> None:
    client = Client()
    client.clock_trouble = failed(Failure.UNREACHABLE)
    guarded = GuardedClient(client)

    for _ in range(3):
        assert isinstance(guarded.now(), Failed)

    assert client.versions == 0
    assert guarded.state is State.OPEN
    guarded.close()
    assert client.closed


def test_a_server_without_a_list_of_rules_is_not_at_fault() -> None:
    client = Client()
    guarded = GuardedClient(client)
    client.trouble = failed(Failure.SERVER_ERROR)

    for _ in range(20):
        assert guarded.rules(["a"]) == client.trouble

    assert guarded.state is State.CLOSED


def test_while_it_is_open_no_list_of_rules_is_asked_for() -> None:
    client = Client()
    guarded = GuardedClient(client)
    client.trouble = failed(Failure.UNREACHABLE)
    ask(guarded, 50)
    asked = client.asked

    answer = guarded.rules(["a"])

    assert isinstance(answer, Failed)
    assert (answer.failure, client.asked) == (Failure.NOT_ASKED, asked)
