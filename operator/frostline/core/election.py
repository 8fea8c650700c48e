"""Who leads: one candidate's view of a Lease, and when it may claim it. Times are seconds of a clock of its own.

Nobody's wall clock is compared with anybody else's: that another candidate lives is seen by its record changing.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a lease lasts after a renewal, how long its holder trusts it, and how often it is renewed; seconds.

    The difference of the first two is what a request on its way may take after the holder stopped writing.
    """

    lease_s: float = 15.0
    renew_s: float = 10.0
    retry_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Record:
    """What a Lease says. `holder` is empty when it was let go; the times are for people, and told apart only."""

    holder: str
    lease_s: float
    acquired: str
    renewed: str
    transitions: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one candidate knows; each method returns what it knows then.

    Attributes:
        seen: the record that was read last.
        seen_at: when it was first read as it is.
        renewed_at: when the claim that was taken last had been sent; None while this candidate does not lead.
    """

    identity: str
    terms: Terms = Terms()
    seen: Record | None = None
    seen_at: float = 0.0
    renewed_at: float | None = None

    def observed(self, record: Record | None, now: float) -> "Candidate":
        """Take in what was read at `now`; None: there is no Lease."""
        if record is None or record == self.seen:
            # One that somebody deleted was held until then: its holder writes until its own deadline.
            return self
        ours = record.holder == self.identity
        return replace(self, seen=record, seen_at=now, renewed_at=self.renewed_at if ours else None)

    @property
    def deadline(self) -> float:
        """When it stops writing, unless it renews before."""
        return float("-inf") if self.renewed_at is None else self.renewed_at + self.terms.renew_s

    def leads(self, now: float) -> bool:
        """Say whether it may write."""
        return now < self.deadline

    def may_claim(self, now: float) -> bool:
        """Say whether it may renew the lease, or take it."""
        if self.leads(now) or self.seen is None or self.seen.holder in ("", self.identity):
            return True
        lasts = self.seen.lease_s if self.seen.lease_s > 0 else self.terms.lease_s
        return now >= self.seen_at + lasts

    def claim(self, wall: str) -> Record:
        """Return the record to write, at the time `wall` of people's clocks."""
        if self.seen is None:
            return Record(self.identity, self.terms.lease_s, wall, wall, 0)
        if self.seen.holder == self.identity:
            return replace(self.seen, lease_s=self.terms.lease_s, renewed=wall)
        return Record(self.identity, self.terms.lease_s, wall, wall, self.seen.transitions + 1)

    def holds(self, written: Record, sent: float) -> "Candidate":
        """Take in that the API server took a claim that was sent at `sent`.

        The term counts from then: whoever waits for it to run out saw the record later.
        """
        return replace(self, seen=written, seen_at=sent, renewed_at=sent)

    def resigned(self) -> "Candidate":
        """Take in that it no longer leads, whatever the Lease says."""
        return replace(self, renewed_at=None)

    def farewell(self, wall: str) -> Record | None:
        """Return the record that lets the next one in at once; None when it has nothing to let go."""
        if self.renewed_at is None or self.seen is None or self.seen.holder != self.identity:
            return None
        return replace(self.seen, holder="", lease_s=1.0, renewed=wall)
