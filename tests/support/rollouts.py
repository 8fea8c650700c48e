"""Named cases of what people do to a gated workload, each with the verdict: for `judge`, and for the API server.

A case is told in edits of one template, so that a test on an API server can apply them to a template with defaults.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from frostline.api import gated
from frostline.api.gate import GateShape
from frostline.core.gate import Gate, Workload
from frostline.core.policy import Rule
from frostline.core.projection import project
from frostline.core.verdict import Change, Operation, Why
from frostline.names import BYPASS_GROUP
from tests.support.edits import Edit, Template, base, edited, nothing

Settle = Callable[[Template], Template]
"""Gives a template as the API server would print it."""

NOW: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
USER: Final = "alice"
ALL_CLASSES: Final = ("LowRisk", "Reliability", "Security", "Emergency")
FREEZE_CLASSES: Final = ("Reliability", "Security", "Emergency")


@dataclass(frozen=True)
class Exceptional:
    """An override in the gate; it ends `minutes` from now."""

    override_class: str = "Security"
    minutes: int = 60
    users: tuple[str, ...] = (USER,)
    images: tuple[str, ...] = ()
    template: Edit | None = None
    used: bool = False


@dataclass(frozen=True)
class Case:
    """What somebody does to a workload whose gate has rule Freeze, and the verdict.

    Attributes:
        does: in words; names the case.
        verdict: of `judge`, and of the policy.
        because: why that is right, in words.
        change: from the template that is there to the new one; None to delete it.
        before: the template that is there, as an edit of `base`.
        good: templates that may come back, as edits of `base`; the one that ran when the gate closed is `culprit`.
        classes: what an override may be for.
        clock: whether the request carries managed fields.

    """

    section: str
    does: str
    verdict: Why
    because: str
    change: Edit | None = nothing
    operation: Operation = Operation.UPDATE
    before: Edit = nothing
    culprit: Edit = nothing
    good: tuple[Edit, ...] = ()
    shape: Mapping[str, list[str]] = field(default_factory=dict)
    overrides: tuple[Exceptional, ...] = ()
    classes: tuple[str, ...] = FREEZE_CLASSES
    user: str = USER
    groups: tuple[str, ...] = ()
    clock: bool = True
    terminating: bool = False

    @property
    def passes(self) -> bool:
        """Whether the API server lets it through."""
        return self.verdict not in (Why.HELD, Why.KEPT)

    def old(self, start: Template | None = None) -> Template:
        """Return the template that is there."""
        return edited(start or base(), self.before)

    def new(self, start: Template | None = None) -> Template | None:
        """Return the template that is wanted; None for a deletion."""
        return None if self.change is None else edited(self.old(start), self.change)

    def manifest(
        self, workload: Workload, now: datetime = NOW, rule: Rule = Rule.FREEZE, settle: Settle = lambda each: each
    ) -> dict[str, Any]:
        """Return the ReleaseGate, as the operator would write it at `now`."""
        shape = gated.shape(GateShape.model_validate(self.shape))

        def stored(edit: Edit) -> Template:
            return project(settle(edited(base(), edit)), shape)

        return {
            "apiVersion": "frostline.dev/v1alpha1",
            "kind": "ReleaseGate",
            "metadata": {"name": workload.gate_name, "namespace": workload.namespace},
            "spec": {
                "workload": {"kind": workload.kind, "name": workload.name},
                "rule": str(rule),
                "since": _text(now - timedelta(hours=2)),
                "by": [
                    {
                        "objective": "matching-availability",
                        "uid": "00000000-0000-0000-0000-000000000001",
                        "policy": "default",
                        "through": workload.name,
                        "level": "Exhausted",
                        "since": _text(now - timedelta(hours=2)),
                        "rule": str(rule),
                        "budget": "-12.4%",
                        "measuredAt": _text(now - timedelta(minutes=3)),
                    }
                ],
                "liftsAbout": _text(now + timedelta(hours=1)),
                "message": f"releases of {workload} are held back",
                "overrideClasses": list(self.classes),
                "shape": dict(self.shape),
                "running": stored(self.culprit),
                "good": [
                    {"source": f"revision {number}", "template": stored(edit)}
                    for number, edit in enumerate(self.good, start=3)
                ],
                "overrides": [
                    self._override(number, each, now, stored) for number, each in enumerate(self.overrides, start=1)
                ],
            },
        }

    def gate(self, workload: Workload, rule: Rule = Rule.FREEZE) -> Gate:
        """Return the gate that `judge` is given."""
        return gated.gate(self.manifest(workload, rule=rule))

    def request(self, workload: Workload) -> Change:
        """Return the change that `judge` is asked about."""
        return Change(
            workload=workload,
            operation=self.operation,
            old=None if self.operation is Operation.CREATE else self.old(),
            new=self.new(),
            user=self.user,
            groups=frozenset(("system:authenticated", *self.groups)),
            times=(NOW.timestamp() - 60, NOW.timestamp()) if self.clock and self.change else (),
            terminating=self.terminating,
        )

    @staticmethod
    def _override(number: int, each: Exceptional, now: datetime, stored: Callable[[Edit], Template]) -> dict[str, Any]:
        tied = {} if each.template is None else {"template": stored(each.template)}
        return {
            "name": f"exception-{number}",
            "uid": f"00000000-0000-0000-0000-00000000001{number}",
            "class": each.override_class,
            "until": _text(now + timedelta(minutes=each.minutes)),
            "users": list(each.users),
            "images": list(each.images),
            "used": each.used,
            **tied,
        }


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


BYPASS: Final = (BYPASS_GROUP,)
