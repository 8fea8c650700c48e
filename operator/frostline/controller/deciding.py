"""The verdicts on objectives from what was gathered of them, and from what their gates remember. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from frostline.api.gate import GateClaim
from frostline.controller.account import Account
from frostline.controller.policies import Governed
from frostline.controller.store import Stored
from frostline.core.assess import Answer, Assessment, Case, assess_all
from frostline.core.ledger import FINE_S, FOLD_S
from frostline.core.level import LevelState
from frostline.core.policy import Level


class Question(NamedTuple):
    """What a verdict at epoch second `at` is made of; `claims` are those that gates hold of this very objective."""

    stored: Stored
    account: Account
    answer: Answer
    at: int
    governed: Governed
    claims: Sequence[GateClaim]


def decided(questions: Sequence[Question]) -> list[Assessment]:
    """Return the verdicts."""
    by_time: dict[int, list[int]] = defaultdict(list)
    for place, each in enumerate(questions):
        by_time[each.at].append(place)
    found: dict[int, Assessment] = {}
    for at, places in by_time.items():
        asked = [questions[place] for place in places]
        found.update(zip(places, assess_all([(_case(each), each.account.ledger) for each in asked], at), strict=True))
    return [_told(each, found[place]) for place, each in enumerate(questions)]


def _case(question: Question) -> Case:
    return Case(
        question.account.objective,
        question.governed.policy,
        question.answer,
        question.account.assessment,
        _standing(question.claims, question.at) if question.claims else None,
    )


def _told(question: Question, after: Assessment) -> Assessment:
    before = question.account.assessment
    if question.governed.stands_in:
        # Its bounds and its lift are not those that were asked for.
        return after._replace(level=None, lifts_about=None)
    if after.level is None or (before is not None and before.level is not None):
        return after
    since = _since(question.stored, after.level.level, after.level.since)
    return after._replace(level=after.level._replace(since=since))


def _standing(claims: Sequence[GateClaim], at: int) -> LevelState | None:
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
