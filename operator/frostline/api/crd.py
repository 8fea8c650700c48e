"""CustomResourceDefinitions from the models: pydantic's JSON schema rewritten as structural schema.

A structural schema knows no references, no null alternatives, no const, no numeric exclusive bounds and no
additionalProperties beside properties. What cannot be said in it is refused here, not dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from frostline import names
from frostline.api.base import JsonObject, Model
from frostline.api.gate import GateSpec
from frostline.api.objective import ObjectiveSpec
from frostline.api.override import OverrideSpec, OverrideStatus
from frostline.api.policy import PolicySpec, PolicyStatus
from frostline.api.source import SourceSpec, SourceStatus
from frostline.api.status import ObjectiveStatus

_KEPT: Final = frozenset(
    {
        "type", "description", "default", "enum", "format", "pattern", "minimum", "maximum", "minLength", "maxLength",
        "minItems", "maxItems", "minProperties", "maxProperties", "required",
    }
)  # fmt: skip
_DROPPED: Final = frozenset({"title", "$defs"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of kubectl get; `wide` ones show with -o wide only."""

    name: str
    path: str
    description: str
    kind: str = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """What a CustomResourceDefinition says beside its schema."""

    kind: names.Kind
    plural: names.Plural
    short_names: tuple[str, ...]
    description: str
    namespaced: bool
    spec: type[Model]
    status: type[Model] | None
    columns: tuple[Column, ...]


DEFINITIONS: Final = (
    Definition(
        kind=names.Kind.SERVICE_LEVEL_OBJECTIVE,
        plural=names.Plural.SERVICE_LEVEL_OBJECTIVES,
        short_names=("slo", "slos"),
        description="A promise that a service makes to its users, and the account of its error budget.",
        namespaced=True,
        spec=ObjectiveSpec,
        status=ObjectiveStatus,
        columns=(
            Column("SLI", ".status.display.sli", "Good / valid events of the window, or why there is no figure."),
            Column("Target", ".status.display.target", "What is promised."),
            Column("Budget", ".status.display.budget", "Error budget left."),
            Column(
                "Burn",
                ".status.display.burn",
                "Burn rate over the last hour; 1x spends all of it in a window.",
            ),
            Column("Level", ".status.level", "Level of the budget."),
            Column("Releases", ".status.releases", "What happens to releases of the protected workloads."),
            Column("Age", ".metadata.creationTimestamp", "Age of the object.", kind="date"),
            Column("Window", ".status.display.window", "The time that the promise is about.", wide=True),
            Column("Minutes left", ".status.display.minutesLeft", "Budget left, as time.", wide=True),
            Column("Exhausted in", ".status.display.exhaustedIn", "At the burn of the last hour.", wide=True),
            Column("Tier", ".spec.tier", "1 critical to 3 informational.", kind="integer", wide=True),
            Column("Journey", ".spec.journey", "User journey.", wide=True),
            Column("Owner", ".spec.owner", "Who answers for it.", wide=True),
            Column("Measured", ".status.display.measured", "How measuring went.", wide=True),
        ),
    ),
    Definition(
        kind=names.Kind.ERROR_BUDGET_POLICY,
        plural=names.Plural.ERROR_BUDGET_POLICIES,
        short_names=("ebp",),
        description="Which level an error budget is in, and what the level does to releases.",
        namespaced=False,
        spec=PolicySpec,
        status=PolicyStatus,
        columns=(
            Column("Mode", ".spec.mode", "Observe, Warn or Enforce."),
            Column("Exhausted", ".spec.releases.exhausted", "What happens to releases when the budget is gone."),
            Column("Objectives", ".status.objectives", "Objectives that go by it.", kind="integer"),
            Column("Holding", ".status.holding", "Gates that hold releases back by it.", kind="integer"),
            Column("Age", ".metadata.creationTimestamp", "Age of the object.", kind="date"),
        ),
    ),
    Definition(
        kind=names.Kind.RELEASE_GATE,
        plural=names.Plural.RELEASE_GATES,
        short_names=("gate", "gates"),
        description="What is held back of one workload. Written by the operator only.",
        namespaced=True,
        spec=GateSpec,
        status=None,
        columns=(
            Column("Workload", ".spec.display.workload", "What is gated."),
            Column("Rule", ".spec.rule", "Warn, Slush or Freeze."),
            Column("By", ".spec.display.by", "The promise that asks for most."),
            Column("Level", ".spec.display.level", "Level of that promise."),
            Column("Since", ".spec.display.since", "Since when the rule is in force."),
            Column("Lifts about", ".spec.display.liftsAbout", "The earliest moment at which it may lift."),
            Column("Message", ".spec.message", "What whoever is refused reads.", wide=True),
        ),
    ),
    Definition(
        kind=names.Kind.RELEASE_OVERRIDE,
        plural=names.Plural.RELEASE_OVERRIDES,
        short_names=("override", "overrides"),
        description="A release that passes a gate by declared exception.",
        namespaced=True,
        spec=OverrideSpec,
        status=OverrideStatus,
        columns=(
            Column("Class", ".spec.class", "What it is for."),
            Column("State", ".status.display.state", "Live, or why not."),
            Column("Until", ".status.display.until", "When it ends."),
            Column("Workloads", ".status.display.workloads", "What may be released."),
            Column("Requested by", ".spec.requestedBy", "Who asked for it."),
            Column("Ticket", ".spec.ticket", "Where the work is tracked.", wide=True),
            Column("Reason", ".spec.reason", "Why it cannot wait.", wide=True),
            Column("Age", ".metadata.creationTimestamp", "Age of the object.", kind="date"),
        ),
    ),
    Definition(
        kind=names.Kind.PROMETHEUS_SOURCE,
        plural=names.Plural.PROMETHEUS_SOURCES,
        short_names=("psrc",),
        description="Where objectives are measured, and what proves who we are.",
        namespaced=False,
        spec=SourceSpec,
        status=SourceStatus,
        columns=(
            Column("URL", ".spec.url", "Where it is."),
            Column("Measures", ".status.objectives", "Objectives that are measured by it.", kind="integer"),
            Column("Healthy", ".status.display.healthy", "Yes, or why not."),
            Column("Age", ".metadata.creationTimestamp", "Age of the object.", kind="date"),
            Column("Flavor", ".spec.flavor", "What answers.", wide=True),
            Column("Measuring", ".spec.measuring", "Direct or Recorded.", wide=True),
            Column("Version", ".status.version", "What it says that it is.", wide=True),
        ),
    ),
)


