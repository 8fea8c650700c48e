"""Two real Prometheus servers: one behind TLS, a client certificate and a password, one behind a tenant's header."""

import base64
import json
import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e import truth
from e2e.cluster import certificates
from e2e.cluster.chart import NAMESPACE
from e2e.cluster.cluster import Cluster
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.operator_process import OperatorProcess, OperatorSettings
from e2e.cluster.prometheus import Prometheus
from e2e.cluster.waiting import eventually
from e2e.disarming import disarm
from e2e.guarded_prometheus import PASSWORDS, USER, GuardedPrometheus, TenantProxy
from e2e.truth import Board, condition, reason
from frostline.prometheus.connection import READ_TIMEOUT_S

TENANT = "team-b"
FIRST, SECOND = PASSWORDS
ROTATED_S = 60
"""Secrets are read again within a minute."""


@dataclass(frozen=True)
class Scene:
    """A guarded source for the namespace `guarded`, a tenant's for `tenant`, nothing for `other`."""

    cluster: Cluster
    name: str
    prometheus: GuardedPrometheus
    plain: Prometheus
    guarded_exporter: LiveExporter
    tenant_exporter: LiveExporter
    operator: OperatorProcess

    def namespace(self, which: str) -> str:
        return f"{self.name}-{which}"

    def status(self, which: str, name: str = "web") -> dict[str, Any]:
        return Board(self.cluster.kubectl, self.namespace(which)).statuses()[name]

    def ready(self, which: str) -> bool:
        return reason(self.status(which)) in ("Measured", "NoTraffic")

    def becomes(self, which: str, why: str, timeout: float = 60, name: str = "web") -> dict[str, Any]:
        eventually(lambda: reason(self.status(which, name)) == why, timeout, lambda: str(self.status(which, name)))
        return self.status(which, name)

    def source(self, which: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.cluster.kubectl("get", "psrc", self.namespace(which), "-o", "json").stdout
        )
        status: dict[str, Any] = found["status"]
        return status

    def secret(self, which: str, **data: bytes) -> None:
        """Write a Secret of the operator's namespace."""
        encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": self.namespace(which), "namespace": NAMESPACE},
                "data": encoded,
            }
        )

    def apply(self, *manifests: dict[str, Any]) -> None:
        self.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(manifests))

    def written(self) -> str:
        """Return all that could repeat a secret: statuses and the operator's log."""
        kinds = "prometheussources,servicelevelobjectives"
        return self.cluster.kubectl("get", kinds, "-A", "-o", "json").stdout + self.operator.log.read_text()


def serve(exporter: LiveExporter, good: float, bad: float) -> None:
    exporter.add("all_total", good + bad)
    exporter.add("bad_total", bad)


def promise(namespace: str, name: str = "web", **more: Any) -> dict[str, Any]:
    spec = {
        "indicator": {"ratio": {"bad": "bad_total", "valid": "all_total"}},
        "objective": {"target": 99},
        "window": {"rolling": "30d"},
        **more,
    }
    return truth.manifest(namespace, name, spec)


