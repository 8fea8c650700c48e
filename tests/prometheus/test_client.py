import socket
import threading

import pytest

from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus import client as module
from frostline.prometheus.client import Answer, PrometheusClient, Series
from frostline.prometheus.connection import Connection
from tests.prometheus.asking import ONE, UP, asked, asking, problem, success
from tests.prometheus.server import Exchange, serving


@pytest.mark.parametrize(
    ("body", "series"),
    [
        pytest.param(success("vector", []), (), id="nothing"),
        pytest.param(
            success("vector", [{"metric": UP, "value": [1.5, "2"]}]), (Series(UP, ((1.5, 2.0),)),), id="vector"
        ),
        pytest.param(
            success("matrix", [{"metric": UP, "values": [[1, "2"], [2, "3e2"]]}]),
            (Series(UP, ((1.0, 2.0), (2.0, 300.0))),),
            id="matrix",
        ),
        pytest.param(success("scalar", [1, "2.5"]), (Series({}, ((1.0, 2.5),)),), id="scalar"),
        pytest.param(success("vector", [{"metric": UP, "value": [1, "NaN"]}]), (Series(UP, (), broken=1),), id="NaN"),
        pytest.param(
            success("matrix", [{"metric": UP, "values": [[1, "+Inf"], [2, "1"], [3, "-Inf"]]}]),
            (Series(UP, ((2.0, 1.0),), broken=2),),
            id="infinite",
        ),
        pytest.param(
            success("vector", [{"metric": {}, "value": [1, "1"]}], infos=["looks like a gauge"]),
            (Series({}, ((1.0, 1.0),)),),
            id="infos are no warnings",
        ),
    ],
)
def test_reads_answers(body: str, series: tuple[Series, ...]) -> None:
    assert asked(body) == Answer(series)


def test_warnings_make_an_answer_partial() -> None:
    body = success("vector", [], warnings=["store down\nsecond line", "x" * 1_000])

    partial = asked(body)

    assert isinstance(partial, Partial)
    assert partial.warnings[0] == "store down second line"
    assert len(partial.warnings[1]) <= 301


@pytest.mark.parametrize(
    ("status", "body", "failure", "says"),
    [
        pytest.param(400, problem("bad_data", "parse error"), Failure.BAD_QUERY, "parse error", id="400"),
        pytest.param(401, "who are you?", Failure.REFUSED, "401: who are you?", id="401"),
        pytest.param(403, "", Failure.REFUSED, "403: an empty body", id="403 without a word"),
        pytest.param(413, "too large", Failure.TOO_MUCH, "413", id="413"),
        pytest.param(422, problem("execution", "too many samples"), Failure.TOO_MUCH, "too many samples", id="422"),
        pytest.param(404, "not here", Failure.SERVER_ERROR, "404: not here", id="404"),
        pytest.param(429, "slow down", Failure.SERVER_ERROR, "429", id="429"),
        pytest.param(500, problem("internal", "disk"), Failure.SERVER_ERROR, "500: disk", id="500"),
        pytest.param(503, problem("timeout", "query timed out"), Failure.SERVER_ERROR, "timed out", id="503"),
        pytest.param(200, "<html>login</html>", Failure.NOT_PROMETHEUS, "<html>login</html>", id="HTML with 200"),
        pytest.param(200, "", Failure.NOT_PROMETHEUS, "an empty body", id="empty with 200"),
        pytest.param(200, '{"status":"success","data":{"resu', Failure.NOT_PROMETHEUS, "resu", id="cut-off JSON"),
        pytest.param(200, b"\xff\xfe\x00", Failure.NOT_PROMETHEUS, "Prometheus API", id="binary"),
        pytest.param(200, "[]", Failure.NOT_PROMETHEUS, "Prometheus API", id="a list"),
        pytest.param(200, "{}", Failure.NOT_PROMETHEUS, "Prometheus API", id="no status"),
        pytest.param(200, problem("x", "y"), Failure.NOT_PROMETHEUS, "y", id="error with 200"),
        pytest.param(200, '{"status":"success"}', Failure.NOT_PROMETHEUS, "another shape", id="no data"),
        pytest.param(200, success("string", [1, "x"]), Failure.NOT_PROMETHEUS, "string", id="a string"),
        pytest.param(200, success("vector", None), Failure.NOT_PROMETHEUS, "another shape", id="null"),
        pytest.param(200, success("vector", [{}]), Failure.NOT_PROMETHEUS, "another shape", id="no metric"),
        pytest.param(
            200,
            success("vector", [{"metric": {}, "value": [1, "many"]}]),
            Failure.NOT_PROMETHEUS,
            "another shape",
            id="a value that is no number",
        ),
        pytest.param(
            200,
            success("vector", [{"metric": {}, "value": ["NaN", "1"]}]),
            Failure.NOT_PROMETHEUS,
            "another shape",
            id="a time that is no time",
        ),
        pytest.param(
            200,
            success("vector", [{"metric": None, "value": [1, "1"]}]),
            Failure.NOT_PROMETHEUS,
            "another shape",
            id="labels that are none",
        ),
        pytest.param(200, success("scalar", [1]), Failure.NOT_PROMETHEUS, "another shape", id="half a scalar"),
    ],
)
def test_failures_are_told_apart(status: int, body: str | bytes, failure: Failure, says: str) -> None:
    failed = asked(body, status)

    assert isinstance(failed, Failed)
    assert failed.failure is failure
    assert says in failed.detail
    assert "127.0.0.1" in failed.detail, "whom it asked is said"
    assert failed.detail.isprintable()
    assert len(failed.detail) < 600


