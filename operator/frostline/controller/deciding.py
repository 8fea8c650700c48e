"""The verdict on one objective from what was gathered of it, and from what its gates remember. Pure."""

from dataclasses import replace
from datetime import datetime

from frostline.api.gate import GateClaim
from frostline.controller.account import Account
from frostline.controller.policies import Governed
from frostline.controller.store import Stored
from frostline.core.assess import Answer, Assessment, assess
from frostline.core.ledger import FINE_S, FOLD_S
from frostline.core.level import LevelState
from frostline.core.outcome import Failed, NoSource, Partial
from frostline.core.policy import Level


def decided(
    stored: Stored, account: Account, answer: Answer, governed: Governed, claims: list[GateClaim], *, at: int
) -> Assessment:
    """Return the verdict at epoch second `at`; `claims` are those that gates hold of this very objective."""
    before = account.assessment
    after = assess(
        account.objective,
        governed.policy,
        answer=answer,
        view=account.ledger.view(at),
        before=before,
        standing=_standing(claims, at),
    )
    if governed.stands_in:
        # Its bounds and its lift are not those that were asked for.
        return replace(after, level=None, lifts_about=None)
    if after.level is None or (before is not None and before.level is not None):
        return after
    return replace(after, level=replace(after.level, since=_since(stored, after.level.level, after.level.since)))


def unmeasured(answer: Partial | Failed | NoSource, before: Assessment | None) -> Assessment:
    """Return the verdict where not even the time is known: figure and level stay as they were."""
    return Assessment(answer, None, None) if before is None else replace(before, outcome=answer)


def _standing(claims: list[GateClaim], at: int) -> LevelState | None:
    """Return the state of a freeze that the gates remember, or None.

    Where it began before the day that levels are folded over, the lift rule is looked for from that day on.
    """
    since = [int(each.since.timestamp()) for each in claims if each.level is Level.EXHAUSTED]
    if not since:
        return None
    return LevelState(Level.EXHAUSTED, since=min(since), at=max(min(since), at - FOLD_S))


def _since(stored: Stored, level: Level, folded: int) -> int:
    """Return since when a level is in force: what the status says where it agrees, else what the ledger says."""
    since = stored.status.get("levelSince")
    if stored.status.get("level") != level.value or not isinstance(since, str):
        return folded
    try:
        told = int(datetime.fromisoformat(since).timestamp())
    except ValueError:
        return folded
    # What is read back from buckets is seen at their edges.
    return told if told <= folded + FINE_S else folded
