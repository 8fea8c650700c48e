"""What each promise asks of releases, from its level, its policy and its namespace. Pure."""

from typing import Final, NamedTuple

from frostline import names
from frostline.api.accept import Accepted
from frostline.controller import words
from frostline.controller.account import Key
from frostline.controller.gating import Ask
from frostline.controller.namespaces import SeenNamespace
from frostline.controller.policies import Governed
from frostline.controller.protection import Workloads, entry_text, missing, protected
from frostline.core.assess import Assessment, well_covered
from frostline.core.finding import Finding, Rule, finding
from frostline.core.objective import Objective
from frostline.core.outcome import Measured, NoTraffic
from frostline.core.policy import BUILT_IN, Mode, lower_mode
from frostline.core.release import Standing

_NO_ENTRIES: Final[frozenset[str]] = frozenset()
_LONGEST_TROUBLE: Final = 512
"""Characters: it is part of the sentence that whoever is refused reads."""


class Surroundings(NamedTuple):
    """What there is around an objective: its policy, its namespace by `name`, and the workloads there.

    `exempt` namespaces are those in which nothing is ever held back.
    """

    name: str
    governed: Governed
    namespace: SeenNamespace | None
    workloads: Workloads
    exempt: bool

    @property
    def mode(self) -> Mode | None:
        """How far the policy goes here; None when the namespace's label says no mode."""
        policy = self.governed.policy.releases.mode
        if self.exempt:
            return Mode.OBSERVE
        if self.namespace is None:
            return policy
        wanted = self.namespace.mode_or(policy)
        return None if wanted is None else lower_mode(policy, wanted)


def ask(key: Key, uid: str, accepted: Accepted, assessment: Assessment | None, around: Surroundings) -> Ask:
    """Return what a promise asks for."""
    entries, mode = accepted.terms.protects, around.mode
    return Ask(
        key=key,
        uid=uid,
        policy=around.governed.name,
        releases=around.governed.policy.releases,
        standing=_standing(accepted.objective, assessment, around, mode),
        trouble=_trouble(assessment, around, mode),
        through=protected(entries, around.workloads) if entries else {},
        # An empty one made anew would be kept ten thousand times.
        entries=frozenset(entry_text(each) for each in entries) if entries else _NO_ENTRIES,
    )


def unread(key: Key, uid: str) -> Ask:
    """Return what is asked for by a promise whose manifest is not accepted: what stands stays, nothing begins."""
    return Ask(
        key=key,
        uid=uid,
        policy="",
        releases=BUILT_IN.releases,
        standing=None,
        trouble="its manifest is not accepted",
        through={},
        entries=None,
    )


def _standing(
    objective: Objective, assessment: Assessment | None, around: Surroundings, mode: Mode | None
) -> Standing | None:
    if assessment is None or assessment.level is None or assessment.figure is None:
        return None
    if mode is None or around.governed.problem is not None:
        return None
    return Standing(
        level=assessment.level.level,
        since=assessment.level.since,
        mode=mode,
        covered=well_covered(objective, assessment.figure.counts),
        remaining=assessment.figure.budget.remaining,
        measured_at=assessment.figure.at,
        # Nothing lifts unseen.
        lifts_about=assessment.lifts_about if isinstance(assessment.outcome, Measured | NoTraffic) else None,
    )


def _trouble(assessment: Assessment | None, around: Surroundings, mode: Mode | None) -> str:
    if around.governed.problem is not None:
        return around.governed.problem[:_LONGEST_TROUBLE]
    if mode is None and around.namespace is not None:
        return f"label {names.Label.MODE}={around.namespace.mode} is none of {', '.join(Mode)}"
    if assessment is None:
        return names.Reason.REHYDRATING.value
    if isinstance(assessment.outcome, Measured | NoTraffic):
        return ""
    return words.reason_and_sentence(assessment.outcome, None)[0].value


def not_found(accepted: Accepted, around: Surroundings) -> tuple[Finding, ...]:
    """Return a warning for each entry of `protects` that no workload answers to."""
    if not accepted.terms.protects:
        return ()
    return tuple(
        finding(
            Rule.NO_WORKLOAD,
            f"spec.protects.{index}",
            f"namespace {around.name} has no {text}: check the spelling; what is deployed later is protected then",
        )
        for index, text in missing(accepted.terms.protects, around.workloads)
    )
