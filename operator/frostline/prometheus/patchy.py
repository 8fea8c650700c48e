"""Which buckets are patchy: rules saw a part of them only, as evaluations are missing, or scrapes that these need.

What was recorded of such a bucket is an average of the evaluations that there are, and what happened before the first
scrape after a gap is in none of them.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

from frostline.core.ledger import COARSE_S, Gap
from frostline.core.objective import Objective
from frostline.core.patches import Patches
from frostline.core.recorded import EVENTS, LAG_S, Labels, also, labels_of, matchers
from frostline.core.rules import BASE_S
from frostline.core.shared_rules import COUNTED
from frostline.names import Recorded
from frostline.prometheus.client import Answer
from frostline.prometheus.direct import Client
from frostline.prometheus.recorded_answers import times_of
from frostline.prometheus.source import Missing

Key = TypeVar("Key", bound=tuple[str, str])


_BRIDGED: Final = 1 - BASE_S / COARSE_S

_NONE: Final = frozenset[int]()


def patches(client: Client, objectives: Mapping[Key, Objective], gap: Gap) -> dict[Key, Patches] | Missing:
    """Return the patchy buckets of `gap` of those objectives that have some.

    Objectives that count time have none: their minutes and slices are looked at one by one.
    """
    counting = {key: each for key, each in objectives.items() if each.slice_s is None}
    if not counting:
        return {}
    which = also(matchers(counting), EVENTS)
    found: list[Mapping[Labels, frozenset[int]]] = []
    for query in _hours(which) if gap.width_s == COARSE_S else _five_minutes(which):
        first, last = (end + LAG_S for end in (gap.ends[0], gap.ends[-1]))
        asked = client.range(query, start=first, end=last, step_s=gap.width_s)
        if not isinstance(asked, Answer):
            return asked
        found.append(times_of(asked, LAG_S))
    scrapes, evaluations = found
    return {
        key: Patches(scrapes.get(labels, _NONE), evaluations.get(labels, _NONE))
        for key, each in counting.items()
        if (labels := labels_of(key, each)) in scrapes or labels in evaluations
    }


def _five_minutes(which: str) -> tuple[str, str]:
    """Return what asks for buckets by the samples that their averages are of, `LAG_S` after their ends.

    Scrapes are missing where valid events were recorded less often than the objective, or for the first time since
    the bucket before; evaluations where the objective was recorded less often than in the bucket before, or the next,
    or in one of two alone. Where half of the evaluations or more are missing it is the same as if scrapes were: of five
    minutes without any, as where Prometheus was down, one bucket misses so many.
    """
    valid, evaluated = (_count(metric, which) for metric in (Recorded.VALID_5M, Recorded.ALLOWED))
    valid_before, before = (_count(metric, which, " offset 5m") for metric in (Recorded.VALID_5M, Recorded.ALLOWED))
    after = _count(Recorded.ALLOWED, which, " offset -5m")
    return (
        f"{valid} < {evaluated} or ({valid} and {before} unless {valid_before})"
        f" or ({evaluated} <= 0.5 * {before} and {after}) or ({evaluated} <= 0.5 * {after} and {before})",
        # Whether a bucket is whole is known once rules were evaluated after it, unless they are not any more.
        f"({evaluated} < {before} and {after}) or {evaluated} < {after}"
        f" or ({evaluated} unless {before}) or ({before} unless {evaluated})",
    )


def _hours(which: str) -> tuple[str, str]:
    """Return the same of hours: that something was missing is recorded of them, or of the ones after, half hours.

    Five minutes without evaluations are the same as without scrapes here, too.
    """
    scraped, evaluated = _last(Recorded.SCRAPED_1H, which), _last(Recorded.EVALUATED_1H, which)
    return f"{scraped} or {evaluated} <= {_BRIDGED:.3f}", evaluated


def _last(metric: Recorded, which: str) -> str:
    # An hour is recorded a while before or after it ends.
    return f"last_over_time({metric}{which}[2h] offset -1h)"


def _count(metric: Recorded, which: str, offset: str = "") -> str:
    # By what tells promises apart: one that got another owner is one.
    return f"sum by({COUNTED}) (count_over_time({metric}{which}[5m]{offset}))"
