"""Findings in the forms that people, editors, GitHub and code scanners read."""

import json
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from frostline import __version__
from frostline.cli.judging import Located
from frostline.core.finding import ABOUT, Rule, Severity

_GITHUB: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_SARIF: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Form = Callable[[Iterable[Located]], str]


def text(found: Iterable[Located]) -> str:
    """Return one line a finding: file:line:column: severity: message (rule)."""
    return "".join(
        f"{_line(each.place.file)}:{each.place.mark.line}:{each.place.mark.column}:"
        f" {each.finding.severity}: {_line(each.finding.message)} ({each.finding.rule})\n"
        for each in found
    )


def github(found: Iterable[Located]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a change."""
    lines = []
    for each in found:
        properties = {
            "file": each.place.file,
            "line": str(each.place.mark.line),
            "col": str(each.place.mark.column),
            "title": f"frostline {each.finding.rule}",
        }
        shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        lines.append(f"::{_GITHUB[each.finding.severity]} {shown}::{_data(each.finding.message)}\n")
    return "".join(lines)


def as_json(found: Iterable[Located]) -> str:
    """Return one JSON object with a list of findings."""
    findings = [
        {
            "file": each.place.file,
            "line": each.place.mark.line,
            "column": each.place.mark.column,
            "severity": each.finding.severity.value,
            "rule": each.finding.rule.value,
            "field": each.finding.field,
            "message": each.finding.message,
            "object": each.about,
        }
        for each in found
    ]
    return json.dumps({"findings": findings}, indent=2) + "\n"


def sarif(found: Iterable[Located]) -> str:
    """Return a log in SARIF 2.1.0."""
    rules = list(Rule)
    driver = {
        "name": "frostline",
        "version": __version__,
        "informationUri": "https://frostline.dev",
        "rules": [
            {
                "id": rule.value,
                "shortDescription": {"text": ABOUT[rule].summary},
                "defaultConfiguration": {"level": _SARIF[ABOUT[rule].severity]},
            }
            for rule in rules
        ],
    }
    results = [
        {
            "ruleId": each.finding.rule.value,
            "ruleIndex": rules.index(each.finding.rule),
            "level": _SARIF[each.finding.severity],
            "message": {"text": each.finding.message},
            "locations": [_location(each)],
        }
        for each in found
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


FORMS: Final[dict[str, Form]] = {"text": text, "github": github, "json": as_json, "sarif": sarif}


def _location(each: Located) -> dict[str, Any]:
    path = PurePath(each.place.file)
    name = path.as_posix().encode("utf-8", errors="surrogateescape")
    uri = path.as_uri() if path.is_absolute() else quote(name)
    region = {"startLine": each.place.mark.line, "startColumn": each.place.mark.column}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def _line(text: str) -> str:
    """Return a text from anybody as part of one line: what does not print is spelled out."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", errors="surrogatepass").decode() for each in text
    )


def _data(text: str) -> str:
    """Escape as workflow commands want it: a line break would begin a command of somebody else's."""
    printable = text.encode("utf-8", errors="backslashreplace").decode()
    return printable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
