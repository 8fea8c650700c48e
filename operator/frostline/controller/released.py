"""What the status of an objective says about releases. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from frostline import names
from frostline.api.gate import GateClaim
from frostline.controller.gating import Ask, rule_asked
from frostline.controller.words import minute, utc
from frostline.core.gate import Workload
from frostline.core.policy import Rule, strictest


@dataclass(frozen=True, slots=True)
class Released:
    """The rule that a promise asks for, and the condition ReleasesOpen: `open`, `reason`, `sentence`.

    The sentence has no figures in it, so that it changes only when something happens.
    """

    rule: Rule
    open: bool
    reason: names.Reason
    sentence: str


_UNPROTECTED: Final = Released(
    Rule.OPEN, True, names.Reason.NOTHING_PROTECTED, "protects is empty: it never holds a release back"
)


def released(ask: Ask, claims: Mapping[Workload, GateClaim], *, exempt: bool, switched_off: str | None) -> Released:
    """Return what there is to say.

    `claims` is what the gates have of this promise; `switched_off` tells why gates hold nothing back now, None when
    they do.
    """
    before = strictest(*(claim.rule for claim in claims.values()))
    if ask.standing is None:
        return _undecided(before, ask.trouble, switched_off)
    if not ask.entries:
        return _UNPROTECTED
    if exempt:
        sentence = f"namespace {ask.key.namespace} is exempt: nothing is ever held back here"
        return Released(Rule.OPEN, True, names.Reason.NOTHING_PROTECTED, sentence)
    standing, rule = ask.standing, rule_asked(ask, before)
    by_table = ask.releases.rules[standing.level]
    named = sorted(map(str, ask.through)) or sorted(ask.entries)
    which = _listed(sorted(str(workload) for workload, claim in claims.items() if claim.rule.holds) or named)
    since = f"{standing.level} since {minute(utc(standing.since))}"
    if rule.holds:
        held = f"{rule}: releases of {which} are held back, {since}; kubectl get releasegates -n {ask.key.namespace}"
        if not claims and not ask.through:
            sentence = f"no workload answers to protects, so that nothing is held back ({rule}), {since}"
            return Released(rule, True, names.Reason.NOTHING_PROTECTED, sentence)
        if not before.holds:
            pending = f"{rule}: releases of {which} are to be held back, and are not yet, {since}"
            return Released(rule, True, names.Reason.PENDING, pending)
        if switched_off is not None:
            return Released(rule, True, names.Reason.SWITCHED_OFF, f"would be held back ({rule}), but {switched_off}")
        return Released(rule, False, names.Reason.HELD, held)
    if rule.rank < by_table.rank:
        why = f"mode {standing.mode}" if standing.covered else "too little of the window has data for a freeze to begin"
        return Released(rule, True, names.Reason.OBSERVED, f"{since}: the rule would be {by_table}; {why}")
    if rule is Rule.WARN:
        return Released(rule, True, names.Reason.WARNED, f"releases of {which} pass with a warning, {since}")
    return Released(rule, True, names.Reason.OPEN, f"releases of {which} pass, {since}")


def _undecided(before: Rule, why: str, switched_off: str | None) -> Released:
    if before.holds and switched_off is not None:
        return Released(before, True, names.Reason.SWITCHED_OFF, f"would be held back ({before}), but {switched_off}")
    if before.holds:
        sentence = f"{before} stays until it can be judged again: {why}"
        return Released(before, False, names.Reason.HELD, sentence)
    return Released(before, True, names.Reason.NOT_DECIDED, f"nothing begins to hold until it can be judged: {why}")


def _listed(workloads: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(workloads[:most])
    return shown if len(workloads) <= most else f"{shown} and {len(workloads) - most} more"
