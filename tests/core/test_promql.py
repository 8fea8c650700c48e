from pathlib import Path

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.core.indicator import Counted, Indicator, latency
from frostline.core.promql import SLOT_LABEL, batch, explain, increments, newest_sample, window_increase
from frostline.core.selector import Selector, parse_selector
from tests.core.test_selector import SELECTORS
from tests.support.golden import check

GOLDEN = Path(__file__).parent / "golden"
BAD = parse_selector('http_requests_total{job="gateway",code=~"5.."}')
VALID = parse_selector('http_requests_total{job="gateway",code!~"4.."}')
LATENCY = latency(parse_selector('http_request_duration_seconds{job="gateway"}'), 800)

QUERIES = {
    "increments-fine": increments(BAD, VALID, 300),
    "increments-open": increments(BAD, VALID, 90),
    "increments-hour": increments(VALID, VALID, 3_600),
    "window": window_increase(BAD, 30 * 86_400),
    "newest": newest_sample(VALID),
    "explain-ratio": "\n".join(explain(Indicator(BAD, Counted.BAD, VALID), 28 * 86_400)),
    "explain-latency": "\n".join(explain(LATENCY, 7 * 86_400)),
    "batch": batch([("0/0", newest_sample(BAD)), ("0/1", newest_sample(VALID))]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_query_is_the_golden_one(name: str) -> None:
    check(GOLDEN / f"{name}.promql", QUERIES[name] + "\n")


@pytest.mark.parametrize("name", QUERIES)
def test_query_parses(name: str) -> None:
    for line in QUERIES[name].splitlines():
        promql_parser.parse(line)


@settings(max_examples=25)
@given(SELECTORS, SELECTORS, st.integers(min_value=1, max_value=86_400))
def test_any_selector_in_one_sum_out(counter: Selector, valid: Selector, width_s: int) -> None:
    for query in (increments(counter, valid, width_s), window_increase(counter, width_s), newest_sample(counter)):
        parsed = promql_parser.parse(query)

        assert isinstance(parsed, promql_parser.AggregateExpr)


@settings(max_examples=25)
@given(st.lists(SELECTORS, min_size=1, max_size=6))
def test_a_batch_is_one_query_with_a_slot_for_each_term(counters: list[Selector]) -> None:
    query = batch((f"{index}/0", newest_sample(counter)) for index, counter in enumerate(counters))

    terms = []
    parsed = promql_parser.parse(query)
    while isinstance(parsed, promql_parser.BinaryExpr):
        terms.append(parsed.rhs)
        parsed = parsed.lhs
    terms.append(parsed)
    assert len(terms) == len(counters)
    for index, term in enumerate(reversed(terms)):
        assert isinstance(term, promql_parser.Call)
        assert term.func.name == "label_replace"
        assert [each.val for each in term.args[1:] if isinstance(each, promql_parser.StringLiteral)] == [
            SLOT_LABEL,
            f"{index}/0",
            "",
            "",
        ]
