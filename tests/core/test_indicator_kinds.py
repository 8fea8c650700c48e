"""PromQL of every kind of indicator: one text each, which parses, whatever people put into it."""

from decimal import Decimal
from pathlib import Path

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    bucket_bounds,
    latency,
)
from frostline.core.promql import (
    Slices,
    batch,
    newest_sample,
    series_count,
    terms,
    wants_one_series,
    window_terms,
)
from frostline.core.selector import Matcher, Selector
from tests.support import golden

HERE = Path(__file__).parent
HISTOGRAM = Selector("h_seconds", (Matcher("job", "=", "web"),))
KINDS: dict[str, Indicator] = {
    "bad": Counters(Selector("bad_total"), Counted.BAD, Selector("all_total")),
    "good": Counters(Selector("good_total"), Counted.GOOD, Selector("all_total")),
    "latency": latency(HISTOGRAM, 800),
    "latency-of-whole-seconds": latency(HISTOGRAM, 1000),
    "native": NativeHistogram(HISTOGRAM, 300),
    "gauge-below": TimeShare(Gauge(Selector("g")), Decimal("0.8"), Side.BELOW),
    "gauge-above": TimeShare(Gauge(Selector("g")), Decimal(-5), Side.ABOVE),
    "age": TimeShare(Age(Selector("t")), Decimal(3600), Side.BELOW),
    "p95": TimeShare(Quantile(HISTOGRAM, Decimal("0.95"), 1800), Decimal("0.5"), Side.BELOW),
    "query": Expressions("sum(increase(bad_total[$window])) # bad", "sum(increase(all_total[$window]))"),
}
SLICES = Slices(300, Decimal("0.95"))


@pytest.mark.parametrize("name", KINDS)
def test_the_text_of_a_kind(name: str) -> None:
    indicator = KINDS[name]
    five, sliced, day = terms(indicator, None, 300), terms(indicator, SLICES, 3600), window_terms(indicator, 86_400)
    texts = {
        "numerator of five minutes": five.numerator,
        "valid of five minutes": five.valid,
        "numerator of an hour in slices": sliced.numerator,
        "valid of an hour in slices": sliced.valid,
        "numerator of a day": day.numerator,
        "valid of a day": day.valid,
        "newest": newest_sample(indicator),
        "series": series_count(indicator),
    }
    for text in texts.values():
        promql_parser.parse(text)
        promql_parser.parse(batch([("0/0", text), ("0/1", text)]))
    lines = [f"# {title}\n{promql_parser.parse(text).prettify()}\n" for title, text in texts.items()]
    golden.check(HERE / "golden" / f"kind-{name}.promql", "\n".join(lines))


def test_one_value_is_wanted_where_one_is_judged() -> None:
    assert {name for name, each in KINDS.items() if wants_one_series(each)} == {
        "gauge-below",
        "gauge-above",
        "age",
        "query",
    }


def test_increase_in_a_query_is_counted_like_a_ratio() -> None:
    query = terms(KINDS["query"], None, 300).numerator
    assert "last_over_time(bad_total{}[5m])" in query
    assert "resets(bad_total{}[10m])" in query


@pytest.mark.parametrize(
    "expression",
    [
        "sum(rate(a[$window])) * 300",
        "sum(increase(a[1h])) + 0 * sum(count_over_time(a[$window]))",
        "sum(increase(a[$window] offset 1h))",
        'sum(increase({__name__=~"a|b"}[$window]))',
    ],
)
def test_any_other_query_is_left_as_it_was_written(expression: str) -> None:
    asked = terms(Expressions(expression, expression), None, 300)
    assert asked.valid == f"sum((\n{expression.replace('$window', '5m')}\n))"


def test_a_comment_at_the_end_of_a_query_swallows_nothing() -> None:
    query = Expressions("sum(rate(a[$window])) # bad", "sum(rate(b[$window])) # all")
    for text in (terms(query, None, 300).numerator, terms(query, SLICES, 3600).numerator, series_count(query)):
        promql_parser.parse(batch([("0", text), ("1", text)]))


@pytest.mark.parametrize(
    ("milliseconds", "spelled"),
    [
        (800, ("0.8",)),
        (1_000, ("1", "1.0")),
        (600_000, ("600", "600.0")),
        (1_209_600_000, ("1209600", "1209600.0", "1.2096e+06")),
        (1_000_000_000, ("1000000", "1000000.0", "1e+06")),
    ],
)
def test_a_bucket_bound_in_all_its_spellings(milliseconds: int, spelled: tuple[str, ...]) -> None:
    assert bucket_bounds(milliseconds) == spelled
    assert all(float(each) * 1000 == milliseconds for each in spelled)


values = st.text(max_size=20)
selectors = st.builds(
    Selector,
    st.sampled_from(["a_total", "ns:rule:rate", "x"]),
    st.lists(
        st.builds(Matcher, st.sampled_from(["job", "code"]), st.sampled_from(["=", "!="]), values), max_size=3
    ).map(tuple),
)
indicators: st.SearchStrategy[Indicator] = st.one_of(
    st.builds(Counters, selectors, st.sampled_from(Counted), selectors, st.booleans()),
    st.builds(NativeHistogram, selectors, st.integers(1, 10**9)),
    st.builds(
        TimeShare,
        st.one_of(
            st.builds(Gauge, selectors),
            st.builds(Age, selectors),
            st.builds(Quantile, selectors, st.decimals("0.001", "0.999", places=3), st.integers(1, 86_400)),
        ),
        st.decimals(-(10**6), 10**6, places=3),
        st.sampled_from(Side),
    ),
)


@given(
    indicators, st.one_of(st.none(), st.sampled_from([SLICES, Slices(60, Decimal(1))])), st.integers(1, 366 * 86_400)
)
def test_no_label_value_breaks_a_query(indicator: Indicator, slices: Slices | None, width_s: int) -> None:
    asked = terms(indicator, slices, width_s)
    promql_parser.parse(
        batch(
            (str(index), text)
            for index, text in enumerate(
                (asked.numerator, asked.valid, newest_sample(indicator), series_count(indicator))
            )
        )
    )
