"""What a manifest says of a promise beside what is measured: whose it is, what hangs on it, who looks at it again when.

Small, for there is one for each of ten thousand objectives; the model of a whole manifest takes ten times as much.
"""

import sys
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from frostline.api.objective import AlertChoice, ObjectiveSpec, Protected, Review, Window
from frostline.api.promised import fields
from frostline.core.durations import parse_duration
from frostline.core.lint import Fields
from frostline.core.rules import Alerting


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one promise.

    Attributes:
        window: as the manifest names it, such as 30d or Month Europe/Berlin.
        tier: 1 to 3.
        alerting: None where the manifest leaves the choice to those who make the rules.
        minimum_bad: what must have been bad before anybody is paged; None for the usual.
        reviewed: whether reviews are asked for; `review_due` is the last day on which the next one is in time, None
            where none took place.
        fields: where the parts of the indicator stand in the manifest.
    """

    window: str
    tier: int
    fields: Fields
    owner: str | None = None
    journey: str | None = None
    alerting: Alerting | None = None
    minimum_bad: int | None = None
    reviewed: bool = False
    review_due: date | None = None
    protects: tuple[Protected, ...] = ()
    policy_ref: str | None = None
    source_ref: str | None = None


def terms(spec: ObjectiveSpec) -> Terms:
    """Return the terms of a manifest that is in order."""
    choice = spec.alerting or AlertChoice()
    return Terms(
        window=_named(spec.window),
        tier=spec.tier,
        fields=_one(fields(spec.indicator)),
        owner=_shared(spec.owner),
        journey=_shared(spec.journey),
        alerting=choice.profile,
        minimum_bad=choice.minimum_bad,
        reviewed=spec.review is not None,
        review_due=None if spec.review is None else _due(spec.review),
        protects=tuple(spec.protects),
        policy_ref=_shared(spec.policy_ref),
        source_ref=_shared(spec.source_ref),
    )


def _due(review: Review) -> date | None:
    """Return the day until which the next review is due, or None where no review took place."""
    if review.last is None:
        return None
    try:
        return review.last + parse_duration(review.every)
    except OverflowError:
        return date.max


def _named(window: Window) -> str:
    if window.calendar is None:
        return sys.intern(window.rolling or "")
    period = window.calendar.value
    return sys.intern(period if window.time_zone is None else f"{period} {window.time_zone}")


def _shared(text: str | None) -> str | None:
    # Many promises name the same few.
    return None if text is None else sys.intern(text)


@lru_cache(maxsize=64)
def _one(same: Fields) -> Fields:
    """Return the first of all that are equal."""
    return same
