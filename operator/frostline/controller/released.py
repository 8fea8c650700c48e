"""What the status of an objective says about releases. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from frostline import names
from frostline.controller.gating import Ask, rule_asked
from frostline.controller.words import minute, utc
from frostline.core.policy import Rule


@dataclass(frozen=True, slots=True)
class Released:
    """The rule that a promise asks for, and the condition ReleasesOpen: `open`, `reason`, `sentence`.

    The sentence has no figures in it, so that it changes only when something happens.
    """

    rule: Rule
    open: bool
    reason: names.Reason
    sentence: str


def released(ask: Ask, before: Rule, *, exempt: bool, switched_off: str | None) -> Released:
    """Return what there is to say.

    `before` is the strictest rule that the gates have of this promise; `switched_off` tells why gates hold nothing
    back now, None when they do.
    """
    if ask.standing is None:
        return _undecided(before, ask.trouble, switched_off)
    if not ask.entries:
        return Released(
            Rule.OPEN, True, names.Reason.NOTHING_PROTECTED, "protects is empty: it never holds a release back"
        )
    if exempt:
        sentence = f"namespace {ask.key.namespace} is exempt: nothing is ever held back here"
        return Released(Rule.OPEN, True, names.Reason.NOTHING_PROTECTED, sentence)
    standing, rule = ask.standing, rule_asked(ask, before)
    by_table = ask.releases.rules[standing.level]
    which = _listed(sorted(map(str, ask.through)) or sorted(ask.entries))
    since = f"{standing.level} since {minute(utc(standing.since))}"
    if rule.holds:
        held = f"{rule}: releases of {which} are held back, {since}; kubectl get releasegates -n {ask.key.namespace}"
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
