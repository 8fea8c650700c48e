"""YAML as kubectl reads it, with the line and column of everything, and with limits.

Read event by event: the loaders of the library recurse into what they read, and a hostile file ends the process.
Scalars become what kubectl makes of them (YAML 1.1 without timestamps), so that a day stays a text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias, cast

import yaml

from frostline.core.finding import Rule, clipped

MOST_DEPTH: Final = 64
MOST_FROM_ALIASES: Final = 100_000
"""Values that aliases may add to a document: a few lines of them can stand for billions."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBERS: Final = frozenset("+-.0123456789")
_LONGEST_NUMBER: Final = 64
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL: Final = re.compile(r"[-+]?0o?[0-7]+")
_HEXADECIMAL: Final = re.compile(r"[-+]?0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"), False),
}
_INFINITE: Final = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_TEXT_TAGS: Final = frozenset(("!", "tag:yaml.org,2002:str"))
_MERGE: Final = "<<"
_TOO_DEEP: Final = f"is nested deeper than {MOST_DEPTH} levels: no manifest is"
_NO_TEXT_KEY: Final = "has a key that is no text; of a template, lint what it renders to"

Scalar: TypeAlias = str | int | float | bool | None


class Mark(NamedTuple):
    """A place in a file, both counted from 1."""

    line: int
    column: int