def source(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "PrometheusSource",
        "metadata": {"name": name},
        "spec": spec,
    }


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Iterator[Scene]:
    """Give the two servers, their sources, and an operator without a Prometheus of its own."""
    name = f"src-{uuid.uuid4().hex[:6]}"
    site = cluster.site
    guarded = GuardedPrometheus(
        cluster.folder / f"{name}-guarded", site.tool, site.supervisor, name=f"{name}-guarded", scrape_interval="1s"
    )
    plain = Prometheus(
        cluster.folder / f"{name}-plain", site.tool, site.supervisor, name=f"{name}-plain", scrape_interval="1s"
    )
    flags = ("--cycle-interval", "2s", "--query-offset", "1s")
    namespaces = tuple(f"{name}-{each}" for each in ("guarded", "tenant", "other"))
    operator = OperatorProcess(site, OperatorSettings(None, namespaces, flags), f"operator-{name}")
    with LiveExporter() as first, LiveExporter() as second:
        for prometheus, exporter in ((guarded, first), (plain, second)):
            serve(exporter, 0, 0)
            prometheus.add_target("web", exporter.address)
            prometheus.start()
        with TenantProxy(plain.url, TENANT) as proxy:
            given = Scene(cluster, name, guarded, plain, first, second, operator)
            for namespace in namespaces:
                cluster.kubectl("create", "namespace", namespace)
            cluster.kubectl("label", "namespace", namespaces[0], f"frostline.dev/source={namespaces[0]}")
            try:
                _prepare(given, proxy.url)
                operator.start()
                eventually(lambda: given.source("tenant")["display"]["healthy"] == "Yes", 60)
                eventually(lambda: given.ready("guarded") and given.ready("tenant"), 60, given.written)
                serve(first, 9_940, 60)
                serve(second, 9_980, 20)
                yield given
            finally:
                operator.stop()
                disarm(cluster)
                guarded.stop()
                plain.stop()
                cluster.kubectl("delete", "psrc", *namespaces[:2], "--ignore-not-found")
                cluster.kubectl("delete", "namespace", *namespaces, "--wait=false")


def _prepare(scene: Scene, proxy: str) -> None:
    guarded, tenant, other = (scene.namespace(each) for each in ("guarded", "tenant", "other"))
    folder = scene.prometheus.certificates
    scene.secret("guarded", username=USER.encode(), password=FIRST.encode())
    scene.secret("client", tls_crt=(folder / "client.crt").read_bytes(), tls_key=(folder / "client.key").read_bytes())
    authority(scene, (folder / "ca.crt").read_text())
    scene.secret("tenant", id=TENANT.encode())
    scene.apply(
        source(
            guarded,
            url=scene.prometheus.url,
            namespaces=[guarded],
            auth={"basic": {"name": guarded}},
            tls={
                "ca": {"configMap": {"name": scene.namespace("ca")}},
                "clientCertificate": {"name": scene.namespace("client")},
            },
        ),
        source(
            tenant,
            url=proxy,
            flavor="Mimir",
            namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": tenant}},
            headers=[{"name": "X-Scope-OrgID", "secret": {"name": tenant, "key": "id"}}],
        ),
        promise(guarded),
        promise(tenant, sourceRef=tenant),
        promise(other, "curious", sourceRef=guarded),
        promise(other, "lost", sourceRef="nowhere"),
        promise(other, "unnamed"),
    )


def authority(scene: Scene, certificate: str) -> None:
    """Have the guarded source trust an authority."""
    metadata = {"name": scene.namespace("ca"), "namespace": NAMESPACE}
    scene.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": certificate}})


def left(status: dict[str, Any]) -> float:
    return float(status.get("budget", {}).get("remainingPercent", -1))


def test_each_namespace_is_measured_by_its_own_source(scene: Scene) -> None:
    eventually(lambda: left(scene.status("guarded")) == pytest.approx(40, abs=0.1), 60)
    eventually(lambda: left(scene.status("tenant")) == pytest.approx(80, abs=0.1), 60)

    row = scene.cluster.kubectl("get", "psrc", scene.namespace("guarded")).stdout.splitlines()
    assert row[0].split() == ["NAME", "URL", "MEASURES", "HEALTHY", "AGE"]
    assert row[1].split()[1:4] == [scene.prometheus.url, "1", "Yes"]
    status = scene.source("guarded")
    assert {each["type"]: each["status"] for each in status["conditions"]} == {"Accepted": "True", "Reachable": "True"}


@pytest.mark.parametrize(
    ("name", "why", "says"),
    [
        ("curious", "SourceNotAllowed", "is not for namespace"),
        ("lost", "SourceNotFound", "there is no PrometheusSource nowhere"),
        ("unnamed", "SourceNotFound", "set spec.sourceRef or the namespace's label"),
    ],
)
def test_who_may_not_is_told_and_sees_nothing(scene: Scene, name: str, why: str, says: str) -> None:
    status = scene.becomes("other", why, name=name)

    assert says in condition(status)["message"]
    assert not {"sli", "budget", "counts", "level"} & status.keys()


