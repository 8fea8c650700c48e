"""What the chart accepts, and what it says to a mistake."""

import pytest
import yaml

import frostline
from tests.chart.conftest import PROMETHEUS, REPOSITORY, Chart


def test_lint_finds_nothing(chart: Chart) -> None:
    answer = chart.run("lint", str(REPOSITORY / "charts" / "frostline"), "--strict", "--set", PROMETHEUS)

    assert answer.returncode == 0, answer.stdout
    assert "[WARNING]" not in answer.stdout
    assert "[ERROR]" not in answer.stdout


def test_how_to_ask_a_missing_prometheus_says_what_to_set(chart: Chart) -> None:
    said = chart.refusal("prometheus.bearerTokenSecret.name=token")

    assert "prometheus.url is empty" in said
    assert "--set prometheus.url=http://" in said


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("operator.replica=1", "replica"),
        ("prometheus.uri=http://p", "uri"),
        ("prometheus.caSecret.nam=x", "nam"),
        ("image.pullpolicy=Always", "pullpolicy"),
        ("webhooks.enabled=true", "webhooks"),
        ("admission.guard=false", "guard"),
        ("webhook.replica=1", "replica"),
        ("dashboards.enable=true", "enable"),
    ],
)
def test_a_typo_is_told(chart: Chart, setting: str, told: str) -> None:
    said = chart.refusal(PROMETHEUS, setting)

    assert "additional properties" in said.lower()
    assert f"'{told}'" in said


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("prometheus.url=prometheus:9090", "/prometheus/url"),
        ("operator.cycleInterval=30", "/operator/cycleInterval"),
        ("operator.queryOffset=500ms", "/operator/queryOffset"),
        ("operator.logFormat=yaml", "/operator/logFormat"),
        ("operator.replicas=-1", "/operator/replicas"),
        ("operator.namespaces={Matching}", "/operator/namespaces/0"),
        ("operator.namespaces={matching,matching}", "/operator/namespaces"),
        ("image.repository=", "/image/repository"),
        ("webhook.replicas=-1", "/webhook/replicas"),
        ("admission.writers={a'b}", "/admission/writers/0"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(chart: Chart, setting: str, told: str) -> None:
    assert told in chart.refusal(PROMETHEUS, setting)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["prometheus.caSecret.name=a", "prometheus.caConfigMap.name=b"], "comes from one place"),
        (
            ["prometheus.bearerTokenSecret.name=a", "prometheus.basicAuthSecret.name=b"],
            "carries one identity",
        ),
        (["prometheus.url=https://user:secret@prometheus"], "carries credentials"),
        (["serviceAccount.create=false"], "name the service account"),
    ],
)
def test_a_contradiction_is_told_in_words(chart: Chart, settings: list[str], told: str) -> None:
    assert told in chart.refusal(PROMETHEUS, *settings)


def test_a_parent_chart_may_pass_its_own_values(chart: Chart) -> None:
    assert chart.manifests("--set", PROMETHEUS, "--set", "global.region=north,enabled=true,crds.install=false")


@pytest.mark.parametrize(
    ("release", "operator"),
    [
        ("frostline", "frostline-operator"),
        ("my-frostline", "my-frostline-operator"),
        ("slo", "slo-frostline-operator"),
        ("r" * 53, "r" * 52 + "-operator"),
    ],
)
def test_names_follow_the_release(chart: Chart, release: str, operator: str) -> None:
    manifests = chart.manifests("--set", f"{PROMETHEUS},crds.install=false", release=release)

    names = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Deployment"}
    assert names == {operator, operator.replace("-operator", "-webhook")}


def test_values_and_schema_name_the_same_things() -> None:
    chart_folder = REPOSITORY / "charts" / "frostline"
    values = yaml.safe_load((chart_folder / "values.yaml").read_text())
    schema = yaml.safe_load((chart_folder / "values.schema.json").read_text())

    assert set(values) == set(schema["properties"]) - {"global", "enabled"}
    for section in set(values) - {"nameOverride", "fullnameOverride", "imagePullSecrets", "measuring"}:
        assert set(values[section]) == set(schema["properties"][section]["properties"])


def test_chart_and_application_are_released_together() -> None:
    chart = yaml.safe_load((REPOSITORY / "charts" / "frostline" / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == frostline.__version__
