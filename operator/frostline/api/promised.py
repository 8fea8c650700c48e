"""From a manifest to what the rules of the core look at."""

from datetime import timedelta
from typing import Final

from frostline.api.objective import Freshness, Indicator, Latency, ObjectiveSpec, Query, Ratio, TimeShare
from frostline.core.category import Category
from frostline.core.durations import parse_duration
from frostline.core.lint import Fields, Promise
from frostline.core.objective import Objective
from frostline.core.rules import Alerting

_HERE: Final = "spec.indicator"
_MILLISECOND: Final = timedelta(milliseconds=1)


def promise(spec: ObjectiveSpec, objective: Objective) -> Promise:
    """Return what a manifest, which `objective` was made of, promises and by whom."""
    return Promise(
        objective=objective,
        fields=fields(spec.indicator),
        threshold_ms=_threshold_ms(spec.indicator),
        category=_category(spec.indicator),
        owner=spec.owner,
        rationale=spec.rationale,
        tier=spec.tier,
        protects=bool(spec.protects),
        reviewed=spec.review is not None and spec.review.last is not None,
        alerting=(spec.alerting and spec.alerting.profile) or Alerting.BURN,
    )


def fields(spec: Indicator) -> Fields:
    """Return where the parts of an indicator stand in the manifest."""
    match _kind(spec):
        case Ratio(bad=bad):
            return Fields(f"{_HERE}.ratio.{'good' if bad is None else 'bad'}", f"{_HERE}.ratio.valid")
        case Latency():
            histogram = f"{_HERE}.latency.histogram"
            return Fields(histogram, histogram, f"{_HERE}.latency.threshold")
        case TimeShare(quantile=quantile):
            source = f"{_HERE}.threshold.{'gauge' if quantile is None else 'quantile.histogram'}"
            return Fields(source, source, f"{_HERE}.threshold.bound")
        case Freshness(histogram=histogram, age=age):
            name = "histogram" if histogram is not None else "timestamp" if age is None else "age"
            return Fields(f"{_HERE}.freshness.{name}", f"{_HERE}.freshness.{name}", f"{_HERE}.freshness.within")
        case Query():
            return Fields(f"{_HERE}.query.bad", f"{_HERE}.query.valid")
        case None:
            return Fields(_HERE, _HERE)


def _kind(spec: Indicator) -> Ratio | Latency | TimeShare | Freshness | Query | None:
    return spec.ratio or spec.latency or spec.threshold or spec.freshness or spec.query


def _threshold_ms(spec: Indicator) -> int | None:
    text = spec.latency.threshold if spec.latency else spec.freshness.within if spec.freshness else None
    return None if text is None else parse_duration(text) // _MILLISECOND


def _category(spec: Indicator) -> Category | None:
    if spec.category is not None:
        return spec.category
    return Category.LATENCY if spec.latency else Category.FRESHNESS if spec.freshness else None
