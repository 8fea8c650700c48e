"""The operator's pod: how it is started, and what it may do on its node."""

from pathlib import Path

import pytest

from frostline.cli.main import parser
from tests.chart.conftest import VALUES, Chart, of_kind, operator_pod


@pytest.mark.parametrize("name", VALUES)
def test_it_passes_the_restricted_standard(chart: Chart, name: str) -> None:
    pod = operator_pod(chart.with_values(name))

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all("projected" in volume for volume in pod.get("volumes", []))
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container["ports"])


@pytest.mark.parametrize("name", VALUES)
def test_every_file_that_is_passed_is_mounted(chart: Chart, name: str) -> None:
    pod = operator_pod(chart.with_values(name))
    (container,) = pod["containers"]

    options = [argument.partition("=")[2] for argument in container["args"]]
    mounted = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container.get("volumeMounts", [])
        for volume in pod["volumes"]
        if volume["name"] == mount["name"]
        for source in volume["projected"]["sources"]
        for content in source.values()
        for item in content["items"]
    }
    assert {value for value in options if value.startswith("/")} == mounted


def test_the_command_line_understands_its_arguments(chart: Chart, tmp_path: Path) -> None:
    (container,) = operator_pod(chart.with_values("everything"))["containers"]
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
    (container,) = operator_pod(manifests)["containers"]
    (service,) = of_kind(manifests, "Service")

    assert "--listen=0.0.0.0:8080" in container["args"]
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert service["spec"]["ports"][0]["targetPort"] == "http"
