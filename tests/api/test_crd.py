from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import pytest
import yaml
from pydantic import Field

from frostline import names
from frostline.api.base import Model, cel
from frostline.api.crd import DEFINITIONS, Definition, definition, structural
from tests.support.golden import REPOSITORY

ALLOWED = {
    "type", "description", "default", "enum", "format", "pattern", "minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties", "required", "properties", "items",
    "additionalProperties", "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
}  # fmt: skip
EACH = pytest.mark.parametrize("of", DEFINITIONS, ids=lambda of: str(of.kind))


def schema(of: Definition) -> dict[str, Any]:
    (version,) = definition(of)["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def walk(part: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema within a schema with its path."""
    yield path, part
    for name, inner in part.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in part:
            yield from walk(part[keyword], f"{path}[]")


@EACH
@pytest.mark.parametrize("folder", ["crds", "charts/frostline/files/crds"])
def test_the_files_say_what_the_models_say(of: Definition, folder: str) -> None:
    path = REPOSITORY / folder / f"{names.GROUP}_{of.plural}.yaml"

    assert yaml.safe_load(path.read_text()) == definition(of), "run make generate"


@EACH
def test_every_keyword_is_one_that_structural_schemas_know(of: Definition) -> None:
    for path, part in walk(schema(of)):
        assert set(part) <= ALLOWED, path
        assert "type" in part, path
        assert part.get("default", ...) is not None, path


@EACH
def test_every_field_has_a_description(of: Definition) -> None:
    missing = [
        path
        for path, part in walk(schema(of))
        if not part.get("description") and path != ".metadata" and not path.endswith("[]")
    ]

    assert missing == []


@EACH
def test_texts_and_lists_of_the_spec_are_bounded(of: Definition) -> None:
    """The API server estimates the cost of CEL rules from these bounds, and refuses rules on what is endless."""
    for path, part in walk(schema(of)["properties"]["spec"], "spec"):
        if part["type"] == "string" and "enum" not in part and part.get("format") not in ("date", "date-time"):
            assert "maxLength" in part, path
        if part["type"] == "array":
            assert "maxItems" in part, path


@EACH
def test_lists_say_how_they_merge(of: Definition) -> None:
    for path, part in walk(schema(of)):
        if part["type"] == "array":
            assert part["x-kubernetes-list-type"] in ("atomic", "map", "set"), path
        for key in part.get("x-kubernetes-list-map-keys", ()):
            assert key in part["items"]["required"], path


@EACH
def test_rules_have_a_sentence_for_people(of: Definition) -> None:
    for path, part in walk(schema(of)):
        for rule in part.get("x-kubernetes-validations", ()):
            assert set(rule) == {"rule", "message"}, path
            assert rule["message"].strip(), path


@EACH
def test_required_fields_exist(of: Definition) -> None:
    for path, part in walk(schema(of)):
        assert set(part.get("required", ())) <= set(part.get("properties", {})), path


@EACH
def test_columns_point_at_fields(of: Definition) -> None:
    fields = {path for path, _ in walk(schema(of))} | {".metadata.creationTimestamp"}

    assert {column.path for column in of.columns} <= fields


def test_the_columns_that_people_were_promised() -> None:
    of = DEFINITIONS[0]

    assert [each.name for each in of.columns if not each.wide] == [
        "SLI", "Target", "Budget", "Burn", "Level", "Releases", "Age",
    ]  # fmt: skip
    assert [each.name for each in of.columns if each.wide] == [
        "Window", "Minutes left", "Exhausted in", "Tier", "Journey", "Owner", "Measured",
    ]  # fmt: skip


def test_names_of_the_kinds() -> None:
    shown = {
        each["spec"]["names"]["kind"]: (each["metadata"]["name"], each["spec"]["scope"])
        for each in map(definition, DEFINITIONS)
    }

    assert shown == {
        "ServiceLevelObjective": ("servicelevelobjectives.frostline.dev", "Namespaced"),
        "ErrorBudgetPolicy": ("errorbudgetpolicies.frostline.dev", "Cluster"),
        "ReleaseGate": ("releasegates.frostline.dev", "Namespaced"),
        "ReleaseOverride": ("releaseoverrides.frostline.dev", "Namespaced"),
        "PrometheusSource": ("prometheussources.frostline.dev", "Cluster"),
    }


def test_only_what_has_a_status_has_the_subresource() -> None:
    for of in DEFINITIONS:
        (version,) = definition(of)["spec"]["versions"]
        assert ("subresources" in version) == ("status" in schema(of)["properties"]) == (of.status is not None)


class Part(Model):
    """A part."""

    size: Decimal = Field(default=Decimal("1.5"), description="Size.")


class Whole(Model):
    """A whole."""

    part: Part | None = Field(default=None, description="The part.")
    kind: Literal["Only"] = Field(default="Only", description="Kind.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels.")
    parts: list[Part] = Field(description="Parts.", json_schema_extra=cel(("size(self) > 0", "none")))


def test_models_become_structural() -> None:
    part = {
        "type": "object",
        "properties": {"size": {"type": "number", "description": "Size.", "default": 1.5}},
    }

    assert structural(Whole.model_json_schema(by_alias=True)) == {
        "type": "object",
        "description": "A whole.",
        "required": ["parts"],
        "properties": {
            "part": {**part, "description": "The part."},
            "kind": {"type": "string", "enum": ["Only"], "description": "Kind.", "default": "Only"},
            "labels": {"type": "object", "description": "Labels.", "additionalProperties": {"type": "string"}},
            "parts": {
                "type": "array",
                "description": "Parts.",
                "items": {**part, "description": "A part."},
                "x-kubernetes-validations": [{"rule": "size(self) > 0", "message": "none"}],
            },
        },
    }


def test_rules_of_a_reference_and_of_what_it_points_at_both_hold() -> None:
    inner = {"type": "string", "x-kubernetes-validations": [{"rule": "a", "message": "a"}]}
    outer = {"$ref": "#/$defs/Inner", "x-kubernetes-validations": [{"rule": "b", "message": "b"}]}

    rewritten = structural({"type": "object", "properties": {"x": outer}, "$defs": {"Inner": inner}})

    assert [rule["rule"] for rule in rewritten["properties"]["x"]["x-kubernetes-validations"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        pytest.param({"oneOf": [{"type": "string"}]}, "oneOf", id="oneOf"),
        pytest.param({"not": {"type": "string"}}, "not", id="not"),
        pytest.param({"type": "number", "exclusiveMinimum": 0}, "exclusiveMinimum", id="exclusive bound"),
        pytest.param({"type": "array", "prefixItems": []}, "prefixItems", id="tuple"),
        pytest.param({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "alternatives", id="alternatives"),
        pytest.param({"anyOf": [{"type": "null"}]}, "alternatives", id="nothing but null"),
        pytest.param({"type": "object", "patternProperties": {}}, "patternProperties", id="pattern properties"),
    ],
)
def test_what_cannot_be_carried_is_refused(refused: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        structural({"type": "object", "properties": {"inside": refused}})
