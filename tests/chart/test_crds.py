"""The CRDs travel with the chart unchanged, are upgraded by it and survive its removal."""

import yaml

from tests.chart.conftest import PROMETHEUS, REPOSITORY, Chart, of_kind

PACKAGED = REPOSITORY / "charts" / "frostline" / "files" / "crds"


def test_the_chart_carries_the_generated_crds() -> None:
    generated = {path.name: path.read_text() for path in (REPOSITORY / "crds").glob("*.yaml")}
    packaged = {path.name: path.read_text() for path in PACKAGED.glob("*.yaml")}

    assert generated
    assert packaged == generated, "the chart's CRDs differ from crds/: run make generate"


def test_a_rendered_crd_is_the_generated_one(chart: Chart) -> None:
    rendered = {
        crd["metadata"]["name"]: crd
        for crd in of_kind(chart.manifests("--set", PROMETHEUS), "CustomResourceDefinition")
    }
    generated = [yaml.safe_load(path.read_text()) for path in (REPOSITORY / "crds").glob("*.yaml")]

    assert set(rendered) == {crd["metadata"]["name"] for crd in generated}
    for crd in generated:
        assert rendered[crd["metadata"]["name"]]["spec"] == crd["spec"]


def test_uninstalling_keeps_the_crds_and_so_every_promise(chart: Chart) -> None:
    crds = of_kind(chart.manifests("--set", PROMETHEUS), "CustomResourceDefinition")

    assert crds
    for crd in crds:
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_crds_can_be_left_to_somebody_else(chart: Chart) -> None:
    assert not of_kind(chart.manifests("--set", f"{PROMETHEUS},crds.install=false"), "CustomResourceDefinition")
