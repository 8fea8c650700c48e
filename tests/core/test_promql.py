from decimal import Decimal
from pathlib import Path

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.core.increments import is_unclear, per_series, plain
from frostline.core.indicator import (
    Age,
    Counted,
    Counters,
    Expressions,
    Gauge,
    Indicator,
    NativeHistogram,
    Quantile,
    Side,
    TimeShare,
    latency,
)
from frostline.core.promql import (
    SLOT_LABEL,
    Slices,
    Terms,
    batch,
    newest_sample,
    plain_terms,
    series_count,
    terms,
    wants_one_series,
    window_terms,
)
from frostline.core.selector import Selector, parse_selector
from tests.core.test_selector import SELECTORS
from tests.support.golden import check

GOLDEN = Path(__file__).parent / "golden"
BAD = parse_selector('http_requests_total{job="gateway",code=~"5.."}')
VALID = parse_selector('http_requests_total{job="gateway",code!~"4.."}')
LATENCY = latency(parse_selector('http_request_duration_seconds{job="gateway"}'), 800)

RATIO = Counters(BAD, Counted.BAD, VALID)
NATIVE = NativeHistogram(parse_selector('http_request_duration_seconds{job="gateway"}'), 800)
BACKLOG = TimeShare(Gauge(parse_selector('queue_length{job="mailer"}')), Decimal(500), Side.BELOW)
STOCK = TimeShare(Gauge(parse_selector("stock")), Decimal("0.5"), Side.ABOVE)
AGE = TimeShare(Age(parse_selector("report_made_timestamp_seconds")), Decimal(3_600), Side.BELOW)
P95 = TimeShare(
    Quantile(parse_selector('task_seconds{job="mailer"}'), Decimal("0.95"), 1_800), Decimal("0.8"), Side.BELOW
)
OWN = Expressions("sum(increase(errors_total[$window])) # of all", "sum(increase(requests_total[$window]))")
SLICES = Slices(300, Decimal("0.95"))

INDICATORS: dict[str, Indicator] = {
    "ratio": RATIO,
    "latency": LATENCY,
    "native": NATIVE,
    "backlog": BACKLOG,
    "stock": STOCK,
    "age": AGE,
    "quantile": P95,
    "expressions": OWN,
}


def pair(of: Terms) -> tuple[str, str]:
    return of.numerator, of.valid


QUERIES: dict[str, tuple[str, ...]] = {
    "increments-fine": (per_series(BAD, VALID, 300),),
    "increments-open": (per_series(BAD, VALID, 90),),
    "increments-hour": (per_series(VALID, VALID, 3_600),),
    "plain-ratio": pair(plain_terms(RATIO, None, 300)),
    "plain-respelled": (plain(BAD, 3_600, one_bucket=True),),
    "window": (window_terms(RATIO, 30 * 86_400).numerator,),
    "newest": (newest_sample(RATIO),),
    "explain-ratio": pair(window_terms(RATIO, 28 * 86_400)),
    "explain-latency": pair(window_terms(LATENCY, 7 * 86_400)),
    "explain-native": pair(window_terms(NATIVE, 7 * 86_400)),
    "batch": (batch([("0/0", newest_sample(Counters(BAD, Counted.BAD, BAD))), ("0/1", newest_sample(RATIO))]),),
    **{f"fine-{name}": pair(terms(INDICATORS[name], None, 300)) for name in list(INDICATORS)[2:]},
    "sliced-ratio": pair(terms(RATIO, SLICES, 3_600)),
    "sliced-latency": pair(terms(LATENCY, SLICES, 3_600)),
    "presence": tuple(query for each in INDICATORS.values() for query in (newest_sample(each), series_count(each))),
}


@pytest.mark.parametrize("name", QUERIES)
def test_query_is_the_golden_one(name: str) -> None:
    check(GOLDEN / f"{name}.promql", "\n".join(QUERIES[name]) + "\n")


@pytest.mark.parametrize("name", QUERIES)
def test_query_parses(name: str) -> None:
    for query in QUERIES[name]:
        promql_parser.parse(query)


def test_a_counter_is_counted_by_its_increments() -> None:
    assert pair(terms(RATIO, None, 300)) == (
        f"sum({per_series(BAD, VALID, 300)})",
        f"sum({per_series(VALID, VALID, 300)})",
    )


@pytest.mark.parametrize("name", [name for name, each in INDICATORS.items() if not isinstance(each, Counters)])
def test_what_is_not_cheaper_is_asked_for_at_once(name: str) -> None:
    assert plain_terms(INDICATORS[name], None, 300) == terms(INDICATORS[name], None, 300)


def test_slices_are_asked_for_at_once() -> None:
    assert plain_terms(RATIO, SLICES, 3_600) == terms(RATIO, SLICES, 3_600)


def test_one_series_that_does_not_tell_makes_any_sum_unclear() -> None:
    assert f"- {1e18:g})" in plain(VALID, 300)
    assert is_unclear(-1e18 + 1e17)
    assert is_unclear(-1e18 * 1_000)
    assert not is_unclear(0.0)
    assert not is_unclear(-1e9), "the query of a user may well give that"


def test_a_share_of_time_is_never_sliced_again() -> None:
    assert terms(BACKLOG, SLICES, 3_600) == terms(BACKLOG, None, 3_600)


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("ratio", False), ("latency", False), ("native", False), ("quantile", False),
        ("backlog", True), ("age", True), ("expressions", True),
    ],
)  # fmt: skip
def test_one_value_wants_one_series(name: str, one: bool) -> None:
    assert wants_one_series(INDICATORS[name]) is one


@settings(max_examples=25)
@given(SELECTORS, SELECTORS, st.integers(min_value=1, max_value=86_400))
def test_any_selector_in_one_sum_out(counter: Selector, valid: Selector, width_s: int) -> None:
    indicator = Counters(counter, Counted.BAD, valid)
    queries = (
        *pair(terms(indicator, None, width_s)),
        *pair(plain_terms(indicator, None, width_s)),
        *pair(window_terms(indicator, width_s)),
        newest_sample(indicator),
        series_count(indicator),
    )
    for query in queries:
        parsed = promql_parser.parse(query)

        assert isinstance(parsed, promql_parser.AggregateExpr)


@settings(max_examples=25)
@given(st.lists(SELECTORS, min_size=1, max_size=6))
def test_a_batch_is_one_query_with_a_slot_for_each_term(counters: list[Selector]) -> None:
    query = batch(
        (f"{index}/0", newest_sample(Counters(counter, Counted.BAD, counter))) for index, counter in enumerate(counters)
    )

    found = []
    parsed = promql_parser.parse(query)
    while isinstance(parsed, promql_parser.BinaryExpr):
        found.append(parsed.rhs)
        parsed = parsed.lhs
    found.append(parsed)
    assert len(found) == len(counters)
    for index, term in enumerate(reversed(found)):
        assert isinstance(term, promql_parser.Call)
        assert term.func.name == "label_replace"
        assert [each.val for each in term.args[1:] if isinstance(each, promql_parser.StringLiteral)] == [
            SLOT_LABEL,
            f"{index}/0",
            "",
            "",
        ]
