"""When the gates are armed, and when they stay away: from what the API server has to what the operator does."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final

from frostline import names
from frostline.core import admission
from frostline.core.admission import Manifest
from frostline.core.armed import (
    POLICIES,
    Answer,
    Armed,
    Drop,
    Facts,
    Hook,
    Killed,
    Make,
    Mark,
    Note,
    NotYet,
    Off,
    Part,
    Restore,
    State,
    Step,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order, and how things stand."""

    state: State
    steps: tuple[Step, ...]


_NO_POLICIES: Final = (
    "the API server has no ValidatingAdmissionPolicy (it came with Kubernetes 1.30) and the operator was not told"
    " where the webhook is: give --webhook-service"
)
_NOT_SERVED: Final = (
    f"the API server does not serve {names.Kind.RELEASE_GATE} yet: install the chart, or kubectl apply"
    " --server-side -f crds/"
)
_NOT_KNOWN: Final = (
    f"the API server does not know {names.Kind.RELEASE_GATE} as a parameter yet; that takes up to half a minute"
    " after the installation"
)
_NO_CERTIFICATE: Final = "the webhook has no certificate yet"


def plan(facts: Facts, hook: Hook | None, now: int) -> Plan:
    """Return what to do about what the API server has; `now` in epoch seconds."""
    return _Planner(facts, hook, now).plan()


@dataclass(slots=True)
class _Planner:
    facts: Facts
    hook: Hook | None
    now: int
    steps: list[Step] = field(default_factory=list)
    armed: set[Part] = field(default_factory=set)
    gone: dict[Part, int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def plan(self) -> Plan:
        if not self.facts.validates and self.hook is None:
            return Plan(Off(_NO_POLICIES), ())
        for part in POLICIES if self.facts.validates else ():
            self._part(part)
        if self.hook is None:
            self._unasked()
        else:
            self._part(Part.WEBHOOK)
        if self.facts.probe is not None and _NOT_KNOWN not in self.reasons:
            self.steps.append(Drop(admission.probe_binding()))
        return Plan(self._state(), tuple(self.steps))

    def _state(self) -> State:
        parts = frozenset(self.armed)
        if self.gone:
            return Killed(self.gone, parts)
        if self.reasons:
            return NotYet(self.reasons[0], parts, asking=_NOT_KNOWN in self.reasons)
        return Armed(parts)

    def _part(self, part: Part) -> None:
        live, remembered = self.facts.present.get(part), self.facts.marks.get(part)
        if live is not None:
            self._keep(part, live, remembered)
        elif remembered is None:
            self._arm(part)
        else:
            if not remembered.killed:
                remembered = Mark(killed=True, at=self.now)
                self.steps.append(Note(part, remembered))
            self.gone[part] = remembered.at

    def _keep(self, part: Part, live: Manifest, remembered: Mark | None) -> None:
        """Remember what is there, and put right what differs."""
        policy = POLICIES.get(part)
        if policy is None or policy in self.facts.policies:
            self.armed.add(part)
        else:
            # A binding alone refuses nothing.
            self.reasons.append(_missing(policy))
        wanted = self._wanted(part)
        patch = None if wanted is None else admission.merge_patch(live, wanted)
        if patch:
            self.steps.append(Restore(live, patch))
        # Without the policy there is nowhere to write it down; it is written once the policy is back.
        if (remembered is None or remembered.killed) and self._anchored:
            self.steps.append(Note(part, Mark(killed=False, at=self.now)))

    def _arm(self, part: Part) -> None:
        wanted, reason = self._wanted(part), self._obstacle(part)
        if reason is not None or wanted is None:
            self.reasons.append(reason or _NO_CERTIFICATE)
            return
        self.steps += [Make(wanted), Note(part, Mark(killed=False, at=self.now))]
        self.armed.add(part)

    def _obstacle(self, part: Part) -> str | None:
        """Return why a part cannot be armed now; ask the API server when only its answer is missing."""
        if not self.facts.served:
            return _NOT_SERVED
        if not self._anchored:
            return _missing(names.Admission.FREEZE)
        if part is Part.WEBHOOK:
            return None
        for policy in (POLICIES[part], names.Admission.PROBE):
            if policy not in self.facts.policies:
                return _missing(policy)
        if self.facts.probe is Answer.KNOWN:
            return None
        ask = Make(admission.probe_binding())
        if self.facts.probe is None and ask not in self.steps:
            self.steps.append(ask)
        return _NOT_KNOWN

    @property
    def _anchored(self) -> bool:
        """Whether there is an object to remember by."""
        return names.Admission.FREEZE in self.facts.policies if self.facts.validates else self.facts.served

    def _wanted(self, part: Part) -> Manifest | None:
        """Return the object that arms a part; None while it cannot be said."""
        if part is not Part.WEBHOOK:
            return admission.binding(POLICIES[part])
        if self.hook is None or self.hook.ca_bundle is None:
            return None
        where = {**self.hook.client_config, "caBundle": b64encode(self.hook.ca_bundle).decode()}
        return admission.webhook_configuration(where, alone=not self.facts.validates)

    def _unasked(self) -> None:
        """Take away the configuration of a webhook that is no longer asked for: it would only cost time."""
        live = self.facts.present.get(Part.WEBHOOK)
        if live is not None and names.Label.ARMED in (live["metadata"].get("labels") or {}):
            self.steps.append(Drop(live))
        if Part.WEBHOOK in self.facts.marks:
            self.steps.append(Note(Part.WEBHOOK, None))


def _missing(policy: names.Admission) -> str:
    return f"validatingadmissionpolicy/{policy} is not there: helm upgrade the chart, with admission.releases on"
