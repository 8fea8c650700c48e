"""What can be said about a manifest before it is trusted: the rules by name, and a finding of one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SHOWN_CHARACTERS: Final = 80


class Severity(StrEnum):
    """How much a finding matters: an error is refused, a warning is measured and may mislead."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Rule(StrEnum):
    """Names of rules: short, stable, for people to search and for machines to filter by."""

    UNREADABLE = "unreadable"
    YAML = "yaml"
    DUPLICATE_KEY = "duplicate-key"
    DUPLICATE_NAME = "duplicate-name"
    INVALID = "invalid"
    POPULATION = "population"
    NO_JOB = "no-job"
    BURN_NEVER_FIRES = "burn-never-fires"
    THRESHOLD_UNIT = "threshold-unit"
    BOUND_UNIT = "bound-unit"
    METRIC_UNIT = "metric-unit"
    BUDGET_TOO_SMALL = "budget-too-small"
    CROWDED_JOURNEY = "crowded-journey"
    TIER_1_OWNER = "tier-1-owner"
    TIER_1_RATIONALE = "tier-1-rationale"
    PROTECTS_OWNER = "protects-owner"
    SLOW_TO_MOVE = "slow-to-move"
    NEVER_REVIEWED = "never-reviewed"
    FEW_EVENTS = "few-events"
    NO_BOUNDARY = "no-bucket-boundary"
    HIGH_CARDINALITY = "high-cardinality"
    NO_WORKLOAD = "no-workload"


@dataclass(frozen=True, slots=True)
class About:
    """How much a rule matters, and what it is about in one line."""

    severity: Severity
    summary: str


ABOUT: Final[Mapping[Rule, About]] = {
    Rule.UNREADABLE: About(Severity.ERROR, "A file cannot be read, or is no text."),
    Rule.YAML: About(Severity.ERROR, "A document is no YAML that kubectl would take."),
    Rule.DUPLICATE_KEY: About(Severity.ERROR, "A key stands twice in a mapping; all but the last would be lost."),
    Rule.DUPLICATE_NAME: About(Severity.ERROR, "Two objects have one name; the later would overwrite the earlier."),
    Rule.INVALID: About(Severity.ERROR, "The API server or the operator would refuse the manifest."),
    Rule.POPULATION: About(Severity.WARNING, "Good or bad events are drawn from another population than valid ones."),
    Rule.NO_JOB: About(Severity.WARNING, "A selector without a job may count the events of other services."),
    Rule.BURN_NEVER_FIRES: About(Severity.WARNING, "A burn threshold asks for more than 100 % errors."),
    Rule.THRESHOLD_UNIT: About(Severity.WARNING, "A threshold whose unit looks like a slip."),
    Rule.BOUND_UNIT: About(Severity.WARNING, "A bound that looks like another unit than its metric's."),
    Rule.METRIC_UNIT: About(Severity.WARNING, "A metric that by its name is not in seconds."),
    Rule.BUDGET_TOO_SMALL: About(Severity.WARNING, "The whole budget is below a second, or below one slice of time."),
    Rule.CROWDED_JOURNEY: About(Severity.WARNING, "A user journey has more than three indicators."),
    Rule.TIER_1_OWNER: About(Severity.WARNING, "A tier-1 promise that nobody answers for."),
    Rule.TIER_1_RATIONALE: About(Severity.WARNING, "A tier-1 promise that does not say why."),
    Rule.PROTECTS_OWNER: About(Severity.WARNING, "A promise that may hold releases back, and names nobody to ask."),
    Rule.SLOW_TO_MOVE: About(Severity.INFO, "Durability is a design goal: it moves too slowly to steer releases by."),
    Rule.NEVER_REVIEWED: About(Severity.INFO, "No review of the promise is on record."),
    Rule.FEW_EVENTS: About(Severity.WARNING, "The window holds too few events to allow a single bad one."),
    Rule.NO_BOUNDARY: About(Severity.WARNING, "A latency threshold that is no bucket boundary of the histogram."),
    Rule.HIGH_CARDINALITY: About(Severity.WARNING, "An indicator that reads very many series."),
    Rule.NO_WORKLOAD: About(Severity.WARNING, "A protected workload that does not exist."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say. `field` is a path such as spec.indicator.ratio.good; `message` begins with it."""

    rule: Rule
    field: str
    message: str

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return ABOUT[self.rule].severity

    def __str__(self) -> str:
        return f"{self.message} ({self.rule})"


def finding(rule: Rule, field: str, sentence: str) -> Finding:
    """Return a finding whose message is `sentence` behind the name of the field."""
    return Finding(rule, field, f"{field}: {sentence}")


def clipped(text: object) -> str:
    """Return a text of a manifest, short enough for a sentence."""
    whole = str(text)
    return whole if len(whole) <= _SHOWN_CHARACTERS else whole[:_SHOWN_CHARACTERS] + "…"
