"""The pods of operator and webhook: how they are started, and what they may do on their node."""

from pathlib import Path

import pytest

from frostline.cli.main import parser
from tests.chart.conftest import PROMETHEUS, VALUES, Chart, Manifest, of_kind, pod


@pytest.mark.parametrize(
    ("name", "component"),
    [*((name, "operator") for name in VALUES), ("minimal", "webhook"), ("everything", "webhook")],
)
def test_it_passes_the_restricted_standard(chart: Chart, name: str, component: str) -> None:
    spec = pod(chart.with_values(name), component)

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert all("projected" in volume for volume in spec.get("volumes", []))
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container["ports"])


@pytest.mark.parametrize("name", VALUES)
def test_every_file_that_is_passed_is_mounted(chart: Chart, name: str) -> None:
    spec = pod(chart.with_values(name))
    (container,) = spec["containers"]

    options = [argument.partition("=")[2] for argument in container["args"]]
    mounted = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container.get("volumeMounts", [])
        for volume in spec["volumes"]
        if volume["name"] == mount["name"]
        for source in volume["projected"]["sources"]
        for content in source.values()
        for item in content["items"]
    }
    assert {value for value in options if value.startswith("/")} == mounted


def test_the_command_line_understands_its_arguments(chart: Chart, tmp_path: Path) -> None:
    (container,) = pod(chart.with_values("everything"))["containers"]
    file = tmp_path / "mounted"
    file.touch()

    program, *words = container["command"]
    arguments = [argument.replace("=/etc/", f"={file}#/etc/").partition("#")[0] for argument in container["args"]]
    parsed = parser({"FROSTLINE_PROMETHEUS_USERNAME": "frostline"}).parse_args([*words, *arguments])

    assert program == "frostline"
    assert parsed.prometheus_url == "https://metrics.example.com/prometheus"
    assert (parsed.prometheus_ca, parsed.prometheus_password_file) == (file, file)
    assert parsed.prometheus_username == "frostline"
    assert parsed.prometheus_bearer_token_file is None
    assert list(parsed.namespace) == ["matching", "2048"]
    assert (parsed.cycle_interval, parsed.query_offset) == (60, 20)
    assert (parsed.log_format, parsed.log_level) == ("text", "debug")


def test_probes_and_service_meet_the_port_it_listens_on(chart: Chart) -> None:
    manifests = chart.with_values("minimal")
    (container,) = pod(manifests)["containers"]
    (service,) = [each for each in of_kind(manifests, "Service") if each["metadata"]["name"] == "frostline-operator"]

    assert "--listen=0.0.0.0:8080" in container["args"]
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert service["spec"]["ports"][0]["targetPort"] == "http"


def test_the_webhook_is_reached_where_the_operator_says(chart: Chart) -> None:
    manifests = chart.with_values("everything")
    (container,) = pod(manifests, "webhook")["containers"]
    (service,) = [each for each in of_kind(manifests, "Service") if each["metadata"]["name"] == "promises-webhook"]
    (operator,) = pod(manifests)["containers"]

    assert "--webhook-service=frostline-system/promises-webhook" in operator["args"]
    assert "--webhook-secret=frostline-system/promises-webhook-tls" in operator["args"]
    assert container["command"] == ["frostline", "webhook"]
    assert container["args"] == [
        "--webhook-listen=0.0.0.0:9443",
        "--listen=0.0.0.0:8081",
        "--tls-secret=frostline-system/promises-webhook-tls",
    ]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"https": 9443, "health": 8081}
    assert service["spec"]["ports"] == [
        {"name": "https", "port": 443, "targetPort": "https"},
        {"name": "http", "port": 8081, "targetPort": "health"},
    ]
    assert {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {"health"}


def test_the_webhooks_service_selects_its_pods_only(chart: Chart) -> None:
    manifests = chart.with_values("everything")
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in of_kind(manifests, "Deployment")
    }

    for service in of_kind(manifests, "Service"):
        wanted = service["spec"]["selector"].items()
        assert [name for name, has in labels.items() if wanted <= has.items()] == [service["metadata"]["name"]]


@pytest.mark.parametrize("component", ["operator", "webhook"])
def test_of_several_one_at_a_time_may_be_evicted(chart: Chart, component: str) -> None:
    def budgets(*settings: str) -> list[Manifest]:
        found = of_kind(chart.manifests("--set", ",".join((PROMETHEUS, *settings))), "PodDisruptionBudget")
        return [each["spec"] for each in found if each["metadata"]["name"] == f"frostline-{component}"]

    (budget,) = budgets()
    assert budget["maxUnavailable"] == 1
    assert not budgets(f"{component}.replicas=1")


def test_operators_elect_one_and_are_replaced_one_after_the_other(chart: Chart) -> None:
    manifests = chart.with_values("everything")
    (operator,) = pod(manifests)["containers"]
    (deployment,) = [
        each for each in of_kind(manifests, "Deployment") if each["metadata"]["name"] == "promises-operator"
    ]

    assert "--lease=frostline-system/promises-operator" in operator["args"]
    assert "strategy" not in deployment["spec"]
    assert deployment["spec"]["replicas"] == 2


def test_without_a_webhook_the_operator_makes_no_configuration(chart: Chart) -> None:
    manifests = chart.manifests("--set", f"{PROMETHEUS},webhook.replicas=0")
    (container,) = pod(manifests)["containers"]

    assert not [argument for argument in container["args"] if "webhook" in argument]
    assert "frostline-webhook" not in {each["metadata"]["name"] for each in of_kind(manifests, "Service")}


@pytest.mark.parametrize(("kubernetes", "waits"), [("1.29.0", False), ("1.30.0", True)])
def test_a_leaving_webhook_waits_where_the_server_knows_how(chart: Chart, kubernetes: str, waits: bool) -> None:
    (container,) = pod(chart.manifests("--set", PROMETHEUS, kubernetes=kubernetes), "webhook")["containers"]

    assert ("lifecycle" in container) is waits