def definition(of: Definition) -> JsonObject:
    """Return the CustomResourceDefinition manifest of one kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{of.plural}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced" if of.namespaced else "Cluster",
            "names": {
                "kind": str(of.kind),
                "listKind": f"{of.kind}List",
                "plural": str(of.plural),
                "singular": of.kind.lower(),
                "shortNames": list(of.short_names),
                "categories": [names.CATEGORY],
            },
            "versions": [_version(of)],
        },
    }


def _version(of: Definition) -> JsonObject:
    properties: JsonObject = {
        "apiVersion": {"type": "string", "description": f"{names.API_VERSION}."},
        "kind": {"type": "string", "description": f"{of.kind}."},
        "metadata": {"type": "object"},
        "spec": structural(of.spec.model_json_schema(by_alias=True)),
    }
    version: JsonObject = {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in of.columns],
    }
    if of.status is not None:
        properties["status"] = structural(of.status.model_json_schema(by_alias=True))
        version["subresources"] = {"status": {}}
    version["schema"] = {
        "openAPIV3Schema": {
            "type": "object",
            "description": of.description,
            "required": ["spec"],
            "properties": properties,
        }
    }
    return version


def _column(column: Column) -> JsonObject:
    shown: JsonObject = {
        "name": column.name,
        "type": column.kind,
        "jsonPath": column.path,
        "description": column.description,
    }
    return shown | ({"priority": 1} if column.wide else {})


def structural(schema: Mapping[str, Any]) -> JsonObject:
    """Return a pydantic JSON schema as a structural schema.

    Raises:
        ValueError: the schema has a keyword that a structural schema cannot carry.
    """
    return _rewrite(schema, schema.get("$defs", {}))


def _rewrite(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonObject:
    schema = _resolve(schema, definitions)
    rewritten: JsonObject = {}
    for keyword, value in schema.items():
        if keyword in _KEPT or keyword.startswith("x-kubernetes-"):
            rewritten[keyword] = value
        elif keyword == "properties":
            rewritten[keyword] = {name: _rewrite(part, definitions) for name, part in value.items()}
        elif keyword == "items":
            rewritten[keyword] = _rewrite(value, definitions)
        elif keyword == "additionalProperties":
            # A closed object is what a structural schema means anyway: unknown fields are pruned or refused. An open
            # one says so with its own keyword.
            if not isinstance(value, bool):
                rewritten[keyword] = _rewrite(value, definitions)
        elif keyword == "const":
            rewritten["enum"] = [value]
        elif keyword not in _DROPPED:
            raise ValueError(f'a structural schema cannot carry "{keyword}": {value!r}')
    if rewritten.get("default", ...) is None:
        del rewritten["default"]
    if rewritten.get("type") == "number" and isinstance(rewritten.get("default"), str):
        rewritten["default"] = float(rewritten["default"])
    return rewritten


def _resolve(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonObject:
    """Follow references and drop the null and text alternatives that pydantic adds; outer keywords win."""
    outer = dict(schema)
    while True:
        if "$ref" in outer:
            inner = definitions[outer.pop("$ref").removeprefix("#/$defs/")]
        elif "anyOf" in outer:
            inner = _only(outer.pop("anyOf"))
        else:
            return outer
        rules = [*inner.get("x-kubernetes-validations", ()), *outer.get("x-kubernetes-validations", ())]
        outer = {**inner, **outer}
        if rules:
            outer["x-kubernetes-validations"] = rules


def _only(alternatives: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    left = [part for part in alternatives if part.get("type") != "null"]
    if any(part.get("type") == "number" for part in left):
        # A decimal: pydantic would take text as well, people type numbers.
        left = [part for part in left if part.get("type") != "string"]
    if len(left) != 1:
        raise ValueError(f"a structural schema knows no alternatives: {left!r}")
    return left[0]
