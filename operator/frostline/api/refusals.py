"""What the API server refuses by the CEL rules of the CRDs, said again in Python.

The operator meets objects that an older CRD let through, and `frostline lint` has no API server at hand. A test
holds this file against every rule of the CRDs. What `accept` finds by parsing is not repeated here.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from frostline.api.objective import Budgeting, Indicator, Method, ObjectiveSpec, Protected, Target, Window
from frostline.api.policy import PolicySpec
from frostline.core.durations import parse_duration
from frostline.core.objective import PERCENT
from frostline.core.policy import Level

_THRESHOLD: Final = re.compile(r"[1-9][0-9]{0,8}(ms|s|m|h)")
_ROLLING: Final = re.compile(r"[1-9][0-9]{0,4}[hdwy]")
_REVIEW: Final = re.compile(r"[1-9][0-9]{0,3}[dw]")
_POLICY_TIME: Final = re.compile(r"[1-9][0-9]{0,4}(s|m|h|d)")
_MONTHS: Final = re.compile(r"([1-9][0-9]*)(m|mo|M)")
_LONGEST_HOLD: Final = timedelta(days=1)
_SHARES: Final = Decimal(1)
_MOST_LABELS: Final = 20


def objective_refusals(spec: ObjectiveSpec) -> list[str]:
    """Return the problems of a ServiceLevelObjective, each begins with its field."""
    found = [
        *_indicator(spec.indicator),
        *_target(spec.objective),
        *_window(spec.window),
        *(_budgeting(spec.budgeting) if spec.budgeting is not None else ()),
    ]
    if spec.review is not None and not _REVIEW.fullmatch(spec.review.every):
        found.append(f'spec.review.every: must be days or weeks, such as 90d, not "{spec.review.every}"')
    for index, protected in enumerate(spec.protects):
        found += _protected(f"spec.protects.{index}", protected)
    return found


def policy_refusals(spec: PolicySpec) -> list[str]:
    """Return the problems of an ErrorBudgetPolicy, each begins with its field."""
    found = []
    if spec.levels.depleting <= spec.levels.endangered:
        found.append("spec.levels: depleting must be above endangered, both in percent of the budget left")
    if spec.burn.endangered <= spec.burn.depleting:
        found.append("spec.burn: endangered must be above depleting")
    times = (
        ("hysteresis.hold", spec.hysteresis.hold),
        ("lift.hold", spec.lift.hold),
        ("overrides.longest", spec.overrides.longest),
    )
    for field, text in times:
        if not _POLICY_TIME.fullmatch(text):
            found.append(f'spec.{field}: must be a whole number of s, m, h or d, such as 15m, not "{text}"')
        elif field.endswith(".hold") and parse_duration(text) > _LONGEST_HOLD:
            found.append(f'spec.{field}: must be at most 1d, not "{text}": more is not remembered')
    found += _in_order(spec)
    return found


def _in_order(spec: PolicySpec) -> Iterator[str]:
    """Find what a worse level has looser than a better one, the first of each kind."""
    pairs = list(pairwise(level.value.lower() for level in Level))
    for better, worse in pairs:
        rules = [getattr(spec.releases, level) for level in (better, worse)]
        if rules[1].rank < rules[0].rank:
            yield f"spec.releases: {worse} ({rules[1]}) must not have a looser rule than {better} ({rules[0]})"
            break
    for better, worse in pairs:
        allowed = set(getattr(spec.overrides, better))
        more = [each for each in getattr(spec.overrides, worse) if each not in allowed]
        if more:
            yield f"spec.overrides: {worse} must not allow {more[0]}, which {better} does not allow"
            break


def _indicator(spec: Indicator) -> Iterator[str]:
    times = []
    if spec.latency is not None:
        times.append(("latency.threshold", spec.latency.threshold))
    if spec.threshold is not None and spec.threshold.quantile is not None:
        times.append(("threshold.quantile.over", spec.threshold.quantile.over))
    if spec.freshness is not None:
        times.append(("freshness.within", spec.freshness.within))
    for field, text in times:
        if not _THRESHOLD.fullmatch(text):
            wanted = "must be a whole number of ms, s, m (minutes) or h, such as 800ms"
            yield f'spec.indicator.{field}: {wanted}, not "{text}"'


def _target(spec: Target) -> Iterator[str]:
    for field, percent in (("target", spec.target), ("stretch", spec.stretch)):
        if percent is None:
            continue
        if percent >= PERCENT:
            yield (
                f"spec.objective.{field}: must be below 100, not {percent}: a promise of 100 % leaves no error budget;"
                " 99.9 is a common start"
            )
        elif percent <= 0:
            yield f"spec.objective.{field}: must be above 0, not {percent}; write percent, such as 99.9"
        elif percent <= _SHARES:
            yield f"spec.objective.{field}: must be in percent, not {percent}: write 99.9, not 0.999"
    if spec.stretch is not None and spec.stretch <= spec.target:
        yield f"spec.objective.stretch: must be above target ({spec.target}), not {spec.stretch}; raise or drop it"


def _window(spec: Window) -> Iterator[str]:
    if spec.time_zone is not None and spec.calendar is None:
        yield "spec.window.timeZone: belongs to a calendar window; drop it, a rolling window has no midnight"
    if spec.rolling is None or _ROLLING.fullmatch(spec.rolling):
        return
    month = _MONTHS.fullmatch(spec.rolling)
    if month is not None:
        meant = int(month[1][:3]) * 30
        yield (
            f'spec.window.rolling: "{spec.rolling}" would be minutes, not months: write {meant}d,'
            " or calendar: Month in place of rolling"
        )
    else:
        yield f'spec.window.rolling: must be a whole number of h, d, w or y, such as 30d, not "{spec.rolling}"'


def _budgeting(spec: Budgeting) -> Iterator[str]:
    slices = spec.method is Method.TIMESLICES
    if slices and spec.slice_target is None:
        yield "spec.budgeting.sliceTarget: Timeslices need it, in percent, such as 95"
    if not slices and spec.slice_target is not None:
        yield "spec.budgeting.sliceTarget: only Timeslices have one; set method: Timeslices or drop it"
    if not slices and spec.slice_length is not None:
        yield "spec.budgeting.sliceLength: only Timeslices have one; set method: Timeslices or drop it"
    if spec.slice_target is not None and not 0 < spec.slice_target <= PERCENT:
        yield f"spec.budgeting.sliceTarget: must be above 0 and at most 100, in percent, not {spec.slice_target}"


def _protected(field: str, spec: Protected) -> Iterator[str]:
    if (spec.name is None) == (spec.selector is None):
        yield f"{field}: give exactly one of name and selector"
    if spec.selector is not None and not 1 <= len(spec.selector.match_labels) <= _MOST_LABELS:
        yield f"{field}.selector.matchLabels: must have from 1 to {_MOST_LABELS} labels"
