"""From promises to the rule files that hold them, as text and as objects of Kubernetes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_
from typing import Any, Final, overload

import promql_parser

from frostline.core.alerts import Links, alert_groups, never_firing
from frostline.core.durations import promql_duration
from frostline.core.finding import Finding
from frostline.core.rules import BASE_INTERVAL_S, MOST_RULES, Group, Labels, Promise, Rule, own_rules
from frostline.core.sharding import Bucket, Item, bits, shared_out
from frostline.core.shared_rules import shared_groups

MOST_BYTES: Final = 400 * 1024
"""Of one file, as JSON. prometheus-operator refuses objects above 512 KiB; the rest is for what stands around it."""

MOST_PROMISES: Final = 240
"""Of one file: how much one change rewrites."""

_OWN_RULES: Final = 3
MANAGED: Final = {"app.kubernetes.io/managed-by": "frostline", "app.kubernetes.io/component": "rules"}
_SHARED: Final = "frostline{}-shared"
_SHARD: Final = "frostline{}-slos"


@dataclass(frozen=True, slots=True)
class OwnGroups(Sequence[Group]):
    """Groups of promises' own rules, which are made anew at every look: those of ten thousand take 40 MB.

    `promises` has the name of each group, and whose rules are in it.
    """

    promises: tuple[tuple[str, tuple[Promise, ...]], ...]

    def __len__(self) -> int:
        return len(self.promises)

    @overload
    def __getitem__(self, place: int) -> Group: ...
    @overload
    def __getitem__(self, place: slice) -> "OwnGroups": ...
    def __getitem__(self, place: int | slice) -> "Group | OwnGroups":
        if isinstance(place, slice):
            return OwnGroups(self.promises[place])
        name, promises = self.promises[place]
        return Group(name, BASE_INTERVAL_S, tuple(rule for promise in promises for rule in own_rules(promise)))


@dataclass(frozen=True, slots=True)
class RuleFile:
    """Groups of one file. `name` is a name for objects, too."""

    name: str
    groups: Sequence[Group]

    @property
    def promises(self) -> frozenset[tuple[str, str]]:
        """The keys of the promises whose own rules are in it."""
        own = self.groups.promises if isinstance(self.groups, OwnGroups) else ()
        return frozenset(promise.key for _, promises in own for promise in promises)


@dataclass(frozen=True, slots=True)
class Refused:
    """A promise whose rules were not written, and why, in words."""

    promise: Promise
    why: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """Everything to be written.

    Attributes:
        files: the shared one first; without it no alert fires, without the others it says nothing.
        findings: per promise, what was left out because it could never fire.
        refused: promises without rules, which no other promise suffers from.
    """

    files: tuple[RuleFile, ...]
    findings: tuple[tuple[Promise, Finding], ...] = ()
    refused: tuple[Refused, ...] = ()


def rule_files(
    promises: Iterable[Promise],
    links: Links | None = None,
    *,
    source: str | None = None,
    parsed: Mapping[tuple[str, str], Promise] | None = None,
) -> Rendered:
    """Return the rules of all promises. Each is known to parse. The order of `promises` does not matter.

    `source` is the Prometheus that they are for, where there are several: its name is in those of files and groups.
    Promises that are those of `parsed`, by key, are known to parse from an earlier time: that is most of the work.

    Raises:
        ValueError: two promises have one namespace and name; or a shared rule does not parse, which is our own fault.
    """
    ordered = sorted(promises, key=lambda promise: promise.key)
    if len({promise.key for promise in ordered}) != len(ordered):
        raise ValueError("two promises have one namespace and name")
    items: list[Item[Promise]] = []
    refused, kept = [], []
    for promise in ordered:
        try:
            rules = own_rules(promise)
            if parsed is None or parsed.get(promise.key) is not promise:
                _parse(rules)
        except ValueError as error:
            refused.append(Refused(promise, str(error)))
            continue
        weight = len(json.dumps([_plain(rule) for rule in rules]))
        if weight > MOST_BYTES:
            refused.append(Refused(promise, f"its rules take {weight} bytes, more than {MOST_BYTES}"))
            continue
        kept.append(promise)
        items.append(Item(bits("/".join(promise.key)), weight, promise))
    shared = (*shared_groups(kept), *alert_groups(kept, links or Links()))
    for group in shared:
        _parse(group.rules)
    of = "" if source is None else f"-{source}"
    named = tuple(with_(group, name=group.name.replace("frostline", f"frostline{of}", 1)) for group in shared)
    buckets = shared_out(items, most=MOST_PROMISES, weight=MOST_BYTES)
    found = ((promise, never_firing(promise)) for promise in kept)
    return Rendered(
        (RuleFile(_SHARED.format(of), named), *(_shard(_SHARD.format(of), bucket) for bucket in buckets)),
        tuple((promise, finding) for promise, finding in found if finding is not None),
        tuple(refused),
    )


def text(files: Sequence[RuleFile]) -> str:
    """Return a rule file of Prometheus with the groups of `files`."""
    lines = ["groups:"]
    for group in (group for file in files for group in file.groups):
        lines += [f"- name: {group.name}", f"  interval: {promql_duration(group.interval_s)}", "  rules:"]
        for rule in group.rules:
            lines += _lines(rule)
    return "\n".join(lines) + "\n"


def prometheus_rule(file: RuleFile, namespace: str | None = None) -> dict[str, Any]:
    """Return a PrometheusRule, as prometheus-operator reads it."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": _metadata(file, namespace),
        "spec": {"groups": [_group(group) for group in file.groups]},
    }


