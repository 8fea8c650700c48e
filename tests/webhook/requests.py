"""Gates, reviews and certificates as the webhook meets them."""

import copy
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from frostline.controller.certificates import ServerNames, Step, carried_out
from frostline.core.gate import Gate
from frostline.core.projection import Shape, project
from frostline.core.verdict import Change, Passed, Refused, Verdict, Why
from frostline.webhook.decision import Decision, decide
from frostline.webhook.review import read

NOW = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
UID = "1a2b3c4d-0000-4000-8000-000000000000"


def template(image: str = "app:1") -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}], "restartPolicy": "Always"},
    }


def workload(image: str = "app:1", kind: str = "Deployment", **metadata: object) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "dating", "uid": "w-1"} | metadata,
        "spec": {"template": template(image)},
    }


def review(image: str = "app:2", **changed: Any) -> dict[str, Any]:
    """Return an AdmissionReview about an image set; `changed` replaces parts of its request."""
    fields = [{"manager": "kubectl", "operation": "Update", "time": "2026-10-01T12:00:00Z"}]
    request: dict[str, Any] = {
        "uid": UID,
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "operation": "UPDATE",
        "namespace": "dating",
        "name": "web",
        "userInfo": {"username": "alice", "groups": ["dev", "system:authenticated"]},
        "object": workload(image, managedFields=fields),
        "oldObject": workload(),
        "dryRun": False,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request | changed}


def body(**changed: Any) -> bytes:
    return json.dumps(review(**changed)).encode()


def gate_manifest(name: str = "web", *, namespace: str = "dating", version: str = "1", rule: str = "Freeze") -> Any:
    """Return the ReleaseGate of a Deployment; revision 1 (app:1) may come back."""

    good = project(template(), Shape())
    return copy.deepcopy(
        {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ReleaseGate",
            "metadata": {"name": f"deployment-{name}", "namespace": namespace, "resourceVersion": version},
            "spec": {
                "workload": {"kind": "Deployment", "name": name},
                "rule": rule,
                "since": "2026-10-01T10:00:00Z",
                "by": [
                    {
                        "objective": "web",
                        "uid": "u",
                        "policy": "default",
                        "through": "Deployment web",
                        "level": "Exhausted",
                        "since": "2026-10-01T10:00:00Z",
                        "rule": rule,
                        "budget": "-12%",
                    }
                ],
                "message": "The budget of web is spent.",
                "overrideClasses": ["Security"],
                "good": [{"source": "revision 1", "template": good}],
            },
        }
    )


def stand_in(gate: Gate | None, change: Change) -> Verdict:
    """Judge by the image alone: what a test needs to see which verdict comes out where."""
    if gate is None:
        return Passed(Why.NO_GATE)
    assert change.new is not None
    image = change.new["spec"]["containers"][0]["image"]
    if image == "app:warned":
        return Passed(Why.WARNED, ("budget is low",))
    if image == "app:override":
        return Passed(Why.OVERRIDE, override="fix-login")
    if image == "app:bypass":
        return Passed(Why.BYPASS)
    if image == "app:1":
        return Passed(Why.ROLLBACK)
    return Refused(Why.HELD, gate.message)


def decided(gate: Gate | None, **changed: Any) -> Decision:
    found = read(body(**changed))
    assert found.change is not None
    return decide(found, found.change, gate, stand_in)


@dataclass
class Made:
    """Certificates as the operator makes them."""

    data: dict[str, bytes]

    @property
    def pair(self) -> tuple[bytes, bytes]:
        return self.data["tls.crt"], self.data["tls.key"]

    @property
    def authorities(self) -> bytes:
        return self.data["ca.crt"]


def made(now: dt.datetime | None = None) -> Made:
    """Return certificates for 127.0.0.1, of now, or as they were made at some time."""
    names = ServerNames(addresses=("127.0.0.1",))
    return Made(carried_out(Step.CREATE, {}, names, now or dt.datetime.now(dt.UTC)))
