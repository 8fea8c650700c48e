"""Workloads whose budgets are spent already: a freeze without waiting for one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from e2e.cluster.kubectl import Kubectl
from e2e.cluster.waiting import eventually
from e2e.histories import CounterSeries, openmetrics
from e2e.node.monitoring import APP
from examples.soulsync.app import metrics

SPENT = tuple(f"spent-{number}" for number in range(1, 17))
"""Names of the workloads that there is a history of."""
OLD, NOW, NEVER = "soulsync/app:1.4.2", "soulsync/app:1.5.0", "soulsync/app:1.6.0"
OBJECTIVE = "acknowledged"
BYPASS = ("--as=kubernetes-admin", "--as-group=system:masters", "--as-group=frostline:bypass")

_ROUTE = "sendMessage"
_DAY, _STEP = 86_400, 60
_PER_STEP, _BAD_PER_STEP = 100.0, 5.0
FREEZE_SECONDS = 90.0


def write_history(path: Path, end: int) -> None:
    """Write a day until `end` (Unix seconds) in which one in twenty requests failed, of every one of SPENT."""
    times = np.arange(end - _DAY - _STEP, end, _STEP, dtype=np.int64)
    series = []
    for name in SPENT:
        for code, each in (("200", _PER_STEP - _BAD_PER_STEP), ("503", _BAD_PER_STEP)):
            labels = {"job": name, "instance": f"{name}-0", "route": _ROUTE, "code": code}
            series.append(
                CounterSeries(f"{metrics.REQUESTS}_total", labels, times, np.cumsum(np.full(times.shape, each)))
            )
    path.write_text(openmetrics(series))


class Spent:
    """A Deployment in a namespace of its own, both of one name, and a promise that it broke."""

    def __init__(self, kubectl: Kubectl, name: str) -> None:
        self.kubectl = kubectl
        self.name = name

    def deploy(self) -> None:
        """Roll out OLD and then NOW: the one is the revision to go back to, the other runs."""
        self.kubectl("create", "namespace", self.name)
        self._apply(self._deployment())
        self.rolled_out()
        assert self.try_image(NOW) == ""
        self.rolled_out()

    def promise(self) -> None:
        """Apply the objective, which protects the Deployment."""
        self._apply(self._objective())

    def try_promise(self) -> str:
        """Apply the objective; return what kubectl says where that fails, "" where it does not."""
        done = self.kubectl("apply", "-n", self.name, "-f", "-", input=yaml.safe_dump(self._objective()), check=False)
        return "" if done.returncode == 0 else done.stderr

    def freeze(self) -> None:
        """Apply the objective and wait until the webhook refuses a release."""
        self.promise()
        eventually(lambda: "admission webhook" in self.refusal(), FREEZE_SECONDS, lambda: f"frozen; {self.describe()}")

    def refusal(self) -> str:
        """Return why a release would be refused, "" where it would pass; nothing is stored."""
        return self.try_image(NEVER, "--dry-run=server")

    def try_image(self, image: str, *more: str) -> str:
        """Set an image; return what kubectl says where it is refused, "" where it is not."""
        done = self.kubectl("set", "image", f"deploy/{self.name}", f"app={image}", "-n", self.name, *more, check=False)
        return "" if done.returncode == 0 else done.stderr

    def scale(self, replicas: int, *more: str) -> str:
        """Scale, which always passes; return what kubectl says where it is refused."""
        argv = ("scale", f"deploy/{self.name}", f"--replicas={replicas}", "-n", self.name)
        done = self.kubectl(*argv, *more, check=False)
        return "" if done.returncode == 0 else done.stderr

    def rolled_out(self) -> None:
        """Wait until the Deployment is rolled out."""
        self.kubectl("rollout", "status", f"deploy/{self.name}", "-n", self.name, "--timeout=120s")

    def marks(self) -> list[str]:
        """Return the names of our labels and annotations on the Deployment."""
        metadata = self.get("deploy", self.name)["metadata"]
        known = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
        return sorted(each for each in known if each.startswith("frostline.dev/"))

    def gates(self) -> list[dict[str, Any]]:
        """Return the release gates of the namespace."""
        found: list[dict[str, Any]] = self.get("releasegates")["items"]
        return found

    def status(self) -> dict[str, Any]:
        """Return the status of the objective."""
        status: dict[str, Any] = self.get("slo", OBJECTIVE).get("status", {})
        return status

    def condition(self, kind: str) -> dict[str, str]:
        """Return a condition of the objective; {} where there is none yet."""
        found = (each for each in self.status().get("conditions", ()) if each["type"] == kind)
        return next(found, {})

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return what is there."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-n", self.name, "-o", "json").stdout)
        return found

    def describe(self) -> str:
        """Tell what there is, for whoever reads why a test failed."""
        return self.kubectl("get", "slo,releasegates,deploy,pods", "-n", self.name, "-o", "wide", check=False).stdout

    def remove(self) -> None:
        """Delete the namespace with all in it, past every guard."""
        self.kubectl("delete", "namespace", self.name, "--wait=false", *BYPASS)

    def _apply(self, *manifests: dict[str, Any]) -> None:
        self.kubectl("apply", "-n", self.name, "-f", "-", input=yaml.safe_dump_all(manifests))

    def _deployment(self) -> dict[str, Any]:
        labels = {"app.kubernetes.io/name": self.name, "app.kubernetes.io/part-of": APP}
        container = {
            "name": "app",
            "image": OLD,
            "args": ["realtime-chat", "--listen=0.0.0.0:8000"],
            "ports": [{"name": "http", "containerPort": 8000}],
        }
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        }
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": self.name}, "spec": spec}

    def _objective(self) -> dict[str, Any]:
        chosen = f'job="{self.name}",route="{_ROUTE}"'
        series = f"{metrics.REQUESTS}_total"
        ratio = {"bad": f'{series}{{{chosen},code=~"5.."}}', "valid": f"{series}{{{chosen}}}"}
        return {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ServiceLevelObjective",
            "metadata": {"name": OBJECTIVE},
            "spec": {
                "indicator": {"ratio": ratio},
                "objective": {"target": 99},
                "window": {"rolling": "1d"},
                "owner": "team-shop",
                "protects": [{"kind": "Deployment", "name": self.name}],
            },
        }
