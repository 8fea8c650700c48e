"""The webhook's Deployment and its command line belong together."""

from frostline.cli.main import parser
from tests.chart.conftest import Chart, of_kind


def test_the_command_line_understands_the_webhooks_arguments(chart: Chart) -> None:
    manifests = chart.with_values("minimal")
    (deployment,) = [each for each in of_kind(manifests, "Deployment") if each["metadata"]["name"].endswith("webhook")]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    program, *words = container["command"]
    parsed = parser({}).parse_args([*words, *container["args"]])

    assert program == "frostline"
    assert parsed.tls_secret == ("frostline-system", "frostline-webhook-tls")
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert (parsed.webhook_listen[1], parsed.listen[1]) == (ports["https"], ports["health"])
