"""Changes of a CRD that stored objects would suffer from are told, others are not."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.api.crd import DEFINITIONS, definition
from scripts.compatibility import breaks, keep

_RELEASED = sorted((Path(__file__).parent / "released").glob("*/*.yaml"))

Schema = dict[str, Any]

_SPEC: Schema = {
    "type": "object",
    "required": ["target"],
    "properties": {
        "target": {"type": "number", "minimum": 0, "maximum": 100},
        "hold": {"type": "string", "default": "1h"},
        "mode": {"type": "string", "enum": ["Warn", "Enforce"], "maxLength": 10},
        "protects": {"type": "array", "maxItems": 3, "items": {"type": "string", "minLength": 1}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "x-kubernetes-validations": [{"rule": "self.target > 0", "message": "above 0"}],
}


def _crd(spec: Schema) -> Schema:
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "promises", "kind": "Promise"}
    return {"spec": {"group": "frostline.dev", "scope": "Namespaced", "names": names, "versions": [version]}}


def _changed(change: Callable[[Schema], object]) -> list[str]:
    spec = copy.deepcopy(_SPEC)
    change(spec)
    return breaks(_crd(_SPEC), _crd(spec))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda s: s["properties"].pop("mode"), "spec.mode is gone", id="field-removed"),
        pytest.param(lambda s: s["properties"]["hold"].update(default="2h"), "default changed from 1h", id="default"),
        pytest.param(lambda s: s["required"].append("mode"), "spec.mode is required now", id="field-required"),
        pytest.param(lambda s: s["properties"]["target"].update(maximum=99), "maximum is 99 now", id="bound-tighter"),
        pytest.param(
            lambda s: s["properties"]["target"].update(minimum=1), "minimum is 1 now", id="lower-bound-tighter"
        ),
        pytest.param(lambda s: s["properties"]["labels"].update(maxProperties=4), "it was free", id="bound-new"),
        pytest.param(
            lambda s: s["properties"]["mode"].update(enum=["Warn"]), "Enforce is refused now", id="enum-smaller"
        ),
        pytest.param(
            lambda s: s["properties"]["target"].update(type="string"), "type changed from number", id="type-changed"
        ),
        pytest.param(
            lambda s: s["properties"]["protects"]["items"].update(minLength=2), "minLength is 2", id="within-a-list"
        ),
        pytest.param(
            lambda s: s["properties"]["labels"]["additionalProperties"].update(pattern="^a$"),
            "pattern changed",
            id="within-a-map",
        ),
        pytest.param(
            lambda s: s["x-kubernetes-validations"].append({"rule": "self.target < 99", "message": "no"}),
            "a new rule may refuse",
            id="rule-added",
        ),
    ],
)
def test_a_change_that_hurts_is_told(change: Callable[[Schema], object], said: str) -> None:
    (problem,) = _changed(change)
    assert said in problem


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: s["properties"].update(owner={"type": "string"}), id="field-added"),
        pytest.param(lambda s: s.update(required=[]), id="field-optional"),
        pytest.param(lambda s: s["properties"]["target"].update(maximum=200), id="bound-looser"),
        pytest.param(lambda s: s["properties"]["mode"].pop("maxLength"), id="bound-gone"),
        pytest.param(lambda s: s["properties"]["mode"]["enum"].append("Observe"), id="enum-larger"),
        pytest.param(lambda s: s["properties"]["mode"].pop("enum"), id="enum-gone"),
        pytest.param(lambda s: s.pop("x-kubernetes-validations"), id="rule-gone"),
        pytest.param(lambda s: s.update(description="a promise"), id="words"),
    ],
)
def test_a_change_that_hurts_nobody_passes(change: Callable[[Schema], object]) -> None:
    assert _changed(change) == []


def test_a_version_that_is_gone_is_told() -> None:
    new = _crd(_SPEC)
    new["spec"]["versions"][0]["name"] = "v1"
    assert breaks(_crd(_SPEC), new) == ["version v1alpha1 is gone: objects stored in it cannot be read"]


def test_a_version_that_is_not_served_is_told() -> None:
    new = _crd(_SPEC)
    new["spec"]["versions"][0]["served"] = False
    (problem,) = breaks(_crd(_SPEC), new)
    assert "not served" in problem


def test_the_crds_of_a_version_are_kept(tmp_path: Path) -> None:
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "promises.yaml").write_text("kind: CustomResourceDefinition\n")

    kept = keep(tmp_path)

    assert (kept / "promises.yaml").read_text() == "kind: CustomResourceDefinition\n"
    assert kept.parent == tmp_path / "tests" / "scripts" / "released"


@pytest.mark.parametrize("path", _RELEASED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_was_released_stays_readable(path: Path) -> None:
    released = yaml.safe_load(path.read_text())
    present = {f"{each.plural}": definition(each) for each in DEFINITIONS}
    assert breaks(released, present[released["spec"]["names"]["plural"]]) == []
