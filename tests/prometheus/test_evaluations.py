import json
from datetime import UTC, datetime
from typing import Any

import pytest

from frostline.core.outcome import Failed, Failure, Partial
from frostline.prometheus.evaluations import RulePage, RuleState
from tests.prometheus.asking import asking
from tests.prometheus.server import Exchange, serving

ASKED = ["slo:a:b", "slo:c:d"]
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def rule(name: str = "slo:a:b", **more: Any) -> dict[str, Any]:
    return {
        "type": "recording",
        "name": name,
        "labels": {"namespace": "shop", "name": "x"},
        "lastEvaluation": "0001-01-01T00:00:00Z",
        **more,
    }


def listed(*rules: Any, then: object = None, **more: Any) -> str:
    groups = [{"name": "frostline-slos-0", "rules": rules}]
    page = {"groups": groups} | ({} if then is None else {"groupNextToken": then})
    return json.dumps({"status": "success", "data": page, **more})


def asked(body: str, status: int = 200, then: str = "") -> tuple[Any, str]:
    """Return what the client makes of an answer, and what it asked."""
    with serving(lambda exchange: exchange.answer(status, body)) as fake, asking(fake.url) as client:
        return client.rules(ASKED, then), fake.seen[0].method + " " + fake.seen[0].path


def test_rules_are_asked_for_by_name_and_page_by_page() -> None:
    first, said = asked(listed(rule(), then="c0ffee"))
    last, said_then = asked(listed(rule("slo:c:d")), then="c0ffee")

    names = "rule_name%5B%5D=slo%3Aa%3Ab&rule_name%5B%5D=slo%3Ac%3Ad"
    assert said == f"GET /api/v1/rules?type=record&{names}&group_limit=100"
    assert said_then == f"{said}&group_next_token=c0ffee"
    assert first == RulePage((RuleState("slo:a:b", ("shop", "x"), "frostline-slos-0", "", NEVER),), "c0ffee", 1)
    assert (last.rules[0].name, last.then) == ("slo:c:d", "")


@pytest.mark.parametrize(
    ("groups", "asked"),
    [
        pytest.param(99, 1, id="fewer than asked for are all"),
        pytest.param(100, 2, id="as many as asked for may be a part"),
        pytest.param(150, 1, id="a server that keeps to no limit tells all"),
    ],
)
def test_a_limit_without_a_way_to_go_on_hides_nothing(groups: int, asked: int) -> None:
    listed = [{"name": f"frostline-slos-{each}", "rules": [rule()]} for each in range(groups)]

    def answer(exchange: Exchange) -> None:
        limited = "group_limit" in exchange.path and groups == 100
        found = listed if limited or groups != 100 else [*listed, {"name": "more", "rules": [rule("slo:c:d")]}]
        exchange.answer(200, json.dumps({"status": "success", "data": {"groups": found}}))

    with serving(answer) as fake, asking(fake.url) as client:
        page = client.rules(ASKED)

    assert isinstance(page, RulePage)
    assert (len(fake.seen), len(page.rules)) == (asked, groups + asked - 1)


def test_a_server_that_does_not_filter_is_filtered() -> None:
    found, _ = asked(listed(rule("other"), rule("slo:c:d"), {**rule(), "type": "alerting"}))

    assert [each.name for each in found.rules] == ["slo:c:d"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-11-21T08:00:00.123456789Z", datetime(2026, 11, 21, 8, tzinfo=UTC), id="nanoseconds"),
        pytest.param("2026-11-21T10:00:00+02:00", datetime(2026, 11, 21, 8, tzinfo=UTC), id="a zone"),
        pytest.param("2026-11-21T08:00:00.5+00:00", datetime(2026, 11, 21, 8, tzinfo=UTC), id="both"),
        pytest.param("0001-01-01T00:00:00Z", NEVER, id="never, in Go"),
        pytest.param(None, NEVER, id="not told"),
    ],
)
def test_when_rules_were_evaluated(text: str | None, expected: datetime) -> None:
    page, _ = asked(listed(rule(lastEvaluation=text)))

    (found,) = page.rules
    assert found.evaluated == expected


def test_an_error_is_one_short_line() -> None:
    page, _ = asked(listed(rule(lastError="many-to-many\n  matching " + "x" * 1_000, labels=None)))

    (found,) = page.rules
    assert found.error.startswith("many-to-many matching xxx")
    assert len(found.error) == 300
    assert found.promise == ("", "")


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        pytest.param("404 page not found", 404, Failure.SERVER_ERROR, id="not served"),
        pytest.param(json.dumps({"status": "success", "data": {}}), 200, Failure.NOT_PROMETHEUS, id="another shape"),
        pytest.param(listed(rule(lastEvaluation="noon")), 200, Failure.NOT_PROMETHEUS, id="no time"),
        pytest.param(listed({"type": "recording"}), 200, Failure.NOT_PROMETHEUS, id="no name"),
        pytest.param(listed(None), 200, Failure.NOT_PROMETHEUS, id="no rule"),
        pytest.param(listed(then=["c0ffee"]), 200, Failure.NOT_PROMETHEUS, id="no token"),
        pytest.param(listed(then="x" * 257), 200, Failure.NOT_PROMETHEUS, id="a token without an end"),
    ],
)
def test_what_cannot_be_read_is_a_failure(body: str, status: int, expected: Failure) -> None:
    found, _ = asked(body, status)

    assert isinstance(found, Failed)
    assert found.failure is expected


def test_warnings_make_it_partial() -> None:
    found, _ = asked(listed(rule(), warnings=["one ruler is away"]))

    assert found == Partial(("one ruler is away",))
