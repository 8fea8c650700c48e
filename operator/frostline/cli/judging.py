"""What is to be said about manifests in files: every finding with its place."""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from frostline import names
from frostline.api.accept import Accepted, Invalid, accept, accept_policy
from frostline.api.sourced import accept_source
from frostline.cli.manifest_files import Text, Unreadable
from frostline.cli.yaml_tree import Document, Fault, Mark, Node, documents
from frostline.core.finding import Finding, Rule, clipped, finding
from frostline.core.lint import MOST_IN_JOURNEY, crowded

_TOP: Final = ("apiVersion", "kind", "metadata", "spec", "status")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_NAME: Final = 253
_LONGEST_NAMESPACE: Final = 63


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file."""

    file: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, its place, and the object it is about: kind namespace/name, empty for a whole file."""

    place: Place
    finding: Finding
    about: str = ""


@dataclass(frozen=True, slots=True)
class _Object:
    """One object of our group in a file."""

    file: str
    node: Node

    def at(self, field: str) -> Place:
        """Return the place of a field, or of the nearest one around it that is there."""
        node, mark = self.node, self.node.mark
        for part in field.split("."):
            if isinstance(node.value, dict) and part in node.value:
                mark = node.key_mark(part) or node.value[part].mark
                node = node.value[part]
            elif isinstance(node.value, list) and part.isdecimal() and int(part) < len(node.value):
                node = node.value[int(part)]
                mark = node.mark
            else:
                break
        return Place(self.file, mark)

    def text(self, *path: str) -> str:
        """Return a text at a path; empty where there is none."""
        node = self.node
        for part in path:
            if not isinstance(node.value, dict) or part not in node.value:
                return ""
            node = node.value[part]
        return node.value if isinstance(node.value, str) else ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        return self.text("kind"), self.text("metadata", "namespace"), self.text("metadata", "name")

    def __str__(self) -> str:
        kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


@dataclass(frozen=True, slots=True)
class Promised:
    """An objective that was accepted, and where it stands. `namespace` is empty where the manifest names none."""

    place: Place
    namespace: str
    name: str
    accepted: Accepted


class Judge:
    """Looks at files one after the other, then at all objects together."""

    def __init__(self) -> None:
        self.files = 0
        self.objects = 0
        self.promised: list[Promised] = []
        self._found: list[Located] = []
        self._first: dict[tuple[str, str, str], Place] = {}
        self._journeys: dict[tuple[str, str], list[_Object]] = defaultdict(list)

    def look(self, file: Text | Unreadable) -> None:
        """Take in one file."""
        self.files += 1
        if isinstance(file, Unreadable):
            self._say(Place(file.name, Mark(file.line, file.column)), Finding(Rule.UNREADABLE, "", file.why))
            return
        for document in documents(file.text):
            if isinstance(document, Fault):
                self._say(Place(file.name, document.mark), Finding(document.rule, "", document.message))
            else:
                self._document(file.name, document)

    def findings(self) -> list[Located]:
        """Return what is to be said, file by file in the order they came, from top to bottom."""
        found = [*self._found, *self._crowded()]
        order = {name: index for index, name in enumerate(dict.fromkeys(each.place.file for each in found))}
        return sorted(found, key=lambda each: (order[each.place.file], each.place.mark))

    def _document(self, file: str, document: Document) -> None:
        ours = list(_ours(file, document.root))
        for each in ours:
            self.objects += 1
            self._object(each)
        if ours:
            for fault in document.faults:
                self._say(Place(file, fault.mark), Finding(fault.rule, "", fault.message), str(ours[0]))

    def _object(self, of: _Object) -> None:
        kind = of.text("kind")
        spec = of.node.value.get("spec") if isinstance(of.node.value, dict) else None
        found = [*_frame(of)]
        if kind == names.Kind.SERVICE_LEVEL_OBJECTIVE:
            judged = accept({} if spec is None else spec.plain())
            if isinstance(judged, Accepted):
                found += judged.findings
                self.promised.append(Promised(of.at("metadata.name"), of.key[1], of.key[2], judged))
                if judged.terms.journey is not None:
                    self._journeys[of.key[1], judged.terms.journey].append(of)
            else:
                found += map(_invalid, judged.problems)
        elif kind == names.Kind.ERROR_BUDGET_POLICY:
            governed = accept_policy({} if spec is None else spec.plain())
            found += map(_invalid, governed.problems if isinstance(governed, Invalid) else ())
        elif kind == names.Kind.PROMETHEUS_SOURCE:
            source = accept_source({} if spec is None else spec.plain())
            found += map(_invalid, source.problems if isinstance(source, Invalid) else ())
        if of.key[2]:
            first = self._first.setdefault(of.key, of.at("metadata.name"))
            if first != of.at("metadata.name"):
                where = f"{first.file}:{first.mark.line}"
                sentence = f"there is a {of} already, in {where}: the later would overwrite it; rename one of them"
                found.append(finding(Rule.DUPLICATE_NAME, "metadata.name", sentence))
        for each in found:
            self._say(of.at(each.field), each, str(of))

    def _crowded(self) -> Iterator[Located]:
        for (_, journey), members in self._journeys.items():
            different = list({each.key: each for each in members}.values())
            said = crowded(journey, len(different))
            if said is not None:
                one_more = different[MOST_IN_JOURNEY]
                yield Located(one_more.at(said.field), said, str(one_more))

    def _say(self, place: Place, what: Finding, about: str = "") -> None:
        self._found.append(Located(place, what, about))


