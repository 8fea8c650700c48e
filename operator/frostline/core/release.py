"""What a promise asks of the releases of the workloads that it protects."""

from dataclasses import dataclass

from frostline.core.policy import Level, Mode, Releases, Rule


@dataclass(frozen=True, slots=True)
class Standing:
    """How a promise stands when rules are decided.

    Attributes:
        level: its level, since epoch second `since`.
        mode: how far the policy goes in its namespace.
        covered: whether enough of the window has data for a new freeze.
        remaining: share of the budget that is left.
        measured_at: epoch second of that figure, None before there is one.
        lifts_about: the earliest epoch second at which it may ask for less; None when that cannot be said.
    """

    level: Level
    since: int
    mode: Mode
    covered: bool
    remaining: float
    measured_at: int | None
    lifts_about: int | None


def asked(releases: Releases, standing: Standing, before: Rule) -> Rule:
    """Return the rule that a promise asks for, given the one that it asked for `before`.

    Where too little of the window is known nothing starts to hold; what holds stays as strict as it was.
    """
    rule = releases.rule(standing.level, standing.mode)
    if standing.covered or not rule.holds:
        return rule
    known = before if before.holds else Rule.WARN
    return min(rule, known, key=lambda each: each.rank)
