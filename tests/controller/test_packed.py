import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from frostline.controller.packed import Packed, unpacked

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=5)


@given(OBJECTS)
def test_it_is_the_object_that_was_packed(value: dict[str, Any]) -> None:
    packed = Packed(value)

    assert packed == value
    assert value == packed
    assert unpacked(packed) == value == unpacked(value)
    assert dict(packed) == value
    assert len(packed) == len(value)


@given(OBJECTS, OBJECTS)
def test_two_are_the_same_where_the_objects_are(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (Packed(one) == Packed(other)) == (one == other)
    assert (Packed(one) == other) == (one == other)


def test_the_order_of_keys_does_not_count() -> None:
    assert Packed({"a": 1, "b": {"c": 2, "d": 3}}) == Packed({"b": {"d": 3, "c": 2}, "a": 1})


def test_the_spelling_of_a_number_does_not_count() -> None:
    assert Packed({"budget": 1}) == Packed({"budget": 1.0})


def test_it_has_no_other_keys() -> None:
    packed = Packed({"level": "Healthy"})

    assert packed.get("level") == "Healthy"
    assert packed.get("budget", {}) == {}
    with pytest.raises(KeyError):
        packed["budget"]
    assert packed != "level"


def test_of_a_usual_status_little_has_to_be_kept() -> None:
    status = yaml.safe_load((Path(__file__).parent / "golden" / "healthy.yaml").read_text())
    as_stored = json.loads(json.dumps(status, default=str))

    assert len(Packed(as_stored)._text) < len(json.dumps(as_stored)) / 5
