"""What averages move between buckets while these are read one after the other: so nothing counts twice (ADR 13)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from frostline.controller.account import Account, Ended
from frostline.core.ledger import FINE_S, Gap, open_bucket
from frostline.core.recorded import MOVED_S


def moved_in(at: int) -> Gap:
    """Return the buckets of which it is known, or asked, what was moved from them or to them."""
    return Gap(open_bucket(at) - MOVED_S, open_bucket(at) - FINE_S, FINE_S)


def ended_before(account: Account, at: int) -> Ended:
    """Return the bad events of the buckets that closed last when they ended; where nobody saw that, as known so far."""
    recent, known = moved_in(at), dict(account.ended)
    return tuple(
        (end, known.get(end, bad))
        for end, bad in zip(recent.ends, account.ledger.bad_in(recent), strict=True)
        if bad is not None
    )


def shift(account: Account, at: int, gap: Gap, before: Ended, averages_after_s: int) -> None:
    """Find out what averages moved from closed buckets to neighbours that are not read again yet, or the other way.

    The buckets of `gap` were read just now: as averages, where they ended `averages_after_s` ago; `before` is what they
    and their neighbours were when they ended. What crossed the edge from which on it is summed up is not known: it is
    the edge with least around it. So what was wrong when a bucket ended, as rules were late, is forgotten with it.
    """
    recent = moved_in(at)
    read = list(zip(recent.ends, account.ledger.bad_in(recent), strict=True))
    just_ended = tuple(
        (end, bad) for end, bad in read if bad is not None and end in gap.ends and at < end + averages_after_s
    )
    account.ended = _kept(before, just_ended, recent.start)
    # Nearly all of a large fleet have none.
    busy = any(bad for _, bad in read) or any(bad for _, bad in account.ended)
    account.shifted = _moved(dict(account.ended), read) if busy else 0.0


@lru_cache(maxsize=64)
def _kept(before: Ended, just_ended: Ended, since: int) -> Ended:
    """Return what is known after `since`: the same object for all of whom the same is known."""
    known = dict(before) | dict(just_ended)
    return tuple((end, known[end]) for end in sorted(known) if end > since)


def _moved(ended: Mapping[int, float], read: Sequence[tuple[int, float | None]]) -> float:
    """Return what left the newest buckets, given their events by their ends: as they ended, and as read last."""
    buckets: list[tuple[float, float]] = []
    for end, bad in read:
        buckets = [*buckets, (ended[end], bad)] if bad is not None and end in ended else []
    edges = range(len(buckets) - 1, 0, -1)
    quietest = min(edges, key=lambda edge: sum(map(sum, buckets[edge - 1 : edge + 1])), default=len(buckets))
    return sum(was - is_now for was, is_now in buckets[quietest:])
