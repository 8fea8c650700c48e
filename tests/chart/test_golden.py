"""What the chart renders, word for word: a change of a template shows as a change of a golden file."""

import os

import pytest
import yaml

from tests.chart.conftest import HERE, REPOSITORY, VALUES, Chart, Manifest


def canonical(manifests: list[Manifest]) -> str:
    """Return `manifests` in an order and spelling that no version of helm decides.

    In place of the text of a dashboard stands the name of its file.
    """
    ordered = sorted(
        map(shortened, manifests),
        key=lambda manifest: (
            manifest["kind"],
            manifest["metadata"].get("namespace", ""),
            manifest["metadata"]["name"],
        ),
    )
    return yaml.safe_dump_all(ordered, width=120)


def shortened(manifest: Manifest) -> Manifest:
    if manifest["kind"] != "ConfigMap":
        return manifest
    files = {path.read_text(): path for path in (REPOSITORY / "charts" / "frostline" / "dashboards").glob("*.json")}
    data = {
        key: str(files[text].relative_to(REPOSITORY)) if text in files else text
        for key, text in manifest["data"].items()
    }
    return manifest | {"data": data}


@pytest.mark.parametrize("name", VALUES)
def test_rendering_is_the_golden_one(chart: Chart, name: str) -> None:
    golden = HERE / "golden" / f"{name}.yaml"

    rendered = canonical(chart.with_values(name))

    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered)
    assert rendered == golden.read_text(), (
        f"{golden.relative_to(REPOSITORY)} is not what the chart renders: if the change is meant, "
        "run UPDATE_GOLDEN=1 pytest tests/chart and commit the difference"
    )


def test_every_golden_file_has_values() -> None:
    assert sorted(path.stem for path in (HERE / "golden").glob("*.yaml")) == VALUES
