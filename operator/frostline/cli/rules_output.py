"""What `frostline rules` writes: the rules of judged manifests, as text or as files of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from frostline.api.ruled import ruled
from frostline.cli.judging import Judge, Located, Promised
from frostline.core.alerts import Links
from frostline.core.finding import Finding, Rule, Severity, finding
from frostline.core.rule_delivery import ForeignError, plan
from frostline.core.rule_files import RuleFile, config_map, prometheus_rule, rule_files, text
from frostline.core.rules import Alerting, Promise
from frostline.prometheus.rule_directory import RuleDirectory

_HEADER: Final = "# Written by `frostline rules`. Change the objectives, not this file.\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: `form` is prometheus, prometheusrule or configmap.

    `alerts` is the profile of objectives that choose none. `namespace` is for objectives whose manifest names none,
    `rules_namespace` for the objects that are made.
    """

    form: str
    namespace: str = "default"
    rules_namespace: str | None = None
    alerts: Alerting = Alerting.BURN
    runbooks: str | None = None
    dashboard: str | None = None
    operator_dashboard: str | None = None

    @property
    def links(self) -> Links:
        """Where the alerts lead."""
        return Links.of(runbooks=self.runbooks, dashboard=self.dashboard, operator_dashboard=self.operator_dashboard)


def rendered(judged: Judge, wanted: Wanted) -> tuple[list[Located], tuple[RuleFile, ...] | None]:
    """Return what is to be said, and the rules; no rules where one of the manifests is wrong."""
    found = judged.findings()
    if any(each.finding.severity is Severity.ERROR for each in found):
        return found, None
    promises: dict[tuple[str, str], tuple[Promise, Promised]] = {}
    for each in judged.promised:
        promise = ruled(each.namespace or wanted.namespace, each.name, each.accepted, wanted.alerts)
        first = promises.setdefault(promise.key, (promise, each))[1]
        if first is not each:
            where = f"{first.place.file}:{first.place.mark.line}"
            sentence = f"{'/'.join(promise.key)} stands in {where} already: rename one of them, or name its namespace"
            found.append(Located(each.place, finding(Rule.DUPLICATE_NAME, "metadata.name", sentence)))
    if any(each.finding.severity is Severity.ERROR for each in found):
        return found, None
    result = rule_files((promise for promise, _ in promises.values()), wanted.links)
    refused = [
        Located(
            promises[each.promise.key][1].place, Finding(Rule.INVALID, "spec.indicator", f"spec.indicator: {each.why}")
        )
        for each in result.refused
    ]
    found += refused
    if wanted.alerts is not Alerting.BURN:
        # The linter does not know of this choice: say what is left out by it instead.
        found = [each for each in found if each.finding.rule is not Rule.BURN_NEVER_FIRES]
        found += (Located(promises[promise.key][1].place, each) for promise, each in result.findings)
    return found, None if refused else result.files


def written(files: Sequence[RuleFile], wanted: Wanted) -> str:
    """Return all files as one text: a rule file, or a stream of objects."""
    if wanted.form == "prometheus":
        return _HEADER + text(files)
    return _HEADER + "---\n".join(_object(file, wanted) for file in files)


def replace(folder: Path, files: Sequence[RuleFile], wanted: Wanted) -> int:
    """Make the folder hold exactly these files of ours, and return how many were written or removed.

    New and changed files come first, each put in place as a whole; then what an earlier run left and is no more. Files
    of others, and files that did not change, are left alone.

    Raises:
        ForeignError: a file of somebody else has the name of one of ours; nothing was written.
        OSError: the folder cannot be read or written.
    """
    directory = RuleDirectory(folder, _HEADER)
    texts = {file.name: text([file]) if wanted.form == "prometheus" else _object(file, wanted) for file in files}
    todo = plan(directory.digests(texts), directory.found())
    if todo.taken:
        raise ForeignError(f"{folder / todo.taken[0]}.yaml was not written by frostline rules: move it away")
    for name in todo.writes:
        directory.write(name, texts[name])
    for name in todo.removals:
        directory.remove(name)
    return len(todo.writes) + len(todo.removals)


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Blocks.add_representer(str, _text)


def _object(file: RuleFile, wanted: Wanted) -> str:
    make = prometheus_rule if wanted.form == "prometheusrule" else config_map
    made: dict[str, Any] = make(file, wanted.rules_namespace)
    return yaml.dump(made, Dumper=_Blocks, sort_keys=False, allow_unicode=True, width=10**6)