class Node:
    """A value and its place. `size` and `depth` count what is in it, `closed` is false while it is being read."""

    __slots__ = ("_at", "_keys", "closed", "depth", "size", "value")

    def __init__(self, value: "Scalar | dict[str, Node] | list[Node]", at: Any, *, closed: bool = True) -> None:  # noqa: ANN401 - the C parser's mark has no type
        self.value = value
        self._at = at
        self._keys: dict[str, Any] = {}
        self.size = 1
        self.depth = 1
        self.closed = closed

    @property
    def mark(self) -> Mark:
        """The place of the value."""
        return _mark(self._at)

    def key_mark(self, key: str) -> Mark | None:
        """Return the place of a key of this mapping; None where a merge brought it."""
        return _mark(self._keys[key]) if key in self._keys else None

    def put(self, key: str, at: Any, node: "Node") -> None:  # noqa: ANN401 - as above
        """Add an entry to this mapping."""
        self._keys[key] = at
        cast("dict[str, Node]", self.value)[key] = node

    def plain(self) -> Any:  # noqa: ANN401 - anything can stand in a manifest
        """Return the value without places, as the API server would hold it: what is null in a mapping is absent."""
        return _plain(self, {})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the YAML itself."""

    rule: Rule
    mark: Mark
    message: str


@dataclass(slots=True)
class Document:
    """One document. `faults` are such that it can be read all the same."""

    root: Node
    faults: list[Fault] = field(default_factory=list)


class _FaultError(Exception):
    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark


def documents(text: str) -> Iterator[Document | Fault]:
    """Yield the documents of a YAML stream; a fault that ends the reading comes last."""
    odd = _UNPRINTABLE.search(text)
    if odd is not None:
        before = text[: odd.start()]
        mark = Mark(before.count("\n") + 1, odd.start() - before.rfind("\n"))
        yield Fault(Rule.YAML, mark, f"is no text: it holds the control character U+{ord(odd[0]):04X}")
        return
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            document = builder.take(event)
            if document is not None:
                yield document
    except _FaultError as fault:
        yield Fault(Rule.YAML, fault.mark, str(fault))
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        mark = Mark(1, 1) if place is None else Mark(place.line + 1, place.column + 1)
        yield Fault(Rule.YAML, mark, f"is not valid YAML: {what}; check indentation and quotes around here")
    except yaml.YAMLError as error:
        yield Fault(Rule.YAML, Mark(1, 1), f"is not valid YAML: {' '.join(str(error).split())}")


class _Builder:
    """Puts nodes together from events."""

    def __init__(self) -> None:
        # Mappings and sequences being read, each with the key that waits for its value.
        self._open: list[Node] = []
        self._keys: list[tuple[str, Any] | None] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None
        self._faults: list[Fault] = []
        self._from_aliases = 0
        # A look-up by type: there are tens of events a manifest, and a match over classes is slow.
        self._takers: dict[type[yaml.Event], Callable[[Any], Document | None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._begin_mapping,
            yaml.SequenceStartEvent: self._begin_sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._begin_document,
            yaml.DocumentEndEvent: self._end_document,
        }

    def take(self, event: yaml.Event) -> Document | None:
        """Take in one event; return a document when it is complete and not empty."""
        taker = self._takers.get(type(event))
        return None if taker is None else taker(event)

    def _begin_document(self, _event: yaml.DocumentStartEvent) -> None:
        self._anchors, self._root, self._faults, self._from_aliases = {}, None, [], 0

    def _end_document(self, _event: yaml.DocumentEndEvent) -> Document | None:
        if self._root is None or self._root.value is None:
            return None
        return Document(self._root, self._faults)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._wants_key():
            self._keys[-1] = (event.value, event.start_mark)
            return
        made = Node(_resolved(event), event.start_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = made
        self._add(made)

    def _begin_mapping(self, event: yaml.MappingStartEvent) -> None:
        self._begin(event, Node({}, event.start_mark, closed=False))

    def _begin_sequence(self, event: yaml.SequenceStartEvent) -> None:
        self._begin(event, Node([], event.start_mark, closed=False))

    def _begin(self, event: yaml.CollectionStartEvent, node: Node) -> None:
        if self._wants_key():
            raise _FaultError(node.mark, _NO_TEXT_KEY)
        if len(self._open) >= MOST_DEPTH:
            raise _FaultError(node.mark, _TOO_DEEP)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._open.append(node)
        self._keys.append(None)

    def _end(self, _event: yaml.CollectionEndEvent) -> None:
        node = self._open.pop()
        self._keys.pop()
        node.closed = True
        self._add(node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = _mark(event.start_mark)
        if self._wants_key():
            raise _FaultError(mark, _NO_TEXT_KEY)
        anchor = str(event.anchor)
        target = self._anchors.get(anchor)
        if target is None:
            raise _FaultError(mark, f'has no anchor "&{clipped(anchor)}" before this alias')
        if not target.closed:
            raise _FaultError(mark, f'holds itself: "*{clipped(anchor)}" stands within its own anchor')
        self._from_aliases += target.size
        if self._from_aliases > MOST_FROM_ALIASES:
            raise _FaultError(mark, f"grows by aliases to more than {MOST_FROM_ALIASES} values: write them out")
        if len(self._open) + target.depth > MOST_DEPTH:
            raise _FaultError(mark, _TOO_DEEP)
        self._add(target)

    def _wants_key(self) -> bool:
        return bool(self._open) and self._keys[-1] is None and isinstance(self._open[-1].value, dict)

    def _add(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        if node.depth >= parent.depth:
            parent.depth = node.depth + 1
        waiting = self._keys[-1]
        if waiting is None:
            cast("list[Node]", parent.value).append(node)
            return
        key, at = waiting
        self._keys[-1] = None
        if key == _MERGE:
            self._merge(parent, node)
            return
        first = parent.key_mark(key)
        if first is not None:
            message = f'key "{clipped(key)}" stands twice, first in line {first.line}; remove one of them'
            self._faults.append(Fault(Rule.DUPLICATE_KEY, _mark(at), message))
        parent.put(key, at, node)

    def _merge(self, parent: Node, node: Node) -> None:
        """Take over the entries of one mapping, or of several, that the parent does not have itself."""
        entries = cast("dict[str, Node]", parent.value)
        for source in node.value if isinstance(node.value, list) else [node]:
            if not isinstance(source.value, dict):
                raise _FaultError(source.mark, 'merges with "<<" what is no mapping')
            for key, value in source.value.items():
                # Without the place of its key: one written here later replaces it, and stands once.
                entries.setdefault(key, value)


def _mark(at: Any) -> Mark:  # noqa: ANN401 - as above
    return Mark(at.line + 1, at.column + 1)


def _resolved(event: yaml.ScalarEvent) -> Scalar:
    text: str = event.value
    if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMBERS and len(text) <= _LONGEST_NUMBER else text


def _number(text: str) -> Scalar:
    if text in _INFINITE:
        return _INFINITE[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text.replace("o", ""), 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    return float(text) if _FLOAT.fullmatch(text) else text


def _plain(node: Node, known: dict[int, Any]) -> Any:  # noqa: ANN401 - as above
    if isinstance(node.value, dict):
        if id(node) not in known:
            pairs = ((key, _plain(part, known)) for key, part in node.value.items())
            known[id(node)] = {key: value for key, value in pairs if value is not None}
        return known[id(node)]
    if isinstance(node.value, list):
        if id(node) not in known:
            known[id(node)] = [_plain(part, known) for part in node.value]
        return known[id(node)]
    return node.value
