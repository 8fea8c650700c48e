"""What the pages for people say is there: links lead somewhere, reasons are explained, manifests are accepted."""

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from frostline import names
from frostline.api.accept import Accepted, accept

_ROOT = Path(__file__).resolve().parents[2]
_PAGES = sorted([*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md"), *(_ROOT / "examples").rglob("*.md")])
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(page.read_text()))
    return {each.strip().replace(" ", "-") for each in plain}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target, anchor in _LINK.findall(page.read_text()):
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in _anchors(there)):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert broken == []


def test_every_reason_is_explained() -> None:
    explained = set(re.findall(r"^### (\w+)$", (_ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE))
    assert explained == {reason.value for reason in names.Reason}


_MANIFEST = re.compile(r"^( +)apiVersion: .+\n(?:\1.*\n)+", re.MULTILINE)


def _objectives(page: Path) -> list[dict[str, object]]:
    """Return the objectives in a page's indented blocks."""
    blocks = (textwrap.dedent(found.group()).split("EOF")[0] for found in _MANIFEST.finditer(page.read_text()))
    manifests = (yaml.safe_load(each) for each in blocks)
    return [each for each in manifests if each["kind"] == names.Kind.SERVICE_LEVEL_OBJECTIVE]


@pytest.mark.parametrize("name", ["docs/first-slo.md", "docs/coming-from-pyrra-or-sloth.md", "README.md"])
def test_objectives_in_pages_are_accepted(name: str) -> None:
    objectives = _objectives(_ROOT / name)
    assert objectives
    for each in objectives:
        assert each["apiVersion"] == names.API_VERSION
        assert isinstance(accept(each["spec"]), Accepted)
