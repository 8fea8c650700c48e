"""Releases and overrides during a freeze, for the tests of what becomes of them."""

from datetime import UTC, datetime
from typing import Any

from frostline.api.base import JsonObject
from tests.controller.freezing import GATEWAY, Shop
from tests.support.objectives import AT, HOUR


def moment(at: float) -> str:
    """Return epoch second `at` as the API server writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def override(**more: Any) -> JsonObject:
    """Return the spec of an override for gateway, of two hours."""
    return {
        "class": "Security",
        "reason": "CVE",
        "workloads": [GATEWAY],
        "expiresAt": moment(AT + 2 * HOUR),
        "requestedBy": "anna",
        **more,
    }


def release(made: Shop, image: str) -> None:
    """Release an image of gateway and look."""
    made.cluster.deploy("gateway", image, at=moment(made.prometheus.time))
    made.run(30)


def declare(made: Shop, name: str = "fix", created: float = AT, **more: Any) -> None:
    """Create an override and look."""
    made.cluster.put_override(name, override(**more), moment(created))
    made.run(30)


def gate(made: Shop) -> JsonObject:
    """Return the gate of gateway."""
    found = made.cluster.gate("gateway")
    assert found is not None
    return found


def image(part: JsonObject) -> str:
    """Return the image of a template as a gate has it."""
    found: str = part["containers"][0]["image"]
    return found


def good(made: Shop) -> list[str]:
    """Return the images of the good templates."""
    return [image(each["template"]) for each in gate(made)["good"]]


def live(made: Shop, name: str = "fix") -> str:
    """Return the reason of the condition Live of an override."""
    condition = made.cluster.overrides[name]["status"]["conditions"][0]
    assert (condition["status"] == "True") == (condition["reason"] == "Live")
    return str(condition["reason"])
