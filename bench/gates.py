"""Gated workloads as services have them: a container and a proxy, configuration by environment and files."""

from typing import Any, Final

from frostline.core.gate import gate_name
from frostline.core.projection import Shape, project

KIND: Final = "Deployment"
NAMESPACES: Final = 100
_GOOD: Final = 10
_VARIABLES: Final = 6
RUNS: Final = "v10"


def template(version: str) -> dict[str, Any]:
    """Return a pod template of a version, as the API server prints it."""
    return {
        "metadata": {"labels": {"app": "web"}, "annotations": {"checksum/config": "0123456789abcdef" * 4}},
        "spec": {
            "containers": [_container("web", version), _container("proxy", "1.2.3")],
            "volumes": [
                {"name": "config", "configMap": {"name": "web", "defaultMode": 420}},
                {"name": "tmp", "emptyDir": {}},
            ],
            "serviceAccountName": "web",
            "serviceAccount": "web",
            "dnsPolicy": "ClusterFirst",
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "securityContext": {"runAsNonRoot": True},
            "terminationGracePeriodSeconds": 30,
        },
    }


def _container(name: str, version: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "periodSeconds": 10}
    return {
        "name": name,
        "image": f"registry.example.com/team/{name}:{version}",
        "args": ["--config=/etc/app/config.yaml"],
        "env": [{"name": f"VARIABLE_{number}", "value": f"value {number}"} for number in range(_VARIABLES)],
        "envFrom": [{"configMapRef": {"name": "web"}}],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}, {"name": "tmp", "mountPath": "/tmp"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "livenessProbe": probe,
        "readinessProbe": probe,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
    }


def place(number: int) -> tuple[str, str]:
    """Return namespace and name of a workload of the fleet."""
    return f"bench-{number % NAMESPACES}", f"web-{number}"


def gate(number: int) -> dict[str, Any]:
    """Return the ReleaseGate of a workload of the fleet: frozen, with ten templates that may come back."""
    namespace, name = place(number)
    since = "2026-10-01T10:00:00Z"
    good = [{"source": f"revision {each}", "template": project(template(f"v{each}"), Shape())} for each in range(_GOOD)]
    claim = {"objective": "web", "uid": "u", "policy": "default", "through": f"{KIND} {name}", "level": "Exhausted"}
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseGate",
        "metadata": {"name": gate_name(KIND, name), "namespace": namespace, "resourceVersion": "1"},
        "spec": {
            "workload": {"kind": KIND, "name": name},
            "rule": "Freeze",
            "since": since,
            "by": [claim | {"since": since, "rule": "Freeze", "budget": "-12.4%", "measuredAt": since}],
            "message": "The error budget of slo web is spent.",
            "overrideClasses": ["Reliability", "Security", "Emergency"],
            "running": project(template(RUNS), Shape()),
            "good": good,
        },
    }


def review(number: int, version: str) -> dict[str, Any]:
    """Return what the API server asks when a workload of the fleet is to run a version."""
    namespace, name = place(number)
    fields = [{"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-10-01T12:00:00Z"}]
    before, after = (
        {
            "apiVersion": "apps/v1",
            "kind": KIND,
            "metadata": {"name": name, "namespace": namespace, "uid": "u", "managedFields": fields},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template(each)},
            "status": {"observedGeneration": 7, "replicas": 3},
        }
        for each in (RUNS, version)
    )
    request = {
        "uid": "1a2b3c4d-0000-4000-8000-000000000000",
        "kind": {"group": "apps", "version": "v1", "kind": KIND},
        "operation": "UPDATE",
        "namespace": namespace,
        "name": name,
        "userInfo": {"username": "system:serviceaccount:flux:kustomize", "groups": ["system:serviceaccounts"]},
        "object": after,
        "oldObject": before,
        "dryRun": False,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
