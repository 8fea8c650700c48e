"""What platforms bring themselves: cert-manager, prometheus-operator, network policies."""

from tests.chart.conftest import Chart, Manifest, of_kind, pod


def test_cert_manager_fills_the_secret_that_the_operator_only_reads(chart: Chart) -> None:
    manifests = chart.with_values("platform")

    (certificate,) = of_kind(manifests, "Certificate")
    (webhook,) = pod(manifests, "webhook")["containers"]
    (operator,) = pod(manifests)["containers"]
    (role,) = [
        each for each in of_kind(manifests, "Role") if each["metadata"]["name"] == "frostline-operator-certificate"
    ]

    secret = certificate["spec"]["secretName"]
    assert f"--tls-secret=frostline-system/{secret}" in webhook["args"]
    assert f"--webhook-secret=frostline-system/{secret}" in operator["args"]
    assert "--webhook-secret-kept-by=others" in operator["args"]
    assert certificate["spec"]["issuerRef"] == {
        "name": "platform-ca",
        "kind": "ClusterIssuer",
        "group": "cert-manager.io",
    }
    assert [each["verbs"] for each in role["rules"] if each["resources"] == ["secrets"]] == [["get"]]


def test_the_certificate_is_for_the_service_that_is_asked(chart: Chart) -> None:
    (certificate,) = of_kind(chart.with_values("platform"), "Certificate")

    assert "frostline-webhook.frostline-system.svc" in certificate["spec"]["dnsNames"]


def test_without_an_issuer_the_operator_keeps_it(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    assert of_kind(manifests, "Certificate") == []
    assert not any("kept-by" in each for each in pod(manifests)["containers"][0]["args"])


def test_monitors_find_the_services_and_their_ports(chart: Chart) -> None:
    manifests = chart.with_values("platform")
    services = of_kind(manifests, "Service")

    monitors = of_kind(manifests, "ServiceMonitor")
    assert [each["metadata"]["name"] for each in monitors] == ["frostline-operator", "frostline-webhook"]
    for monitor in monitors:
        (service,) = [each for each in services if _selects(monitor["spec"]["selector"]["matchLabels"], each)]
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
        assert endpoint["interval"] == "15s"
        assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert of_kind(chart.with_values("minimal"), "ServiceMonitor") == []


def test_network_policies_open_the_ports_that_pods_listen_on_and_no_other(chart: Chart) -> None:
    manifests = chart.with_values("minimal")

    for policy in of_kind(manifests, "NetworkPolicy"):
        component = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        (container,) = pod(manifests, component)["containers"]
        (rule,) = policy["spec"]["ingress"]
        assert {port["port"] for port in rule["ports"]} == {port["name"] for port in container["ports"]}
    assert len(of_kind(manifests, "NetworkPolicy")) == len(of_kind(manifests, "Deployment"))


def test_network_policies_can_be_left_to_the_platform(chart: Chart) -> None:
    assert (
        of_kind(chart.manifests("--set", "prometheus.url=http://p:9090,networkPolicy.enabled=false"), "NetworkPolicy")
        == []
    )


def _selects(labels: dict[str, str], service: Manifest) -> bool:
    return bool(labels.items() <= service["metadata"]["labels"].items())
