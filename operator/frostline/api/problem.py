"""Problems of a manifest, told with the field that has them."""

from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class ProblemError(ValueError):
    """A field cannot be understood; the text begins with its path."""


def located(field: str, parse: Callable[[str], _T], text: str) -> _T:
    """Return what `parse` makes of `text`.

    Raises:
        ProblemError: it made nothing of it; the reason follows the name of the field.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise ProblemError(f"{field}: {error}") from None
