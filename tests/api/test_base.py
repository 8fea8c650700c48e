from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from frostline.api.base import Model, as_json, cel
from frostline.api.status import ObjectiveStatus


class Colour(StrEnum):
    RED = "Red"


class Inner(Model):
    first_word: str


class Outer(Model):
    inner: Inner | None = None
    many_parts: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("value", "json"),
    [
        pytest.param(Decimal("99.9"), 99.9, id="decimal"),
        pytest.param(Decimal("100.00"), 100, id="whole decimal"),
        pytest.param(Decimal("-0.00"), 0, id="no minus zero"),
        pytest.param(Decimal("1E+3"), 1000, id="exponent"),
        pytest.param(datetime(2026, 10, 1, 12, 30, tzinfo=UTC), "2026-10-01T12:30:00Z", id="time"),
        pytest.param(
            datetime(2026, 10, 1, 12, 30, 5, 999, tzinfo=UTC), "2026-10-01T12:30:05Z", id="time with microseconds"
        ),
        pytest.param(
            datetime(2026, 10, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))),
            "2026-10-01T10:30:00Z",
            id="time of another zone",
        ),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z", id="a year has four digits"),
        pytest.param(date(2026, 10, 1), "2026-10-01", id="day"),
        pytest.param(Colour.RED, "Red", id="enumeration"),
        pytest.param("x", "x", id="text"),
        pytest.param(None, None, id="nothing"),
        pytest.param((Decimal(1), Colour.RED), [1, "Red"], id="tuple"),
        pytest.param(Inner(first_word="a"), {"firstWord": "a"}, id="camel case"),
        pytest.param(Outer(), {"manyParts": []}, id="no key for nothing"),
        pytest.param(
            Outer(inner=Inner(first_word="a"), many_parts=(Inner(first_word="b"),)),
            {"inner": {"firstWord": "a"}, "manyParts": [{"firstWord": "b"}]},
            id="nested",
        ),
    ],
)
def test_values_as_the_api_server_takes_them(value: Any, json: Any) -> None:
    shown = as_json(value)

    assert shown == json
    assert type(shown) is type(json)


TIMES = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5, minutes=30))]),
).map(lambda time: time.replace(microsecond=0))


@given(TIMES, st.decimals(min_value=-1_000, max_value=1_000, places=4))
def test_a_status_reads_back_as_it_was_written(measured_at: datetime, sli: Decimal) -> None:
    status = ObjectiveStatus(measured_at=measured_at, sli=sli)

    again = ObjectiveStatus.model_validate(as_json(status))

    assert again.measured_at == measured_at
    assert again.sli == sli
    assert as_json(again) == as_json(status)


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Inner.model_validate({"firstWord": "a", "second": 1})


def test_what_was_read_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Inner(first_word="a").first_word = "b"  # type: ignore[misc]


def test_cel_rules_are_added_to_a_schema() -> None:
    schema: dict[str, Any] = {"type": "string"}

    cel(("self != ''", "must not be empty"), format="date")(schema)

    assert schema == {
        "type": "string",
        "format": "date",
        "x-kubernetes-validations": [{"rule": "self != ''", "message": "must not be empty"}],
    }


def test_no_rules_add_nothing() -> None:
    schema: dict[str, Any] = {}

    cel()(schema)

    assert schema == {}
