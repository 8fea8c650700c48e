"""What the operator remembers of one objective between cycles; all of it can be rebuilt."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from frostline.core.assess import Assessment
from frostline.core.ledger import Ledger
from frostline.core.objective import Objective


class Key(NamedTuple):
    """Namespace and name of an object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


Ended: TypeAlias = tuple[tuple[int, float], ...]
"""Bad events by the ends of buckets, epoch seconds."""


class Patch(NamedTuple):
    """Buckets that rules saw in part only, to read again once they are `due`: with their ends from `first` to `last`.

    Epoch seconds.
    """

    first: int
    last: int
    due: int


SPAN_POINTS: Final = 84
"""Most buckets of one question: three and a half days of hours, seven hours of five-minute buckets."""


@dataclass(slots=True)
class Account:
    """The books of one objective of one object (`uid`).

    Attributes:
        summed: whether the sums over the whole window have been read while the buckets are not.
        span: most buckets to ask for at once; falls when Prometheus finds the question too large.
        series: how many valid series there were when they were last whole, at epoch second `series_at`.
        lost: how many there were before some went missing for good, and when; None while all are there.
        read_again: since when to read again, as lost ones are back; None when there is nothing to.
        looked_at: the end of the newest bucket that it is known of whether rules saw all of it; 0 before any was read.
        patch: what is to be read again as they did not; None when nothing is.
        closed_at: when the buckets that closed last were asked for last, epoch seconds.
        read_at: when they were all there to be read.
        ended: the bad events of the buckets that closed last as they were when they ended, by their ends.
        shifted: bad events that left closed buckets as these were read again, and that belong to their neighbours, of
            which not all are read again yet.
    """

    uid: str
    objective: Objective
    ledger: Ledger
    assessment: Assessment | None = None
    summed: bool = False
    span: int = field(default=SPAN_POINTS)
    series: int = 0
    series_at: int = 0
    lost: tuple[int, int] | None = None
    read_again: int | None = None
    looked_at: int = 0
    patch: Patch | None = None
    closed_at: int = 0
    read_at: int = 0
    ended: Ended = ()
    shifted: float = 0.0

    @property
    def has_figure(self) -> bool:
        """Whether there is a figure to show, complete or not."""
        return self.assessment is not None and self.assessment.figure is not None


def opened(uid: str, objective: Objective) -> Account:
    """Return empty books."""
    return Account(uid, objective, Ledger(objective.window))


def carried(account: Account | None, uid: str, objective: Objective) -> Account:
    """Return the books for what the object says now: the old ones as far as they still count the same events.

    Another target judges the same events anew, so that the level is folded again from the ledger.
    """
    if account is None or account.uid != uid:
        return opened(uid, objective)
    old = account.objective
    if old is objective:
        return account
    if (old.indicator, old.window, old.slices) != (objective.indicator, objective.window, objective.slices):
        return opened(uid, objective)
    if old.target != objective.target:
        account.objective = objective
        account.assessment = None
    return account
