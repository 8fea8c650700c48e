"""The admission policy that keeps an ErrorBudgetPolicy from being loosened while gates hold releases back by it."""

import json
from collections.abc import Iterable
from typing import Any, Final

from frostline import names
from frostline.core.durations import format_duration
from frostline.core.policy import BUILT_IN, Level, Mode, OverrideClass, Rule
from frostline.core.verdict import COLLECTORS

Manifest = dict[str, Any]

NAME: Final = "frostline-guard-policies"

HOW: Final = (
    "'. Whoever may impersonate the group frostline:bypass passes: kubectl --as=' + request.userInfo.username"
    " + ' --as-group=frostline:bypass'"
)
"""The end of every guard's message, as CEL."""

_NEW: Final = "variables.new"
_OLD: Final = "variables.old"


def policies() -> Manifest:
    """Return the guard: each field may be made stricter, none looser; deletion is looser, too."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "resourceRules": [
                    {
                        "apiGroups": [names.GROUP],
                        "apiVersions": ["*"],
                        "operations": ["UPDATE", "DELETE"],
                        "resources": [str(names.Plural.ERROR_BUDGET_POLICIES)],
                        "scope": "Cluster",
                    }
                ],
            },
            "matchConditions": [{"name": "holding", "expression": "oldObject.?status.?holding.orValue(0) > 0"}],
            "variables": [
                {"name": "old", "expression": "dyn(oldObject.spec)"},
                {"name": "new", "expression": "dyn(object == null ? oldObject.spec : object.spec)"},
                {"name": "loosened", "expression": _loosened()},
                {
                    "name": "why",
                    "expression": "variables.loosened == '' ? 'Fine'"
                    f" : request.operation == 'DELETE' && {_COLLECTED} ? 'Collected'"
                    f" : '{names.BYPASS_GROUP}' in request.userInfo.?groups.orValue([]) ? 'Bypass'"
                    " : 'Refused'",
                },
            ],
            "validations": [
                {
                    "expression": "variables.why != 'Refused'",
                    "messageExpression": "'ErrorBudgetPolicy ' + oldObject.metadata.name + ' holds releases of '"
                    " + string(oldObject.status.holding) + ' workloads back: until they are released, '"
                    f" + variables.loosened + {HOW}",
                    "reason": "Forbidden",
                }
            ],
            "auditAnnotations": [
                {
                    "key": "verdict",
                    "valueExpression": "oldObject.metadata.name + ' ' + request.operation + ' ' + variables.why",
                }
            ],
        },
    }


def _loosened() -> str:
    """Return the expression that says what became looser; the empty text if nothing did."""
    cases = [
        ("request.operation == 'DELETE'", "it cannot be deleted"),
        (_rank(_NEW, "mode", Mode) + " < " + _rank(_OLD, "mode", Mode), "mode cannot be lowered"),
        *(_rule(level) for level in Level),
        *(_classes(level) for level in Level),
        _duration("overrides.longest", format_duration(BUILT_IN.releases.longest_override), longer=True),
        (_lacks(_OLD, _NEW, "passes.withheld"), "passes.withheld cannot be shortened"),
        *(
            (_lacks(_NEW, _OLD, f"passes.{each}"), f"passes.{each} cannot be extended")
            for each in ("ignoredAnnotations", "ignoredContainers", "ignoredVolumes")
        ),
        _duration("lift.hold", format_duration(BUILT_IN.lift.hold), longer=False),
        _duration("hysteresis.hold", format_duration(BUILT_IN.hysteresis.hold), longer=False),
        _number("hysteresis.margin", float(BUILT_IN.hysteresis.margin), higher=False),
        _number("levels.depleting", float(BUILT_IN.depleting), higher=False),
        _number("levels.endangered", float(BUILT_IN.endangered), higher=False),
        _number("burn.depleting", float(BUILT_IN.burn.depleting), higher=True),
        _number("burn.endangered", float(BUILT_IN.burn.endangered), higher=True),
        (_cut_off(), "namespaces cannot leave out one that it serves"),
    ]
    return " : ".join([*(f"{condition} ? '{said}'" for condition, said in cases), "''"])


def _rule(level: Level) -> tuple[str, str]:
    field, default = level.lower(), BUILT_IN.releases.rules[level]
    new, old = (_ranked(_value(side, f"releases.{field}", f"'{default}'"), Rule) for side in (_NEW, _OLD))
    return f"{new} < {old}", f"releases.{field} cannot be loosened"


def _classes(level: Level) -> tuple[str, str]:
    field = f"overrides.{level.lower()}"
    default = _list(str(each) for each in OverrideClass if each in BUILT_IN.releases.override_classes[level])
    return _lacks(_NEW, _OLD, field, default), f"{field} cannot take another class"


def _duration(field: str, default: str, *, longer: bool) -> tuple[str, str]:
    new, old = (_seconds(_value(side, field, f"'{default}'")) for side in (_NEW, _OLD))
    return f"{new} {'>' if longer else '<'} {old}", f"{field} cannot be made {'longer' if longer else 'shorter'}"


def _number(field: str, default: float, *, higher: bool) -> tuple[str, str]:
    new, old = (f"double({_value(side, field, repr(default))})" for side in (_NEW, _OLD))
    return f"{new} {'>' if higher else '<'} {old}", f"{field} cannot be {'raised' if higher else 'lowered'}"


def _lacks(one: str, other: str, field: str, default: str = "[]") -> str:
    """Return whether a list of `one` has what that of `other` has not."""
    return f"{_value(one, field, default)}.exists(e, !(e in {_value(other, field, default)}))"


def _cut_off() -> str:
    """Return whether a namespace is no longer served; an empty list serves all."""
    new, old = _value(_NEW, "namespaces", "[]"), _value(_OLD, "namespaces", "[]")
    return f"{new}.size() > 0 && ({old}.size() == 0 || {old}.exists(n, !(n in {new})))"


def _value(side: str, field: str, default: str) -> str:
    """Return the value of an optional field."""
    return ".?".join([side, *field.split(".")]) + f".orValue({default})"


def _rank(side: str, field: str, of: type[Mode]) -> str:
    return _ranked(_value(side, field, f"'{BUILT_IN.releases.mode}'"), of)


def _ranked(value: str, of: type[Mode] | type[Rule]) -> str:
    return f"{_list(str(each) for each in of)}.indexOf({value})"


def _seconds(value: str) -> str:
    """Return the duration that a text names: CEL knows hours, but no days."""
    days = f"duration(string(int({value}.substring(0, {value}.size() - 1)) * 24) + 'h')"
    return f"({value}.endsWith('d') ? {days} : duration({value}))"


def _list(texts: Iterable[str]) -> str:
    return json.dumps(list(texts)).replace('"', "'")


_COLLECTED: Final = f"request.userInfo.username in {_list(COLLECTORS)}"
