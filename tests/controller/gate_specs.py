"""Specs of gates, for the tests of what is made of them."""

from typing import Any

from frostline.api.gate import GateClaim, GateOverride, GateSpec
from frostline.api.override import OverrideSpec

SINCE = "2027-01-15T08:00:00Z"


def claim(objective: str = "matching", **more: Any) -> GateClaim:
    """Return a claim of an exhausted promise."""
    least = {
        "objective": objective,
        "uid": f"uid-{objective}",
        "policy": "default",
        "through": "Deployment/gateway",
        "level": "Exhausted",
        "since": SINCE,
        "rule": "Freeze",
        "budget": "-4.0%",
        "measured_at": SINCE,
        "override_classes": ["Security", "Emergency"],
    }
    return GateClaim.model_validate({**least, **more})


def spec(**more: Any) -> GateSpec:
    """Return a gate of Deployment gateway."""
    least = {
        "workload": {"kind": "Deployment", "name": "gateway"},
        "rule": "Freeze",
        "since": SINCE,
        "by": [claim()],
        "message": "",
        "override_classes": ["Security", "Emergency"],
    }
    return GateSpec.model_validate({**least, **more})


def carried(name: str = "fix", **more: Any) -> GateOverride:
    """Return an override as a gate carries it."""
    least = {
        "name": name,
        "uid": f"uid-{name}",
        "class": "Security",
        "until": "2027-01-15T10:00:00Z",
        "users": ["anna"],
    }
    return GateOverride.model_validate({**least, **more})


def exception(**more: Any) -> OverrideSpec:
    """Return an override as somebody declares it."""
    least = {
        "class": "Security",
        "reason": "CVE",
        "workloads": [{"kind": "Deployment", "name": "gateway"}],
        "expiresAt": "2027-01-15T10:00:00Z",
        "requestedBy": "anna",
    }
    return OverrideSpec.model_validate({**least, **more})
