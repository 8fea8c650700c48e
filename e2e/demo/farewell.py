"""What to try while the demo stays."""

import os
import shlex

from e2e.cluster.cluster import Cluster
from e2e.demo.promises import BROKEN
from e2e.demo.screen import Screen
from e2e.demo.soulsync import SoulSync


def commands_to_try(screen: Screen, cluster: Cluster, app: SoulSync) -> None:
    """Print commands for a second terminal, each with what it is good for."""
    folder = shlex.quote(os.path.relpath(cluster.folder))
    screen.tell("Everything stays until Ctrl-C (the traffic for two hours). In a second terminal, from this folder:")
    screen.tell("")
    for command, purpose in (
        (f"export KUBECONFIG=$PWD/{folder}/kubeconfig PATH=$PWD/{folder}/bin:$PATH", ""),
        ("kubectl get slo -n soulsync -o wide", "every column"),
        (f"kubectl describe slo {BROKEN.slo} -n soulsync", "the counts and the PromQL behind the figure"),
        ("kubectl explain slo.spec.indicator", "what a promise can say"),
        ("kubectl get events -n soulsync --watch", "each change of level, each refusal"),
        (
            "kubectl set image deployment/matching app=soulsync/app:1.6.0 -n soulsync",
            "refused: reports have spent a lot",
        ),
        ("kubectl get releasegates,releaseoverrides -n soulsync", "what is held back, and what may pass"),
        (_curl(app, "realtime-chat", "errors"), "break the conversation"),
        (_curl(app, "realtime-chat", "none"), "repair it"),
        (f"curl -s {cluster.operator().url}/metrics | grep ^frostline_budget", "the same figures as metrics"),
        (f"curl -s {cluster.prometheus_url}/api/v1/targets", "Prometheus, for your own PromQL"),
    ):
        screen.suggestion(command, purpose)
    screen.tell("")


def _curl(app: SoulSync, workload: str, fault: str) -> str:
    return f'curl -d \'{{"fault": "{fault}"}}\' {app.url(workload)}/chaos'
