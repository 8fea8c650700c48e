"""What all models share."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

JsonObject = dict[str, Any]


def _number(value: object) -> object:
    """Refuse what pydantic would read as a number and the API server would not: text and truth values."""
    if isinstance(value, bool | str):
        given = "text" if isinstance(value, str) else "a truth value"
        raise ValueError(f"must be a number, not {given}: write it without quotes")  # noqa: TRY004 - pydantic's way
    return value


def _day(value: object) -> object:
    """Refuse what pydantic would read as a day and the API server would not: epoch seconds, times of day."""
    plain = isinstance(value, date) and not isinstance(value, datetime)
    if not plain and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError("must be a day such as 2026-10-01")
    return value


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_EMPTY: tuple[object, ...] = ("", [], {})

NUMBER = BeforeValidator(_number)
"""To stand last in an annotation: bounds before it are then still bounds of the number in the schema."""

Number = Annotated[Decimal, NUMBER]
Day = Annotated[date, BeforeValidator(_day)]


_FIELDS_SET: dict[frozenset[str], set[str]] = {}
"""Sets of field names that are in use; there are as many as there are ways to fill in a manifest."""


class Model(BaseModel):
    """A part of a manifest: camelCase outside, unknown fields refused, immutable once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, use_enum_values=False
    )

    def model_post_init(self, _context: object) -> None:
        """Share the set of the fields that were given with all models that were given the same.

        One of each would be half of the memory of ten thousand manifests; nothing changes it, as nothing changes a
        model.
        """
        given = self.__pydantic_fields_set__
        object.__setattr__(self, "__pydantic_fields_set__", _FIELDS_SET.setdefault(frozenset(given), given))


def cel(*rules: tuple[str, str], **extra: object) -> Callable[[JsonObject], None]:
    """Return a schema hook that adds CEL rules as (expression, message) and other schema keywords."""

    def add(schema: JsonObject) -> None:
        if rules:
            schema["x-kubernetes-validations"] = [
                {"rule": expression, "message": message} for expression, message in rules
            ]
        schema.update(extra)

    return add


def as_json(value: object, *, empties: bool = True) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a model as the JSON that the API server takes: numbers as numbers, times in UTC, nothing for None.

    Without `empties` fields that hold nothing are left out as well; what free-form objects hold stays as it is.
    """
    if isinstance(value, Model):
        pairs = ((field.alias or name, getattr(value, name)) for name, field in type(value).model_fields.items())
        said = ((name, part) for name, part in pairs if part is not None and (empties or part not in _EMPTY))
        return {name: as_json(part, empties=empties) for name, part in said}
    if isinstance(value, list | tuple):
        return [as_json(part, empties=empties) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.value if isinstance(value, Enum) else value
