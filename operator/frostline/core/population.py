"""Whether the numerator of a ratio counts among the valid events, as far as two selectors tell."""

from enum import IntEnum

from frostline.core.finding import clipped
from frostline.core.indicator import Counted, Counters
from frostline.core.pattern import EVERYTHING, values
from frostline.core.selector import Matcher, Selector

_SUFFIXES = ("_bucket", "_count", "_sum")
_OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_BUCKET_LABEL = "le"


class _Relation(IntEnum):
    INSIDE = 0
    """Also where nothing can be told: silence is better than a wrong alarm."""
    LACKING = 1
    WIDER = 2
    OUTSIDE = 3


def stray(counters: Counters) -> str | None:
    """Return how good or bad events lie outside of the valid ones and what to do; None when they do not, or may not."""
    numerator, valid, name = counters.numerator, counters.valid, counters.counted.value
    if numerator.metric == valid.metric and set(numerator.matchers) == set(valid.matchers):
        always = "100 %" if counters.counted is Counted.GOOD else "0 %"
        return f"selects the same events as valid, the SLI is always {always}; say what makes an event {name}"
    same_metric = _family(numerator) == _family(valid)
    judged = [(_relation(matcher, numerator, same_metric=same_metric), matcher) for matcher in valid.matchers]
    worst = max((relation for relation, _ in judged), default=_Relation.INSIDE)
    if worst is _Relation.INSIDE:
        return None
    wanted = ",".join(str(matcher) for relation, matcher in judged if relation is worst)
    hint = "" if same_metric else f" ({clipped(numerator.metric)} is another metric than {clipped(valid.metric)}, too)"
    if worst is _Relation.LACKING:
        return (
            f"also counts events that valid leaves out: valid wants {clipped(wanted)} and {name} does not;"
            f" add {clipped(wanted)} to {name}{hint}"
        )
    if worst is _Relation.WIDER:
        return (
            f"also counts events that valid leaves out: valid wants {clipped(wanted)};"
            f" narrow {name} to that, or widen valid{hint}"
        )
    return (
        f"counts none of the valid events: valid wants {clipped(wanted)}, which {name} rules out;"
        f" let both select the same population{hint}"
    )


def _family(selector: Selector) -> str:
    """Return the metric, for the parts of a histogram the histogram."""
    for suffix in _SUFFIXES:
        if selector.metric.endswith(suffix):
            return selector.metric.removesuffix(suffix)
    return selector.metric


def _relation(wanted: Matcher, numerator: Selector, *, same_metric: bool) -> _Relation:
    """Compare what `valid` wants of a label with what the numerator says about it."""
    if wanted.label == _BUCKET_LABEL:
        # Buckets are cumulative: le="0.3" lies within le="+Inf".
        return _Relation.INSIDE
    said = [matcher for matcher in numerator.matchers if matcher.label == wanted.label]
    if any((matcher.operator, matcher.value) == (wanted.operator, wanted.value) for matcher in said):
        return _Relation.INSIDE
    if any((_OPPOSITE[matcher.operator], matcher.value) == (wanted.operator, wanted.value) for matcher in said):
        return _Relation.OUTSIDE
    outer = values(wanted)
    if outer is None:
        return _Relation.LACKING if same_metric and not said else _Relation.INSIDE
    if not said:
        # Another metric need not carry the label at all.
        return _Relation.LACKING if same_metric and not EVERYTHING.within(outer) else _Relation.INSIDE
    inner = [values(matcher) for matcher in said]
    known = [each for each in inner if each is not None]
    if any(each.within(outer) for each in known):
        return _Relation.INSIDE
    if any(each.apart_from(outer) for each in known):
        return _Relation.OUTSIDE
    return _Relation.WIDER if len(known) == len(inner) else _Relation.INSIDE