def judge(files: Iterable[Text | Unreadable]) -> Judge:
    """Return what looking at all of `files` brought."""
    judged = Judge()
    for file in files:
        judged.look(file)
    return judged


def _ours(file: str, node: Node) -> Iterator[_Object]:
    """Yield the objects of our group in a document, which may be a list of objects."""
    if not isinstance(node.value, dict):
        return
    found = _Object(file, node)
    items = node.value.get("items")
    if found.text("kind").endswith("List") and items is not None:
        for item in items.value if isinstance(items.value, list) else ():
            yield from _ours(file, item)
    elif found.text("apiVersion").partition("/")[0] == names.GROUP:
        yield found


def _invalid(problem: str) -> Finding:
    return Finding(Rule.INVALID, problem.partition(": ")[0], problem)


def _frame(of: _Object) -> Iterator[Finding]:
    """Judge what stands around the spec."""
    assert isinstance(of.node.value, dict)
    if of.text("apiVersion") != names.API_VERSION:
        sentence = f'this version knows {names.API_VERSION}, not "{clipped(of.text("apiVersion"))}"'
        yield finding(Rule.INVALID, "apiVersion", sentence)
    kinds = [kind.value for kind in names.Kind]
    if of.text("kind") not in kinds:
        sentence = f'{names.GROUP} has no kind "{clipped(of.text("kind"))}"{_close(of.text("kind"), kinds)}'
        yield finding(Rule.INVALID, "kind", sentence)
    for field in of.node.value:
        if field not in _TOP:
            yield finding(Rule.INVALID, clipped(field), f"there is no such field{_close(field, _TOP)}")
    yield from _metadata(of)


def _metadata(of: _Object) -> Iterator[Finding]:
    _, namespace, name = of.key
    if not name and not of.text("metadata", "generateName"):
        yield finding(Rule.INVALID, "metadata.name", "is required, as a text")
    elif name and (len(name) > _LONGEST_NAME or not _NAME.fullmatch(name)):
        sentence = f'"{clipped(name)}" must be lower-case letters, digits, - and ., at most {_LONGEST_NAME} of them'
        yield finding(Rule.INVALID, "metadata.name", sentence)
    if namespace and (len(namespace) > _LONGEST_NAMESPACE or not _NAMESPACE.fullmatch(namespace)):
        sentence = f'"{clipped(namespace)}" must be lower-case letters, digits and -, at most {_LONGEST_NAMESPACE}'
        yield finding(Rule.INVALID, "metadata.namespace", sentence)
    assert isinstance(of.node.value, dict)
    metadata = of.node.value.get("metadata")
    for field in ("labels", "annotations"):
        entries = metadata.value.get(field) if metadata is not None and isinstance(metadata.value, dict) else None
        for key, value in entries.value.items() if entries is not None and isinstance(entries.value, dict) else ():
            if not isinstance(value.value, str):
                yield finding(Rule.INVALID, f"metadata.{field}.{key}", "must be a text: put it in quotes")


def _close(text: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(text[:_LONGEST_NAME], known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
