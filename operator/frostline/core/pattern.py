"""Sets of label values: what matchers let through, compared with each other.

Only regular expressions that people write for labels are understood: literals, `.`, small classes, alternatives,
groups, and `.*` or `.+`. Of any other nothing is claimed. No regular expression of a user is ever run.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias

from frostline.core.selector import Matcher


class _Wild(Enum):
    CHARACTER = "."
    TEXT = ".*"


_Atom: TypeAlias = str | _Wild
Pattern: TypeAlias = tuple[_Atom, ...]
"""A text: characters as they are, any one character, or any text."""

_MOST_PATTERNS: Final = 64
_MOST_ATOMS: Final = 1_024
_MOST_DEPTH: Final = 8
_MOST_REPEATS: Final = 16
_MOST_REPEATS_DIGITS: Final = 2
_REPEATS: Final = frozenset("?*+{")
_SPECIAL: Final = frozenset("^$*+?{}[]()|")


@dataclass(frozen=True, slots=True)
class Values:
    """The values that a matcher lets through: those of the patterns, or with `negated` all others."""

    patterns: frozenset[Pattern]
    negated: bool

    def within(self, other: "Values") -> bool:
        """Return whether every one of these values is one of `other`."""
        if not self.negated:
            return _apart(self, other) if other.negated else _all_within(self, other)
        return other.negated and _all_within(other, self)

    def apart_from(self, other: "Values") -> bool:
        """Return whether no value is one of both."""
        if self.negated and other.negated:
            return False
        if not self.negated and not other.negated:
            return _apart(self, other)
        named, rest = (other, self) if self.negated else (self, other)
        return _all_within(named, rest)


EVERYTHING: Final = Values(frozenset(((_Wild.TEXT,),)), negated=False)


@lru_cache(maxsize=1_024)
def values(matcher: Matcher) -> Values | None:
    """Return the values that a matcher lets through; None for a regular expression that is not understood."""
    negated = matcher.operator in ("!=", "!~")
    if matcher.operator in ("=", "!="):
        return Values(frozenset((tuple(matcher.value),)), negated)
    # Prometheus anchors by itself; people often do it again.
    patterns = _Reader(matcher.value.removeprefix("^").removesuffix("$")).read()
    return None if patterns is None else Values(patterns, negated)


def _all_within(inner: Values, outer: Values) -> bool:
    return all(any(_contained(one, many) for many in outer.patterns) for one in inner.patterns)


def _apart(one: Values, other: Values) -> bool:
    return not any(_overlap(left, right) for left in one.patterns for right in other.patterns)


def _contained(inner: Pattern, outer: Pattern) -> bool:
    """Return whether every text of `inner` is one of `outer`: by rows, as texts are compared by edits."""
    if _Wild.TEXT not in outer:
        return (
            len(inner) == len(outer)
            and _Wild.TEXT not in inner
            and all(wide in (_Wild.CHARACTER, narrow) for narrow, wide in zip(inner, outer, strict=True))
        )
    # row[i]: whether inner[i:] is contained in what is left of outer.
    row = [False] * len(inner) + [True]
    for wide in reversed(outer):
        before, row = row, [False] * (len(inner) + 1)
        for index in range(len(inner), -1, -1):
            inside = index < len(inner)
            if wide is _Wild.TEXT:
                row[index] = before[index] or (inside and row[index + 1])
            elif inside and inner[index] is not _Wild.TEXT:
                row[index] = wide in (_Wild.CHARACTER, inner[index]) and before[index + 1]
    return row[0]


def _overlap(left: Pattern, right: Pattern) -> bool:
    """Return whether some text is one of both."""
    if _Wild.TEXT not in left and _Wild.TEXT not in right:
        return len(left) == len(right) and all(
            one == other or _Wild.CHARACTER in (one, other) for one, other in zip(left, right, strict=True)
        )
    row: list[bool] = []
    # row[inner]: whether left[inner:] and right[outer:] meet.
    for outer in range(len(right), -1, -1):
        before, row = row, [False] * (len(left) + 1)
        for inner in range(len(left), -1, -1):
            one = left[inner] if inner < len(left) else None
            other = right[outer] if outer < len(right) else None
            if one is None and other is None:
                row[inner] = True
            elif one is _Wild.TEXT:
                row[inner] = row[inner + 1] or (other is not None and before[inner])
            elif other is _Wild.TEXT:
                row[inner] = before[inner] or (one is not None and row[inner + 1])
            elif one is not None and other is not None:
                row[inner] = (one == other or _Wild.CHARACTER in (one, other)) and before[inner + 1]
    return row[0]


class _TooMuchError(Exception):
    """The expression is larger, or another one, than what is understood."""


class _Reader:
    """Reads a regular expression (RE2, anchored at both ends as Prometheus does) into patterns."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> frozenset[Pattern] | None:
        try:
            found = self._alternatives(0)
        except _TooMuchError:
            return None
        return found if self._at == len(self._text) else None

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise _TooMuchError
        self._at += 1
        return character

    def _alternatives(self, depth: int) -> frozenset[Pattern]:
        if depth > _MOST_DEPTH:
            raise _TooMuchError
        found = self._sequence(depth)
        while self._peek() == "|":
            self._at += 1
            found |= self._sequence(depth)
            if len(found) > _MOST_PATTERNS:
                raise _TooMuchError
        return found

    def _sequence(self, depth: int) -> frozenset[Pattern]:
        found: frozenset[Pattern] = frozenset(((),))
        while self._peek() not in ("", "|", ")"):
            found = _joined(found, self._repeated(self._one(depth)))
        return found

    def _one(self, depth: int) -> frozenset[Pattern]:
        character = self._take()
        if character == "(":
            if self._text.startswith("?:", self._at):
                self._at += 2
            inside = self._alternatives(depth + 1)
            if self._take() != ")":
                raise _TooMuchError
            return inside
        if character == "[":
            return frozenset((each,) for each in self._class())
        if character == "\\":
            return frozenset((each,) for each in self._escaped())
        if character == ".":
            return frozenset(((_Wild.CHARACTER,),))
        if character in _SPECIAL:
            raise _TooMuchError
        return frozenset(((character,),))

    def _repeated(self, of: frozenset[Pattern]) -> frozenset[Pattern]:
        sign = self._peek()
        if sign not in _REPEATS:
            return of
        self._at += 1
        if sign == "?":
            repeated = of | {()}
        elif sign == "{":
            repeated = self._times(of)
        elif of == {(_Wild.CHARACTER,)}:
            text: Pattern = (_Wild.TEXT,) if sign == "*" else (_Wild.CHARACTER, _Wild.TEXT)
            repeated = frozenset((text,))
        else:
            raise _TooMuchError
        if self._peek() in _REPEATS:
            raise _TooMuchError
        return repeated

    def _times(self, of: frozenset[Pattern]) -> frozenset[Pattern]:
        digits, brace, _ = self._text[self._at :].partition("}")
        plain = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_REPEATS_DIGITS
        if not brace or not plain or int(digits) > _MOST_REPEATS:
            raise _TooMuchError
        self._at += len(digits) + 1
        found: frozenset[Pattern] = frozenset(((),))
        for _ in range(int(digits)):
            found = _joined(found, of)
        return found

    def _escaped(self) -> frozenset[str]:
        character = self._take()
        if character == "d":
            return frozenset("0123456789")
        if character.isalnum():
            raise _TooMuchError
        return frozenset(character)

    def _class(self) -> frozenset[str]:
        if self._peek() == "^":
            raise _TooMuchError
        found: set[str] = set()
        while (character := self._take()) != "]":
            if character in "[^":
                raise _TooMuchError
            if character == "\\":
                found |= self._escaped()
                continue
            last = character
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                last = self._take()
            if last in "[\\" or not 0 <= ord(last) - ord(character) < _MOST_PATTERNS:
                raise _TooMuchError
            found |= {chr(code) for code in range(ord(character), ord(last) + 1)}
        if not found:
            raise _TooMuchError
        return frozenset(found)


def _joined(heads: frozenset[Pattern], tails: frozenset[Pattern]) -> frozenset[Pattern]:
    if len(heads) * len(tails) > _MOST_PATTERNS:
        raise _TooMuchError
    found = frozenset(head + tail for head in heads for tail in tails)
    if sum(map(len, found)) > _MOST_ATOMS:
        raise _TooMuchError
    return found
