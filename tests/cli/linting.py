"""Manifests for commands that read them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

GOLDEN = Path(__file__).parent / "golden"
REPOSITORY = Path(__file__).parents[2]

Ran = Callable[..., tuple[int, str, str]]
"""A command: its exit code and both of its outputs."""


def manifest(name: str = "a", *, namespace: str = "dating", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "indicator": {"ratio": {"bad": 'x{job="a",code="5"}', "valid": 'x{job="a"}'}},
            "objective": {"target": 99.9},
            "window": {"rolling": "30d"},
            "review": {"last": "2026-10-01"},
            **spec,
        },
    }


def write(path: str, *manifests: Any) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(yaml.safe_dump_all(manifests, sort_keys=False))
    return path


def numbered(count: int, **spec: Any) -> list[str]:
    """Return manifests as texts that differ where `spec` or the name says NUMBER: quicker than to dump each."""
    text = yaml.safe_dump(manifest("oNUMBER", **spec), sort_keys=False)
    return [text.replace("NUMBER", str(number)) for number in range(count)]


def golden(name: str, found: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found)
    assert found == path.read_text(), f"if the change of {name} is meant, run UPDATE_GOLDEN=1 pytest tests/cli"
