"""A workload whose releases are held back by a gate that the test itself writes, in place of the operator."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from e2e.api import OPERATOR, Answer, Api, gates, workloads
from e2e.cluster.cluster import Cluster
from e2e.cluster.waiting import eventually
from e2e.cluster.webhook_process import WebhookProcess
from frostline import names
from frostline.core.gate import gate_name
from frostline.core.projection import Shape, project

KIND = "Deployment"
RUNS, GOOD, NEW = "web:2", "web:1", "web:3"
_MERGE = "application/merge-patch+json"


def image(which: str) -> dict[str, Any]:
    """Return the merge patch of a release."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": which}]}}}}


@dataclass
class Frozen:
    """A Deployment without pods that runs RUNS, to which GOOD may come back and NEW may not."""

    api: Api
    namespace: str
    name: str = "web"

    @property
    def path(self) -> str:
        return workloads(self.namespace, KIND, self.name)

    @property
    def gate_path(self) -> str:
        return gates(self.namespace, gate_name(KIND, self.name))

    def make(self, rule: str = "Freeze", **spec: object) -> None:
        """Make the Deployment, marked, and its gate; `spec` adds to that of the gate."""
        labels = {"app": self.name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": RUNS}]}}
        made = self.api(
            "POST",
            workloads(self.namespace, KIND),
            {
                "apiVersion": "apps/v1",
                "kind": KIND,
                "metadata": {"name": self.name, "labels": {names.Label.RELEASES.value: rule}},
                "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
            },
        )
        assert made.status == 201, made.message
        running = made.body["spec"]["template"]
        old = self.api("PATCH", self.path + "?dryRun=All", image(GOOD), kind=_MERGE).body["spec"]["template"]
        self.write(
            {
                "workload": {"kind": KIND, "name": self.name},
                "rule": rule,
                "since": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "by": [_claim(rule)],
                "message": "The error budget of slo web is spent.",
                "overrideClasses": ["Security"],
                "running": project(running, Shape()),
                "good": [{"source": "revision 1", "template": project(old, Shape())}],
            }
            | spec
        )

    def write(self, spec: Mapping[str, Any]) -> None:
        """Write the gate."""
        manifest = {
            "apiVersion": names.API_VERSION,
            "kind": str(names.Kind.RELEASE_GATE),
            "metadata": {"name": gate_name(KIND, self.name)},
            "spec": spec,
        }
        written = self.api("POST", gates(self.namespace), manifest, user=OPERATOR)
        assert written.status == 201, written.message

    def release(self, which: str = NEW, *, dry_run: bool = True, user: str | None = None) -> Answer:
        """Set the image, with the rights of an administrator; by default nothing is stored."""
        path = self.path + ("?dryRun=All" if dry_run else "")
        groups = ("system:masters",) if user else ()
        return self.api("PATCH", path, image(which), kind=_MERGE, user=user, groups=groups)

    def known_to(self, process: WebhookProcess) -> None:
        """Wait until the API server asks this webhook and the webhook knows the gate."""
        before = process.metric("decisions_total")
        eventually(
            lambda: self.release().status == 403 and process.metric("decisions_total") > before,
            15,
            "the API server asks the webhook, which knows the gate",
        )

    def lift(self) -> None:
        """Delete the gate."""
        self.api("DELETE", self.gate_path, user=OPERATOR)


def _claim(rule: str) -> dict[str, str]:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "objective": "web",
        "uid": "u",
        "policy": "default",
        "through": "Deployment web",
        "level": "Exhausted",
        "since": since,
        "rule": rule,
        "budget": "-12%",
        "measuredAt": since,
    }


class Load:
    """Releases, refused, over and over, from several clients at once while in its context.

    Attributes:
        answers: how often each status came.
        passed: releases that were not refused.
        slowest: seconds.

    """

    def __init__(self, cluster: Cluster, namespace: str, clients: int = 4) -> None:
        self.answers: Counter[int] = Counter()
        self.messages: Counter[str] = Counter()
        self.slowest = 0.0
        self._cluster = cluster
        self._namespace = namespace
        self._over = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def count(self) -> int:
        """How many answers have come."""
        return sum(self.answers.values())

    def said(self, part: str) -> int:
        """Count the refusals whose text has `part`."""
        return sum(count for message, count in self.messages.items() if part in message)

    def _run(self) -> None:
        frozen = Frozen(Api(self._cluster), self._namespace)
        while not self._over.is_set():
            begun = time.monotonic()
            answer = frozen.release(f"web:new-{next(self._numbers)}")
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.answers[answer.status] += 1
            self.messages[answer.message] += 1
        frozen.api.close()
