"""Dashboards reach Grafana as ConfigMaps that its sidecar finds."""

import json

from tests.chart.conftest import PROMETHEUS, Chart, of_kind
from tests.scripts.dashboards import NAMES, read


def test_each_dashboard_is_a_config_map_of_its_own(chart: Chart) -> None:
    rendered = of_kind(
        chart.manifests("--set", f"{PROMETHEUS},crds.install=false,dashboards.enabled=true"), "ConfigMap"
    )

    assert [each["metadata"]["name"] for each in rendered] == [f"frostline-dashboard-{name}" for name in NAMES]
    for name, each in zip(NAMES, rendered, strict=True):
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert {key: json.loads(text) for key, text in each["data"].items()} == {f"frostline-{name}.json": read(name)}


def test_there_are_none_unless_asked_for(chart: Chart) -> None:
    assert not of_kind(chart.manifests("--set", f"{PROMETHEUS},crds.install=false"), "ConfigMap")


def test_the_sidecar_may_look_for_another_label(chart: Chart) -> None:
    wanted = "dashboards.enabled=true,dashboards.labels.grafana_dashboard=null,dashboards.labels.shown=yes"
    (first, *_) = of_kind(chart.manifests("--set", f"{PROMETHEUS},crds.install=false,{wanted}"), "ConfigMap")

    assert first["metadata"]["labels"]["shown"] == "yes"
    assert "grafana_dashboard" not in first["metadata"]["labels"]
