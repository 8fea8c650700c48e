"""What the forge runs: only what is pinned, with no more rights than reading."""

import re
from pathlib import Path

import pytest
import yaml

_ROOT = Path(__file__).resolve().parents[2]
_WORKFLOWS = sorted((_ROOT / ".github" / "workflows").glob("*.yaml"))
_PINNED = re.compile(r"^[\w-]+/[\w-]+@[0-9a-f]{40}$")
_MAKE = re.compile(r"\bmake ([a-z0-9-]+)")


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_rights_are_few(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        assert all(_PINNED.match(step["uses"]) for step in job["steps"] if "uses" in step)


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_is_in_the_makefile(path: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (_ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(_MAKE.findall(path.read_text())) <= targets
