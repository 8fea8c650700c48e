"""Looks at the cluster from outside its pods: Prometheus, the API server's metrics, the kubelet's figures."""

import json
import re
import urllib.parse
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from e2e.cluster.kubectl import Kubectl
from e2e.node import monitoring


def ask_prometheus(kubectl: Kubectl, promql: str) -> list[dict[str, Any]]:
    """Evaluate PromQL now, through the API server; returns the `result` of an instant vector."""
    base = f"/api/v1/namespaces/{monitoring.NAMESPACE}/services/{monitoring.NAME}:9090/proxy"
    query = urllib.parse.urlencode({"query": promql})
    found: list[dict[str, Any]] = json.loads(kubectl("get", f"--raw={base}/api/v1/query?{query}").stdout)["data"][
        "result"
    ]
    return found


def passed_unasked(kubectl: Kubectl) -> float:
    """Return how many requests the API server let pass because a webhook did not answer."""
    text = kubectl("get", "--raw=/metrics").stdout
    pattern = r"^apiserver_admission_webhook_fail_open_count\{[^}]*\} (\S+)$"
    return sum(float(each) for each in re.findall(pattern, text, re.MULTILINE))


@dataclass(frozen=True)
class Usage:
    """What a pod has used: seconds of processor time up to `at`, and its memory then."""

    at: datetime
    cpu_seconds: float
    memory_mb: float


def usages(kubectl: Kubectl, namespace: str) -> dict[str, Usage]:
    """Return what each pod of a namespace has used, as the kubelets tell; pods without figures are left out."""
    nodes = kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()
    found: dict[str, Usage] = {}
    for node in nodes:
        summary = json.loads(kubectl("get", f"--raw=/api/v1/nodes/{node}/proxy/stats/summary").stdout)
        for pod in summary.get("pods", ()):
            containers = pod.get("containers") or ()
            if pod["podRef"]["namespace"] != namespace or not containers:
                continue
            cpu, memory = containers[0].get("cpu", {}), containers[0].get("memory", {})
            if "usageCoreNanoSeconds" in cpu and "workingSetBytes" in memory:
                seconds, megabytes = cpu["usageCoreNanoSeconds"] / 1e9, memory["workingSetBytes"] / 1e6
                found[pod["podRef"]["name"]] = Usage(datetime.fromisoformat(cpu["time"]), seconds, megabytes)
    return found
