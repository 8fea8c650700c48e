"""What the status of an objective says, read from the objects as kubectl gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MARK = "frostline.dev/"
LEVELS = ("Healthy", "Depleting", "Endangered", "Exhausted")


@dataclass(frozen=True)
class Reading:
    """One objective at one moment. Percent and minutes are None until there is a figure."""

    name: str
    journey: str
    target: float
    measured: bool
    why: str
    sli: float | None = None
    remaining: float | None = None
    minutes_left: float | None = None
    burn: float | None = None
    level: str | None = None
    within: str = "Unknown"

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Reading":
        """Read one ServiceLevelObjective, with or without a status."""
        spec, status = item["spec"], item.get("status", {})
        conditions = {each["type"]: each for each in status.get("conditions", ())}
        measured = conditions.get("Measured", {})
        budget = status.get("budget") or {}
        burns = {each["window"]: each["rate"] for each in status.get("burnRates", ())}
        return cls(
            name=item["metadata"]["name"],
            journey=spec.get("journey", ""),
            target=float(spec["objective"]["target"]),
            measured=measured.get("status") == "True",
            why=measured.get("reason", "NotSeenYet"),
            sli=_number(status.get("sli")),
            remaining=_number(budget.get("remainingPercent")),
            minutes_left=_number(budget.get("minutesLeft")),
            burn=_number(burns.get("1h")),
            level=status.get("level"),
            within=conditions.get("WithinObjective", {}).get("status", "Unknown"),
        )


Readings = Mapping[str, Reading]


def readings(answer: Mapping[str, Any]) -> dict[str, Reading]:
    """Read the list that `kubectl get slo -o json` gives, by name."""
    return {each.name: each for each in map(Reading.of, answer["items"])}


@dataclass(frozen=True)
class LevelEvent:
    """An Event that tells of a new level: of which objective, and its sentence."""

    slo: str
    sentence: str


def level_events(answer: Mapping[str, Any]) -> Sequence[LevelEvent]:
    """Read the list that `kubectl get events -o json` gives; other Events are left out."""
    return [
        LevelEvent(each["involvedObject"]["name"], each.get("message", ""))
        for each in answer["items"]
        if each.get("reason") == "LevelChanged"
    ]


def reasons(answer: Mapping[str, Any]) -> set[str]:
    """Read the list that `kubectl get events -o json` gives: the reasons of all Events in it."""
    return {each.get("reason", "") for each in answer["items"]}


def rules(answer: Mapping[str, Any]) -> dict[str, str]:
    """Read the list that `kubectl get releasegates -o json` gives: the rule in force by name of the workload."""
    return {each["spec"]["workload"]["name"]: each["spec"]["rule"] for each in answer["items"]}


@dataclass(frozen=True)
class Deployed:
    """A Deployment at one moment: the image of its first container, and the marks of Frostline on it."""

    image: str
    marks: tuple[str, ...]


def deployments(answer: Mapping[str, Any]) -> dict[str, Deployed]:
    """Read the list that `kubectl get deployments -o json` gives, by name."""
    found = {}
    for each in answer["items"]:
        metadata = each["metadata"]
        notes = (*metadata.get("labels", ()), *metadata.get("annotations", ()))
        image = each["spec"]["template"]["spec"]["containers"][0]["image"]
        found[metadata["name"]] = Deployed(image, tuple(sorted(note for note in notes if note.startswith(MARK))))
    return found


def _number(value: float | str | None) -> float | None:
    return None if value is None else float(value)
