import pytest
from aiohttp import web

from frostline.kubernetes.server_time import server_time
from tests.kubernetes.server import FakeApi, talking


class Dated(FakeApi):
    """Answers with a Date of the test's choice."""

    date: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        answer = await super().handle(request)
        answer.headers["Date"] = self.date
        return answer


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0, id="a date"),
        pytest.param("yesterday", None, id="no date"),
        pytest.param("", None, id="empty"),
    ],
)
@pytest.mark.parametrize("status", [200, 403], ids=["answered", "refused"])
def test_it_is_the_date_of_any_answer(status: int, date: str, expected: float | None) -> None:
    fake = Dated([(status, {})])
    fake.date = date

    assert talking(fake, server_time) == expected
    assert [(each.method, each.path) for each in fake.asked] == [("GET", "/version")]
