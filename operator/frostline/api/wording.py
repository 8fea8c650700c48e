"""What pydantic finds in a manifest, in words for the person who wrote it."""

import difflib
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from frostline.api.base import Model
from frostline.core.finding import clipped


def told(error: ErrorDetails, model: type[Model], *, root: str = "spec") -> str:
    """Return a problem of a manifest whose part `root` is a `model`: the field, what is wrong, what to do."""
    path = tuple(str(part) for part in error["loc"])
    where = ".".join((root, *path))
    match error["type"]:
        case "missing":
            return f"{where}: is required{_about(path, model)}"
        case "extra_forbidden":
            return f"{where}: there is no such field{_meant(path, model, root)}"
        case "model_type" | "dict_type":
            return f"{where}: must be a mapping{_given(error['input'])}"
        case "value_error":
            return f"{where}: {error['msg'].removeprefix('Value error, ')}"
        case _:
            return f"{where}: {error['msg']}{_given(error['input'])}"


def _given(value: object) -> str:
    if value is None or isinstance(value, str | int | float):
        return f", not {'nothing' if value is None else clipped(repr(value))}"
    return ""


def _about(path: tuple[str, ...], model: type[Model]) -> str:
    described = dict(_paths(model)).get(_without_indices(path))
    return "" if described is None else f": {described[:1].lower()}{described[1:].rstrip('.')}"


def _meant(path: tuple[str, ...], model: type[Model], root: str) -> str:
    """Return a guess which field was meant: one like it beside it, or one of its name elsewhere."""
    known = [each for each, _ in _paths(model)]
    here = _without_indices(path)[:-1]
    beside = [each[-1] for each in known if each[:-1] == here]
    close = difflib.get_close_matches(path[-1], beside, n=1, cutoff=0.7)
    if close:
        return f"; did you mean {close[0]}?"
    elsewhere = [each for each in known if each[-1] == path[-1]]
    if len(elsewhere) == 1:
        return f"; did you mean {'.'.join((root, *elsewhere[0]))}?"
    return f"; there are {', '.join(beside)}" if beside else ""


def _without_indices(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for part in path if not part.isdigit())


@cache
def _paths(model: type[Model]) -> tuple[tuple[tuple[str, ...], str | None], ...]:
    """Return all fields of a model and of the models in it, as paths without indices, with their descriptions."""
    return tuple(_walk(model))


def _walk(model: type[Model]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    for name, field in model.model_fields.items():
        here = to_camel(name)
        yield (here,), field.description
        for inner in _models(field.annotation):
            for path, description in _walk(inner):
                yield (here, *path), description


def _models(annotation: Any) -> Iterator[type[Model]]:  # noqa: ANN401 - annotations have no type
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