def test_one_that_hangs_delays_nobody_else(scene: Scene) -> None:
    scene.becomes("guarded", "Measured")
    scene.becomes("tenant", "Measured")
    record = scene.cluster.site.processes.running(scene.plain.part.name)
    assert record is not None
    held = scene.status("tenant")

    record.signal(signal.SIGSTOP)
    try:
        # Let a cycle begin that has to do without an answer.
        begun = time.monotonic()
        serve(scene.guarded_exporter, 0, 20)
        eventually(lambda: left(scene.status("guarded")) < 21, 15, lambda: str(scene.status("guarded")))
        assert time.monotonic() - begun < READ_TIMEOUT_S
        status = scene.becomes("tenant", "QueryFailed", 4 * READ_TIMEOUT_S)
        assert "did not answer within 20 s" in condition(status)["message"]
        assert (status["level"], status["budget"]) == (held["level"], held["budget"])
        begun = time.monotonic()
        serve(scene.guarded_exporter, 0, 10)
        eventually(lambda: left(scene.status("guarded")) < 11, 15, lambda: str(scene.status("guarded")))
        assert reason(scene.status("guarded")) == "Measured"
    finally:
        record.signal(signal.SIGCONT)
    scene.becomes("tenant", "Measured", 4 * READ_TIMEOUT_S)


def test_a_password_is_rotated_without_a_restart(scene: Scene) -> None:
    before = scene.operator.pid
    scene.becomes("guarded", "Measured")

    scene.prometheus.take(SECOND)
    status = scene.becomes("guarded", "QueryFailed")

    assert "answered 401" in condition(status)["message"]
    eventually(lambda: scene.source("guarded")["display"]["healthy"] == "DoesNotAnswer")
    assert "answered 401" in condition(scene.source("guarded"), "Reachable")["message"]
    scene.secret("guarded", username=USER.encode(), password=SECOND.encode() + b"\n")
    scene.becomes("guarded", "Measured", ROTATED_S)
    assert scene.operator.pid == before
    for hidden in (FIRST, SECOND, base64.b64encode(f"{USER}:{SECOND}".encode()).decode()):
        assert hidden not in scene.written()


def test_a_wrong_authority_is_named(scene: Scene) -> None:
    scene.becomes("guarded", "Measured", ROTATED_S)
    right = (scene.prometheus.certificates / "ca.crt").read_text()
    wrong = Path(scene.prometheus.certificates / "wrong")
    wrong.mkdir()
    certificates.authority("somebody else").write(wrong, "ca")

    authority(scene, (wrong / "ca.crt").read_text())
    status = scene.becomes("guarded", "QueryFailed", ROTATED_S)

    assert "certificate verify failed" in condition(status)["message"]
    assert "certificate verify failed" in scene.source("guarded")["lastError"]["message"]
    authority(scene, right)
    scene.becomes("guarded", "Measured", ROTATED_S)


def test_a_missing_secret_is_named_and_nothing_else(scene: Scene) -> None:
    held = scene.becomes("guarded", "Measured", ROTATED_S)

    scene.cluster.kubectl("delete", "secret", "-n", NAMESPACE, scene.namespace("guarded"))
    status = scene.becomes("guarded", "SourceNotUsable", ROTATED_S)

    assert f"there is no Secret {scene.namespace('guarded')} in namespace {NAMESPACE}" in condition(status)["message"]
    assert (status["level"], status["budget"]) == (held["level"], held["budget"])
    eventually(lambda: scene.source("guarded")["display"]["healthy"] == "CredentialsNotUsable")
    assert condition(scene.source("guarded"), "Accepted")["status"] == "False"
    scene.secret("guarded", username=USER.encode(), password=SECOND.encode())
    scene.becomes("guarded", "Measured", ROTATED_S)