def test_a_redirect_is_not_followed() -> None:
    with serving(lambda exchange: exchange.answer(200, ONE)) as other:
        failed = asked("", 302, {"Location": f"{other.url}/api/v1/query"})

    assert isinstance(failed, Failed)
    assert "302" in failed.detail
    assert other.seen == []


def test_a_huge_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1 << 20)

    failed = asked(success("vector", [{"metric": {"x": "y" * (1 << 21)}, "value": [1, "1"]}]))

    assert failed == Failed(Failure.TOO_MUCH, failed.detail)
    assert "more than 1 MiB" in failed.detail


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    failed = asked(ONE[:20], headers={"Content-Length": str(len(ONE)), "Connection": "close"})

    assert isinstance(failed, Failed)
    assert failed.failure in (Failure.UNREACHABLE, Failure.NOT_PROMETHEUS)


@pytest.mark.parametrize("head_first", [pytest.param(False, id="no word"), pytest.param(True, id="head, no body")])
def test_a_slow_answer_is_not_waited_for(head_first: bool) -> None:
    over = threading.Event()

    def dawdle(exchange: Exchange) -> None:
        if head_first:
            exchange.send_response(200)
            exchange.send_header("Content-Length", "100")
            exchange.end_headers()
        over.wait(10)

    with serving(dawdle) as fake, asking(fake.url, read_timeout_s=0.1) as client:
        failed = client.instant("up", 1)
        over.set()

    assert isinstance(failed, Failed)
    assert failed.failure is Failure.TIMEOUT
    assert "0.1 s" in failed.detail


def test_nobody_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with asking(url) as client:
        failed = client.instant("up", 1)

    assert isinstance(failed, Failed)
    assert failed.failure is Failure.UNREACHABLE
    assert "refused" in failed.detail.lower()


def test_a_query_is_posted_as_a_form_with_its_time() -> None:
    with serving(lambda exchange: exchange.answer(200, ONE)) as fake, asking(fake.url + "/prefix/") as client:
        client.instant('x{a="b&c=d"}', 1_800_000_000)
        client.range("x", start=1_800_000_000.25, end=1_800_000_600, step_s=300)

    instant, ranged = fake.seen
    assert (instant.method, instant.path) == ("POST", "/prefix/api/v1/query")
    assert instant.form == {"query": 'x{a="b&c=d"}', "time": "1800000000"}
    assert ranged.path == "/prefix/api/v1/query_range"
    assert ranged.form == {"query": "x", "start": "1800000000.25", "end": "1800000600", "step": "300"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(success("scalar", [1, "1800000000.5"]), 1_800_000_000.5, id="a time"),
        pytest.param(success("vector", []), Failure.NOT_PROMETHEUS, id="nothing"),
        pytest.param(success("scalar", [1, "NaN"]), Failure.NOT_PROMETHEUS, id="no number"),
        pytest.param("oops", Failure.NOT_PROMETHEUS, id="rubbish"),
    ],
)
def test_the_time_of_prometheus(body: str, expected: object) -> None:
    with serving(lambda exchange: exchange.answer(200, body)) as fake, asking(fake.url) as client:
        now = client.now()

    assert (now.failure if isinstance(now, Failed) else now) == expected


def test_warnings_on_the_time_are_passed_on() -> None:
    with (
        serving(lambda exchange: exchange.answer(200, success("scalar", [1, "2"], warnings=["w"]))) as fake,
        asking(fake.url) as client,
    ):
        assert client.now() == Partial(("w",))


def test_each_query_is_told_to_the_observer() -> None:
    told: list[str] = []
    bodies = iter([ONE, success("vector", [], warnings=["w"]), "oops"])
    with serving(lambda exchange: exchange.answer(200, next(bodies))) as fake:
        client = PrometheusClient(
            Connection(fake.url), lambda outcome, seconds: told.append(f"{outcome} {seconds > 0}")
        )
        for _ in range(3):
            client.instant("up", 1)
        client.close()

    assert told == ["answered True", "partial True", "not Prometheus True"]
