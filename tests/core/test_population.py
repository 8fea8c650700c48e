import re
import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.indicator import Counted, Counters
from frostline.core.pattern import EVERYTHING, values
from frostline.core.population import stray
from frostline.core.selector import Matcher, Selector, parse_selector


def said(numerator: str, valid: str, counted: Counted = Counted.BAD) -> str:
    found = stray(Counters(parse_selector(numerator), counted, parse_selector(valid)))
    return "" if found is None else found


@pytest.mark.parametrize(
    ("numerator", "valid"),
    [
        pytest.param('x{job="a",code=~"5.."}', 'x{job="a"}', id="a part of all"),
        pytest.param('x{job="a",code=~"5.."}', 'x{job="a",code!~"4.."}', id="all but some, and not of those"),
        pytest.param('x{job="a",code=~"2..|3.."}', 'x{job="a",code!~"4.."}', id="alternatives"),
        pytest.param('x{job="a",code="200"}', 'x{job="a",code=~"2.."}', id="one of a pattern"),
        pytest.param('x{code=~"5.."}', 'x{code=~"[2-5].."}', id="within a class"),
        pytest.param('x{code=~"2.."}', 'x{code=~"2..|3..|5.."}', id="within alternatives"),
        pytest.param('x{code=~"[25].."}', 'x{code=~"2..|5.."}', id="a class within alternatives"),
        pytest.param('x{route="/a",code="5"}', 'x{route!="/b"}', id="not the excluded one"),
        pytest.param('x{route=~"/api/a"}', 'x{route=~"/api/.+"}', id="below a prefix"),
        pytest.param('x{route=~"/api/.+"}', 'x{route=~"/.*"}', id="a prefix below a prefix"),
        pytest.param('x{code=~"^5..$"}', 'x{code!~"4.."}', id="anchored by hand"),
        pytest.param('x{code!~"[45].."}', 'x{code!~"4.."}', id="excludes more"),
        pytest.param('x{code="5"}', 'x{job=~".*"}', id="a matcher that matches all"),
        pytest.param('failed_total{job="a"}', 'all_total{job="a",code!~"4.."}', id="another metric without the label"),
        pytest.param('h_bucket{le="0.3"}', "h_count", id="a bucket of the count"),
        pytest.param('h_bucket{le="0.3"}', 'h_bucket{le="+Inf"}', id="a bucket of the last bucket"),
        pytest.param('x{code=~"(?i)abc+"}', 'x{code=~"(?i)abc*"}', id="expressions that are not understood"),
    ],
)
def test_says_nothing_of_a_part_of_valid(numerator: str, valid: str) -> None:
    assert said(numerator, valid) == ""


@pytest.mark.parametrize(
    ("numerator", "valid"),
    [
        pytest.param('x{job="b",code=~"5.."}', 'x{job="a"}', id="another job"),
        pytest.param('done_total{job="b"}', 'all_total{job="a"}', id="another job and another metric"),
        pytest.param('x{code=~"4.."}', 'x{code!~"4.."}', id="just what valid excludes"),
        pytest.param('x{code="404"}', 'x{code!~"4.."}', id="one that valid excludes"),
        pytest.param('x{code!~"2.."}', 'x{code=~"2.."}', id="all but valid"),
        pytest.param('x{code!="200"}', 'x{code="200"}', id="all but the one"),
        pytest.param('x{code=~"5.."}', 'x{code=~"2..|3.."}', id="disjoint patterns"),
        pytest.param('x{code=~"(?i)a+b"}', 'x{code!~"(?i)a+b"}', id="opposite of what is not understood"),
    ],
)
def test_events_outside_of_valid(numerator: str, valid: str) -> None:
    sentence = said(numerator, valid)

    assert "counts none of the valid events" in sentence
    assert "same population" in sentence


