"""Prometheus as a pod: history written before it starts, and every pod of the app scraped."""

import subprocess
import tarfile
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.errors import ClusterError
from e2e.cluster.node_cluster import NodeCluster, kubectl_of
from e2e.cluster.node_images import PROMETHEUS
from e2e.cluster.prometheus import RETENTION, make_blocks

NAMESPACE = "monitoring"
NAME = "prometheus"
APP = "soulsync"
"""Pods with this value of app.kubernetes.io/part-of are scraped, as jobs of their app.kubernetes.io/name."""

_META = "__meta_kubernetes_pod"
_CONFIG: dict[str, Any] = {
    "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
    "scrape_configs": [
        {
            "job_name": "pods",
            "kubernetes_sd_configs": [{"role": "pod"}],
            "relabel_configs": [
                {
                    "source_labels": [f"{_META}_label_app_kubernetes_io_part_of", f"{_META}_container_port_name"],
                    "regex": f"{APP};http",
                    "action": "keep",
                },
                {"source_labels": [f"{_META}_label_app_kubernetes_io_name"], "target_label": "job"},
                # As in the histories, whichever pod it is: workloads of these tests have one pod.
                {
                    "source_labels": [f"{_META}_label_app_kubernetes_io_name"],
                    "target_label": "instance",
                    "replacement": "$1-0",
                },
            ],
        }
    ],
}
_START = (
    "until [ -e /data/complete ]; do sleep 0.2; done; exec prometheus --config.file=/etc/prometheus/prometheus.yml"
    f" --storage.tsdb.path=/data/tsdb --storage.tsdb.retention.time={RETENTION} --log.level=warn"
)


def deploy(cluster: NodeCluster, folder: Path, *histories: Path) -> str:
    """Run Prometheus with what the OpenMetrics files tell; return its URL inside the cluster.

    Raises:
        ClusterError: it does not come up.

    """
    kubectl = kubectl_of(cluster)
    kubectl("apply", "-f", "-", input=yaml.safe_dump_all(_manifests()))
    blocks = folder / "blocks"
    blocks.mkdir()
    make_blocks(cluster.site.tool("promtool"), blocks, *histories)
    (folder / "complete").touch()
    archive = folder / "tsdb.tar"
    with tarfile.open(archive, "w") as file:
        file.add(blocks, "tsdb")
        # Last, since Prometheus starts when it is there.
        file.add(folder / "complete", "complete")
    kubectl(
        "wait", "pod", "-l", f"app={NAME}", "-n", NAMESPACE, "--for=jsonpath={.status.phase}=Running", "--timeout=60s"
    )
    copied = [
        str(cluster.site.tool("kubectl")),
        f"--kubeconfig={cluster.site.kubeconfig}",
        "exec",
        "-i",
        "-n",
        NAMESPACE,
    ]
    with archive.open("rb") as stream:
        done = subprocess.run(
            [*copied, f"deploy/{NAME}", "--", "tar", "-x", "-f", "-", "-C", "/data"],
            stdin=stream,
            capture_output=True,
            check=False,
        )
    if done.returncode != 0:
        raise ClusterError(f"The history did not reach Prometheus' pod: {done.stderr.decode(errors='replace')}")
    kubectl("rollout", "status", f"deployment/{NAME}", "-n", NAMESPACE, "--timeout=120s")
    address = kubectl("get", "service", NAME, "-n", NAMESPACE, "-o", "jsonpath={.spec.clusterIP}").stdout
    return f"http://{address}:9090"


def _manifests() -> list[dict[str, Any]]:
    labels = {"app": NAME}
    own = {"name": NAME, "namespace": NAMESPACE}
    container = {
        "name": NAME,
        "image": PROMETHEUS,
        "command": ["sh", "-c", _START],
        "ports": [{"name": "web", "containerPort": 9090}],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": "web"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "config", "mountPath": "/etc/prometheus"}],
    }
    pod = {
        "serviceAccountName": NAME,
        "containers": [container],
        "securityContext": {"runAsUser": 65532, "runAsNonRoot": True, "fsGroup": 65532},
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "config", "configMap": {"name": NAME}}],
    }
    reads = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": own},
        _rbac("ClusterRole", {"rules": [reads]}),
        _rbac("ClusterRoleBinding", {"roleRef": role, "subjects": [{"kind": "ServiceAccount", **own}]}),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": own,
            "data": {"prometheus.yml": yaml.safe_dump(_CONFIG)},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": own,
            "spec": {
                "selector": {"matchLabels": labels},
                "strategy": {"type": "Recreate"},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": own,
            "spec": {"selector": labels, "ports": [{"name": "web", "port": 9090, "targetPort": "web"}]},
        },
    ]


def _rbac(kind: str, more: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": NAME}, **more}
