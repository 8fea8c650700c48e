from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.core.durations import format_duration, parse_duration, promql_duration

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        pytest.param("800ms", timedelta(milliseconds=800), id="milliseconds"),
        pytest.param("45s", timedelta(seconds=45), id="seconds"),
        pytest.param("15m", timedelta(minutes=15), id="m is minutes"),
        pytest.param("12h", timedelta(hours=12), id="hours"),
        pytest.param("30d", timedelta(days=30), id="days"),
        pytest.param("4w", timedelta(weeks=4), id="weeks"),
        pytest.param("1y", timedelta(days=365), id="a year has 365 days"),
        pytest.param("1h30m", timedelta(minutes=90), id="parts add up"),
        pytest.param("0s", timedelta(0), id="zero"),
        pytest.param("007d", timedelta(days=7), id="leading zeros"),
    ],
)
def test_reads_what_people_type(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("30", id="no unit"),
        pytest.param("d", id="no number"),
        pytest.param("-1h", id="negative"),
        pytest.param("1.5h", id="fraction"),
        pytest.param("30 d", id="space inside"),
        pytest.param(" 30d", id="space before"),
        pytest.param("30d\n", id="newline after"),
        pytest.param("30D", id="capital unit"),
        pytest.param("1M", id="months are not served"),
        pytest.param("\u0663\u0660d", id="digits that the CRD refuses"),
        pytest.param("1h;", id="rubbish after"),
        pytest.param("9999999999999d", id="too many digits"),
    ],
)
def test_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration") as refusal:
        parse_duration(text)

    assert text in str(refusal.value)


def test_refuses_a_duration_that_nothing_can_hold() -> None:
    with pytest.raises(ValueError, match="too long a duration"):
        parse_duration("999999999999y")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        pytest.param(timedelta(0), "0s", id="nothing"),
        pytest.param(timedelta(milliseconds=999), "0s", id="below a second"),
        pytest.param(timedelta(seconds=45), "45s", id="seconds"),
        pytest.param(timedelta(seconds=61), "1m1s", id="minutes and seconds"),
        pytest.param(timedelta(hours=3, minutes=12, seconds=59), "3h12m", id="two units are enough"),
        pytest.param(timedelta(hours=3, seconds=59), "3h", id="no zero part"),
        pytest.param(timedelta(days=6, hours=4), "6d4h", id="days and hours"),
        pytest.param(timedelta(days=30), "30d", id="whole days"),
    ],
)
def test_says_a_length_in_two_units(length: timedelta, text: str) -> None:
    assert format_duration(length) == text


@given(st.integers(min_value=0, max_value=400 * 86_400))
def test_a_said_length_loses_less_than_its_second_unit(seconds: int) -> None:
    read = parse_duration(format_duration(timedelta(seconds=seconds)))

    lost = timedelta(seconds=seconds) - read
    assert timedelta(0) <= lost < (timedelta(hours=1) if seconds >= 86_400 else timedelta(minutes=1))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(1, "1s", id="second"),
        pytest.param(90, "90s", id="no mixed units"),
        pytest.param(300, "5m", id="minutes"),
        pytest.param(5_400, "90m", id="an hour and a half"),
        pytest.param(3_600, "1h", id="hour"),
        pytest.param(2_592_000, "30d", id="window"),
    ],
)
def test_spells_ranges_for_promql(seconds: int, text: str) -> None:
    assert promql_duration(seconds) == text


@given(st.integers(min_value=1, max_value=400 * 86_400))
def test_a_range_for_promql_is_exact(seconds: int) -> None:
    assert parse_duration(promql_duration(seconds)) == seconds * SECOND


@pytest.mark.parametrize("seconds", [0, -1])
def test_refuses_an_empty_range(seconds: int) -> None:
    with pytest.raises(ValueError, match="longer than 0 s"):
        promql_duration(seconds)