@pytest.mark.parametrize(
    ("numerator", "valid", "wanted"),
    [
        pytest.param('x{code=~"5.."}', 'x{code!~"4..",route!="/health"}', 'route!="/health"', id="an exclusion"),
        pytest.param('x{code=~"5.."}', 'x{job="a"}', 'job="a"', id="a job"),
        pytest.param('h_bucket{le="1"}', 'h_count{route="/a"}', 'route="/a"', id="of a histogram"),
        pytest.param('x{a="1"}', 'x{b=~"(?i)z+"}', 'b=~"(?i)z+"', id="what is not understood"),
    ],
)
def test_a_matcher_of_valid_that_is_lacking(numerator: str, valid: str, wanted: str) -> None:
    assert f"add {wanted} to bad" in said(numerator, valid)


@pytest.mark.parametrize(
    ("numerator", "valid"),
    [
        pytest.param('x{code=~"2..|4.."}', 'x{code!~"4.."}', id="one alternative outside"),
        pytest.param('x{code!~"5.."}', 'x{code=~"2..|5.."}', id="all but some"),
        pytest.param('x{code=~".+"}', 'x{code=~"2.."}', id="any"),
    ],
)
def test_events_partly_outside_of_valid(numerator: str, valid: str) -> None:
    assert "narrow good to that" in said(numerator, valid, Counted.GOOD)


def test_the_same_events_are_no_indicator() -> None:
    assert "always 100 %" in said('x{job="a",b="1"}', 'x{b="1",job="a"}', Counted.GOOD)
    assert "always 0 %" in said("x", "x")


def test_another_metric_is_a_hint_only() -> None:
    assert "another metric" in said('done_total{job="b"}', 'all_total{job="a"}')
    assert "another metric" not in said('x{job="b"}', 'x{job="a"}')


@pytest.mark.parametrize(
    "hostile",
    [
        "(a+)+" * 200,
        "(" * 2000,
        "[a-z]" * 500,
        "(a|b|c|d|e|f|g|h)" * 200,
        "|".join(f"{'a' * 20}{index}.*" for index in range(180)),
        "a{16}" * 500,
        ".*" * 2000,
        "\\",
        "[",
        "[a",
        "a{",
        "a{99}",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_expressions_cost_little(hostile: str) -> None:
    begun = time.process_time()
    for one, other in product(("=~", "!~"), repeat=2):
        bad, valid = Matcher("y", one, hostile), Matcher("y", other, hostile + "x")
        stray(Counters(Selector("x", (bad,)), Counted.BAD, Selector("x", (valid,))))

    assert time.process_time() - begun < 2


PIECES = st.sampled_from(["a", "b", ".", "[ab]", "(?:a|bb)", "a?", ".*", ".+", r"\.", "b{2}"])
EXPRESSIONS = st.lists(PIECES, max_size=3).map("".join)
TEXTS = ["".join(each) for length in range(7) for each in product("ab.", repeat=length)]


@given(EXPRESSIONS, EXPRESSIONS, st.sampled_from(["=~", "!~"]), st.sampled_from(["=~", "!~"]))
def test_what_is_claimed_of_two_expressions_holds_for_texts(one: str, other: str, first: str, second: str) -> None:
    left, right = values(Matcher("l", first, one)), values(Matcher("l", second, other))
    assert left is not None
    assert right is not None
    in_left = {text for text in TEXTS if bool(re.fullmatch(one, text)) == (first == "=~")}
    in_right = {text for text in TEXTS if bool(re.fullmatch(other, text)) == (second == "=~")}

    if left.within(right):
        assert in_left <= in_right
    elif first == second == "=~" and ".*" not in one + other and ".+" not in one + other:
        assert not in_left <= in_right or "." in one.replace(r"\.", "")
    if left.apart_from(right):
        assert not in_left & in_right
    elif first == second == "=~":
        assert in_left & in_right


def test_everything_lies_within_what_matches_all() -> None:
    for matcher in (Matcher("l", "=~", ".*"), Matcher("l", "!~", "(a|b){0}x.+y"), Matcher("l", "!=", "z")):
        of = values(matcher)
        assert of is not None
        assert EVERYTHING.within(of) is (matcher.value == ".*")
