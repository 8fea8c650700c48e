"""JSON objects kept as text: a quarter of the memory of dictionaries, where there are ten thousand rarely read ones."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson


class Packed(Mapping[str, Any]):
    """A JSON object that is read anew at every look: ask for `unpacked` where several keys are of interest."""

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]  # as of a dictionary

    def __init__(self, value: Mapping[str, Any]) -> None:
        # A copy of its own length: what orjson returns has room for twice as much.
        self._text = bytes(memoryview(orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS)))

    def unpacked(self) -> dict[str, Any]:
        """Return the object."""
        return dict(orjson.loads(self._text))

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - any JSON
        return self.unpacked()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.unpacked())

    def __len__(self) -> int:
        return len(self.unpacked())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed):
            # Numbers have several spellings.
            return self._text == other._text or self.unpacked() == other.unpacked()
        return isinstance(other, Mapping) and self.unpacked() == other


def unpacked(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object, packed or not, as a dictionary of its own."""
    return value.unpacked() if isinstance(value, Packed) else dict(value)
