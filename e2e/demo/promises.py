"""The six promises of SoulSync, and how each spent its budget in the 30 days before the demo begins."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Incident:
    """A bad spell: when it began (days before the end), how long it was, what share (0-1) of the budget it took."""

    days_ago: float
    minutes: int
    share: float


@dataclass(frozen=True)
class Promise:
    """One objective: its target in percent and what was spent of its budget, evenly and at once (shares, 0-1)."""

    slo: str
    journey: str
    target: float
    background: float
    incidents: tuple[Incident, ...] = field(default=())

    @property
    def spent(self) -> float:
        """Share of the budget that the 30 days took, 0-1."""
        return self.background + sum(incident.share for incident in self.incidents)


CORE, CHAT, REPORT = "core-matching", "real-time-conversation", "ai-report"

# 95 % left after the first week, 85 % after the second, 78 % after the third; the demo is the fourth.
GETMATCHES_AVAILABILITY = Promise(
    "getmatches-availability",
    CORE,
    99.9,
    background=0.06,
    incidents=(Incident(25.2, 20, 0.035), Incident(18.6, 35, 0.085), Incident(11.4, 25, 0.04)),
)
GETMATCHES_LATENCY = Promise(
    "getmatches-latency",
    CORE,
    99.0,
    background=0.16,
    incidents=(Incident(18.6, 180, 0.08), Incident(6.7, 300, 0.12)),
)
SENDMESSAGE_ACKNOWLEDGED = Promise(
    "sendmessage-acknowledged", CHAT, 99.95, background=0.05, incidents=(Incident(14.1, 30, 0.09),)
)
SENDMESSAGE_LATENCY = Promise(
    "sendmessage-latency", CHAT, 99.5, background=0.05, incidents=(Incident(21.3, 120, 0.04),)
)
REPORT_FRESHNESS = Promise(
    "report-freshness",
    REPORT,
    98.0,
    background=0.09,
    incidents=(Incident(9.2, 1_440, 0.3), Incident(3.5, 960, 0.2)),
)
REPORT_CORRECTNESS = Promise("report-correctness", REPORT, 99.99, background=0.16, incidents=(Incident(16.4, 90, 0.6),))

PROMISES = (
    GETMATCHES_AVAILABILITY,
    GETMATCHES_LATENCY,
    SENDMESSAGE_ACKNOWLEDGED,
    SENDMESSAGE_LATENCY,
    REPORT_FRESHNESS,
    REPORT_CORRECTNESS,
)
BROKEN = GETMATCHES_AVAILABILITY
