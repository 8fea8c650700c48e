"""What all models share."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

JsonObject = dict[str, Any]


class Model(BaseModel):
    """A part of a manifest: camelCase outside, unknown fields refused, immutable once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, use_enum_values=False
    )


def cel(*rules: tuple[str, str], **extra: object) -> Callable[[JsonObject], None]:
    """Return a schema hook that adds CEL rules as (expression, message) and other schema keywords."""

    def add(schema: JsonObject) -> None:
        if rules:
            schema["x-kubernetes-validations"] = [
                {"rule": expression, "message": message} for expression, message in rules
            ]
        schema.update(extra)

    return add


def as_json(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a model as the JSON that the API server takes: numbers as numbers, times in UTC, nothing for None."""
    if isinstance(value, Model):
        fields = type(value).model_fields
        pairs = ((to_camel(name), getattr(value, name)) for name in fields)
        return {name: as_json(part) for name, part in pairs if part is not None}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.value if isinstance(value, Enum) else value
