import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.selector import Matcher, Selector, parse_selector, quote

METRIC_NAMES = st.from_regex(r"[a-z_:][a-zA-Z0-9_:]{0,12}_total", fullmatch=True)
LABEL_NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,10}", fullmatch=True).filter(lambda name: name != "__name__")
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text("\"\\\n\r\t'`{}#, or", max_size=12)
MATCHERS = st.builds(Matcher, LABEL_NAMES, st.sampled_from(["=", "!="]), VALUES)
SELECTORS = st.builds(Selector, METRIC_NAMES, st.lists(MATCHERS, max_size=4).map(tuple))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        pytest.param("up", "up", id="bare name"),
        pytest.param("up{}", "up", id="empty braces"),
        pytest.param("  up  # all of them", "up", id="comment and spaces"),
        pytest.param("job:errors:rate5m", "job:errors:rate5m", id="recorded name"),
        pytest.param('x{a="b",c!="d"}', 'x{a="b",c!="d"}', id="equal, not equal"),
        pytest.param('x{a=~"4..|5..",c!~"d.*"}', 'x{a=~"4..|5..",c!~"d.*"}', id="regular expressions"),
        pytest.param('x{a="b",}', 'x{a="b"}', id="trailing comma"),
        pytest.param("x{a='it'}", 'x{a="it"}', id="single quotes"),
        pytest.param("x{a='\"'}", r'x{a="\""}', id="a quote in single quotes"),
        pytest.param(r"x{a=`b\n`}", r'x{a="b\\n"}', id="raw string"),
        pytest.param(r'x{a="\u00e9"}', 'x{a="é"}', id="escaped letter"),
        pytest.param('{__name__="x",a="b"}', 'x{a="b"}', id="name as a label"),
        pytest.param('sum{a="b"}', 'sum{a="b"}', id="a name that is also a function"),
        pytest.param('x{on="y",by="z"}', 'x{on="y",by="z"}', id="labels that are also keywords"),
        pytest.param('x{a=""}', 'x{a=""}', id="label must be absent"),
    ],
)
def test_reads_a_selector(text: str, printed: str) -> None:
    assert str(parse_selector(text)) == printed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "not valid PromQL", id="empty"),
        pytest.param("   ", "not valid PromQL", id="blank"),
        pytest.param("x{", "not valid PromQL", id="open brace"),
        pytest.param('x{a="b}', "not valid PromQL", id="open quote"),
        pytest.param('x{a=~"("}', "not valid PromQL", id="broken regular expression"),
        pytest.param("x y", "not valid PromQL", id="two words"),
        pytest.param('{a="b"}', "must begin with a metric name", id="no name"),
        pytest.param('{"http.requests"}', "must begin with a metric name", id="quoted name"),
        pytest.param('{__name__=~"x.*",a="b"}', '"__name__" is not served', id="name as a pattern"),
        pytest.param('{__name__="x",__name__="y"}', "metric name", id="two names"),
        pytest.param('{__name__="inf"}', "metric name", id="a name that reads as a number"),
        pytest.param('{__name__="NaN"}', "metric name", id="another"),
        pytest.param('{__name__="on",a="b"}', "metric name", id="a name that reads as a keyword"),
        pytest.param('x{"a b"="c"}', 'label name "a b" is not served', id="quoted label name"),
        pytest.param('x{a="b" or c="d"}', "must not join matchers", id="alternatives"),
        pytest.param("x[5m]", "must be one selector", id="range"),
        pytest.param("x[5m:1m]", "must be one selector", id="subquery"),
        pytest.param("x offset 5m", "must not carry offset", id="offset"),
        pytest.param("x @ 1", "must not carry offset", id="at"),
        pytest.param("sum(x)", "must be one selector", id="function"),
        pytest.param("rate(x[5m])", "must be one selector", id="rate"),
        pytest.param("x + y", "must be one selector", id="sum of two"),
        pytest.param("-x", "must be one selector", id="negative"),
        pytest.param("(x)", "must be one selector", id="in parentheses"),
        pytest.param("1", "must be one selector", id="number"),
        pytest.param('"x"', "must be one selector", id="string"),
        pytest.param('x{a="b"} or vector(1) #', "must be one selector", id="injection after the braces"),
        pytest.param('x"} or vector(1) #', "not valid PromQL", id="injection by a quote"),
        pytest.param('x{a="b"}) or vector(1) or (x', "not valid PromQL", id="injection by parentheses"),
        pytest.param("x unless x", "must be one selector", id="set operator"),
    ],
)
def test_refuses_what_is_no_plain_selector(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"selector|PromQL|name|must not|served") as refusal:
        parse_selector(text)

    assert says in str(refusal.value)


@given(SELECTORS)
def test_what_is_printed_reads_as_the_same(selector: Selector) -> None:
    assert parse_selector(str(selector)) == selector


@given(VALUES)
def test_any_label_value_survives(value: str) -> None:
    (matcher,) = parse_selector(f"x{{a={quote(value)}}}").matchers

    assert matcher.value == value


@given(st.text(max_size=40))
def test_any_text_is_refused_or_read_as_itself(text: str) -> None:
    try:
        selector = parse_selector(text)
    except ValueError:
        return

    assert parse_selector(str(selector)) == selector


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param('"} or vector(1) #', id="ends the selector"),
        pytest.param('\\"} or vector(1) #', id="escapes the escape"),
        pytest.param("\\", id="escapes our quote"),
        pytest.param('"\n} or vector(1)', id="with a newline"),
        pytest.param("`} or vector(1) #", id="raw quote"),
    ],
)
def test_an_injection_in_a_value_stays_a_value(attempt: str) -> None:
    selector = Selector("x", (Matcher("a", "=", attempt),))

    assert parse_selector(str(selector)) == selector


def test_narrowing_and_naming_leave_the_original_alone() -> None:
    original = parse_selector('x{a="b"}')

    narrowed = original.named("y").where(Matcher("c", "!=", "d"))

    assert str(narrowed) == 'y{a="b",c!="d"}'
    assert str(original) == 'x{a="b"}'
