"""Specs of gates and what promises ask for, for the tests of what is made of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from frostline.api.gate import GateClaim, GateOverride, GateSpec
from frostline.api.override import OverrideSpec
from frostline.controller.account import Key
from frostline.controller.gating import Ask, Declared, claims, gate
from frostline.core.gate import Workload
from frostline.core.policy import Level, Mode, Releases
from frostline.core.projection import Shape
from frostline.core.release import Standing
from tests.support.objectives import AT

WORKLOAD = Workload("dating", "Deployment", "gateway")
THROUGH = "Deployment/gateway"
CREATED = datetime(2027, 1, 15, 7, tzinfo=UTC)
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


def standing(level: Level = Level.EXHAUSTED, **more: Any) -> Standing:
    """Return how an exhausted promise stands."""
    least = Standing(
        level, since=AT, mode=Mode.ENFORCE, covered=True, remaining=-0.04, measured_at=AT, lifts_about=None
    )
    return replace(least, **more)


def ask(name: str = "matching", at: Standing | None = standing(), **more: Any) -> Ask:  # noqa: B008
    """Return what a promise asks for that protects gateway."""
    least = Ask(
        key=Key("dating", name),
        uid=f"uid-{name}",
        policy="default",
        releases=Releases(),
        standing=at,
        trouble="",
        through={WORKLOAD: THROUGH},
        entries=frozenset({THROUGH}),
    )
    return replace(least, **more)


def made(old: GateSpec | None, *asks: Ask, **more: Any) -> GateSpec | None:
    """Return the gate of gateway after a pass."""
    by = claims(WORKLOAD, [] if old is None else old.by, asks)
    given: dict[str, Any] = {"shape": Shape(), "overrides": (), "longest_override": None, "now": AT, **more}
    return gate(WORKLOAD, old, by, **given)


def sure(found: GateSpec | None) -> GateSpec:
    """Return what is there."""
    assert found is not None
    return found


def declared(name: str = "fix", *, used: bool = False, created: datetime = CREATED, **more: Any) -> Declared:
    """Return an override as it was read."""
    return Declared(name, f"uid-{name}", created, exception(**more), used)