def config_map(file: RuleFile, namespace: str | None = None) -> dict[str, Any]:
    """Return a ConfigMap with a rule file in it, to be mounted where Prometheus reads `rule_files`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(file, namespace),
        "data": {f"{file.name}.yaml": text([file])},
    }


def _parse(rules: Iterable[Rule]) -> None:
    """Raise ValueError, with the rule's name, where an expression is no PromQL."""
    for rule in rules:
        try:
            promql_parser.parse(rule.expression)
        except ValueError as error:
            raise ValueError(f"the expression of {rule.name} is no PromQL: {error}: {rule.expression}") from None


def _shard(name: str, bucket: Bucket[Promise]) -> RuleFile:
    """Return a file; its groups go on with the splitting, so that a change in one leaves the others as they are."""
    groups = shared_out(bucket.items, most=MOST_RULES // _OWN_RULES, weight=MOST_BYTES, prefix=bucket.prefix)
    return RuleFile(
        _named(name, bucket.prefix),
        OwnGroups(tuple((_named(name, each.prefix), tuple(item.value for item in each.items)) for each in groups)),
    )


def _named(what: str, prefix: str) -> str:
    return f"{what}-{prefix}" if prefix else what


def _metadata(file: RuleFile, namespace: str | None) -> dict[str, Any]:
    place = {} if namespace is None else {"namespace": namespace}
    return {"name": file.name, **place, "labels": dict(MANAGED)}


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "interval": promql_duration(group.interval_s),
        "rules": [_plain(rule) for rule in group.rules],
    }


def _plain(rule: Rule) -> dict[str, Any]:
    plain: dict[str, Any] = {"alert" if rule.alert else "record": str(rule.name), "expr": rule.expression}
    if rule.for_s:
        plain["for"] = promql_duration(rule.for_s)
    if rule.labels:
        plain["labels"] = dict(rule.labels)
    if rule.annotations:
        plain["annotations"] = dict(rule.annotations)
    return plain


def _lines(rule: Rule) -> list[str]:
    """Return a rule as YAML. Written by hand: it takes a tenth of the time of a library, and every file is of it."""
    lines = [f"  - {'alert' if rule.alert else 'record'}: {rule.name}", *_expression(rule.expression)]
    if rule.for_s:
        lines.append(f"    for: {promql_duration(rule.for_s)}")
    lines += _mapping("labels", rule.labels)
    lines += _mapping("annotations", rule.annotations)
    return lines


def _expression(expression: str) -> list[str]:
    rows = expression.split("\n")
    # What a block cannot hold as it is: blanks at its start, and characters that YAML does not print.
    if expression[0].isspace() or not all(row.isprintable() and row == row.rstrip() for row in rows):
        return [f"    expr: {_quoted(expression)}"]
    if len(rows) == 1:
        return ["    expr: |-", f"      {expression}"]
    return ["    expr: |-", *(f"      {row}" if row else "" for row in rows)]


def _mapping(name: str, entries: Labels) -> list[str]:
    return [f"    {name}:", *(f"      {key}: {_quoted(value)}" for key, value in entries)] if entries else []


def _quoted(value: str) -> str:
    # A string of JSON is one of YAML, but for line breaks that JSON leaves as they are.
    return json.dumps(value, ensure_ascii=not value.isprintable())
