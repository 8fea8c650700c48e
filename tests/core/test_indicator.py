import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.indicator import Counted, bucket_bounds, latency
from frostline.core.selector import parse_selector


@pytest.mark.parametrize(
    ("threshold_ms", "spellings"),
    [
        pytest.param(800, ("0.8",), id="800 ms"),
        pytest.param(1, ("0.001",), id="1 ms"),
        pytest.param(250, ("0.25",), id="250 ms"),
        pytest.param(1_000, ("1", "1.0"), id="1 s"),
        pytest.param(1_500, ("1.5",), id="1500 ms"),
        pytest.param(10_000, ("10", "10.0"), id="10 s keeps its zero"),
        pytest.param(600_000, ("600", "600.0"), id="10 min, no exponent"),
    ],
)
def test_bucket_bounds_in_both_spellings(threshold_ms: int, spellings: tuple[str, ...]) -> None:
    assert bucket_bounds(threshold_ms) == spellings


@pytest.mark.parametrize(
    ("threshold_ms", "good"),
    [
        pytest.param(800, 'h_bucket{job="a",le="0.8"}', id="one spelling"),
        pytest.param(10_000, 'h_bucket{job="a",le=~"10|10\\\\.0"}', id="two spellings, dot escaped"),
    ],
)
def test_latency_is_a_bucket_over_the_count(threshold_ms: int, good: str) -> None:
    indicator = latency(parse_selector('h{job="a"}'), threshold_ms)

    assert indicator.counted is Counted.GOOD
    assert [str(indicator.numerator), str(indicator.valid)] == [good, 'h_count{job="a"}']


@given(st.integers(min_value=1, max_value=86_400_000))
def test_a_bound_is_matched_in_every_spelling_and_in_no_other(threshold_ms: int) -> None:
    matcher = latency(parse_selector("h"), threshold_ms).numerator.matchers[0]

    def matches(le: str) -> bool:
        return re.fullmatch(matcher.value, le) is not None if matcher.operator == "=~" else le == matcher.value

    assert all(matches(spelling) for spelling in bucket_bounds(threshold_ms))
    assert all(float(spelling) * 1_000 == pytest.approx(threshold_ms) for spelling in bucket_bounds(threshold_ms))
    assert not any(matches(spelling) for spelling in bucket_bounds(threshold_ms + 1))
    assert not matches(bucket_bounds(threshold_ms)[-1].replace(".", "x") + "x")
