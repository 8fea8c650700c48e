"""Patching: what rules saw in part only is read again, from counters, once all around it is known (ADR 14)."""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from frostline.controller.account import Account, Key, Patch
from frostline.controller.measure import Accounts, handfuls, record
from frostline.core.ledger import FINE_HORIZON_S, FINE_S, Gap, open_bucket
from frostline.core.outcome import Failed, Partial
from frostline.core.recorded import MOVED_S, SEEN_S
from frostline.prometheus.source import Counted, Source

_AROUND_S: Final = 3_600
"""How much before a bucket is read again with it: what happened may have been moved between it and others."""

_AFTER_S: Final = MOVED_S + 4 * FINE_S
"""How long after its end it is: three buckets on, which nothing is moved to or from any more."""

_PUT_OFF_S: Final = 3_600
"""For how long what goes on missing puts it off."""

_AT_ONCE: Final = 16
"""Accounts of one question. Each may have buckets of its own to be read, and a cycle waits for all of them."""

_AGAIN_S: Final = 300
"""How long to wait where that could not be read."""

_GIVE_UP_S: Final = 6 * 3_600


def look(source: Source, accounts: Accounts, at: int) -> None:
    """Find out which buckets rules saw in part only, once after each that closed; of it the next one tells."""
    opened = open_bucket(at)
    if source.settled_after_s is None or at < opened + source.settled_after_s + SEEN_S:
        return
    newest = opened - FINE_S
    due: dict[Gap, dict[Key, Account]] = defaultdict(dict)
    for key, account in accounts.items():
        if not account.looked_at:
            # What is older is read so in the first place.
            account.looked_at = newest - MOVED_S
        elif account.looked_at < newest:
            first = max(account.looked_at, opened - FINE_HORIZON_S)
            due[Gap(first, newest - FINE_S, FINE_S)][key] = account
    for gap, group in due.items():
        found = source.patchy({key: account.objective for key, account in group.items()}, gap)
        if isinstance(found, Partial | Failed):
            continue
        for key, account in group.items():
            account.looked_at = newest
            if key in found:
                ends = {*found[key].scrapes, *found[key].evaluations}
                account.patch = _patch(account.patch, min(ends), max(ends))


def _patch(before: Patch | None, first: int, last: int) -> Patch:
    if before is None:
        return Patch(first, last, last + _AFTER_S)
    first = min(first, before.first)
    # Where something is missing all the time it would never come to be.
    return Patch(first, last, max(before.due, min(last + _AFTER_S, first + _AFTER_S + _PUT_OFF_S)))


def mend(source: Source, accounts: Accounts, at: int, *, until: Callable[[], bool]) -> None:
    """Read again what is due, some accounts after the other, until done or `until` says stop."""
    opened = open_bucket(at)
    due: dict[Gap, dict[Key, Account]] = defaultdict(dict)
    for key, account in accounts.items():
        if account.patch is not None and account.patch.due <= at:
            first = max(account.patch.first - FINE_S - _AROUND_S, opened - FINE_HORIZON_S)
            due[Gap(first, opened - MOVED_S - FINE_S, FINE_S)][key] = account
    for gap, group in due.items():
        for some in handfuls(group, _AT_ONCE):
            if until():
                return
            objectives = {key: account.objective for key, account in some.items()}
            for key, answer in source.closed(objectives, gap).items():
                account = some[key]
                if isinstance(answer, Counted):
                    record(account, gap, answer)
                if account.patch is not None:
                    account.patch = _left(account.patch, gap, at, read=isinstance(answer, Counted))


def _left(patch: Patch, gap: Gap, at: int, *, read: bool) -> Patch | None:
    """Return what is left to read again after buckets of `gap` were, or could not be, `read`."""
    if not read:
        return patch._replace(due=at + _AGAIN_S) if at < patch.last + _GIVE_UP_S else None
    return None if patch.last + _AFTER_S <= at else Patch(gap.ends[-1], patch.last, patch.last + _AFTER_S)
