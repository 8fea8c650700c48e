"""Gathering: questions to the source, answers into the ledgers. Blocking; runs in a thread."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from frostline.controller.account import SPAN_POINTS, Account, Key
from frostline.controller.moved import ended_before, moved_in, shift
from frostline.core.assess import STALE_AFTER_S, Answer, Assessment, Fresh, believable, figure_from_sums
from frostline.core.indicator import counted, described
from frostline.core.ledger import FINE_HORIZON_S, FINE_S, Entry, Gap, entry, open_bucket
from frostline.core.outcome import Failed, Failure, Partial, Rehydrating, SeriesLost, SeveralSeries
from frostline.core.promql import wants_one_series
from frostline.core.recorded import AFTER_S, MOVED_S
from frostline.core.shelf import State
from frostline.core.window import bounds
from frostline.prometheus.source import Counted, Latest, Missing, Points, Source

LATE_S: Final = 600
"""For how long after it closed a bucket is asked for again: late data."""

_AGAIN_S: Final = 120
"""How often it is asked for again."""

_LOST_SHARE: Final = 0.2
"""Share of the series that may go between two cycles before the answer is taken for incomplete."""

_DIVISIBLE: Final = frozenset({Failure.TOO_MUCH, Failure.TIMEOUT, Failure.NOT_A_NUMBER})
"""Failures that fewer buckets at once may not have."""

_LEFT_TO_GAPS: Final = frozenset({Failure.NOT_A_NUMBER, Failure.NOT_RECORDED})
"""Failures of buckets that just closed which say nothing of now: a broken sample that is past, rules that were not
there yet. What can be had of these buckets is read with the gaps."""

Accounts = Mapping[Key, Account]


class _Closed(NamedTuple):
    """What was said of the buckets that closed last; `unmoved` at a start, where averages are read."""

    gap: Gap
    answer: Counted | Missing
    unmoved: Points | None


def read_now(source: Source, accounts: Accounts, at: int) -> dict[Key, Answer]:
    """Ask for the open bucket, the ones that closed just now and the newest samples; record what was answered."""
    if not accounts:
        return {}
    objectives = {key: account.objective for key, account in accounts.items()}
    latest = source.latest(objectives, at, at - open_bucket(at))
    just: dict[Key, _Closed] = {}
    for gap, keys in _due_in(source, accounts, at, latest).items():
        due = {key: objectives[key] for key in keys}
        closed = source.recent(due, gap)
        blank = {key: each for key, each in due.items() if accounts[key].read_at < open_bucket(at) - LATE_S}
        unmoved = source.unmoved(blank, moved_in(at)) if blank else {}
        just |= {key: _Closed(gap, closed[key], unmoved.get(key)) for key in keys}
    averages = source.averages_after_s
    return {
        key: _take(account, at, latest[key], just=just.get(key), averages_after_s=averages)
        for key, account in accounts.items()
    }


def _due_in(
    source: Source, accounts: Accounts, at: int, latest: Mapping[Key, Latest | Missing]
) -> dict[Gap, list[Key]]:
    """Return which of the buckets that closed last to read, and of whom."""
    opened, settled_after_s = open_bucket(at), source.settled_after_s
    newest = Gap(opened - FINE_S, opened - FINE_S, FINE_S)
    late, first = (replace(newest, start=opened - length_s) for length_s in (LATE_S, MOVED_S))
    due: dict[Gap, list[Key]] = defaultdict(list)
    for key, account in accounts.items():
        if not (_has_closed(account, at) or at - account.closed_at >= _AGAIN_S):
            continue
        if settled_after_s is None:
            due[late].append(key)
        elif account.closed_at < late.start:
            due[first].append(key)
        elif account.read_at < newest.start + settled_after_s:
            due[late].append(key)
        elif at < opened + settled_after_s:
            if not _tells(latest[key], opened):
                due[newest].append(key)
        elif account.read_at < opened + settled_after_s:
            due[newest].append(key)
    return due


def _has_closed(account: Account, at: int) -> bool:
    """Return whether another bucket has closed since the last look, or the last look was too early."""
    closed = open_bucket(at)
    # Short cycles look before rules have recorded what happened at the end of it.
    return account.closed_at < closed or account.closed_at < closed + AFTER_S <= at


def _tells(latest: Latest | Missing, end: int) -> bool:
    return isinstance(latest, Latest) and end in latest.counted.valid


def _take(
    account: Account,
    at: int,
    latest: Latest | Missing,
    *,
    just: _Closed | None,
    averages_after_s: int | None,
) -> Answer:
    """Record the answers of one cycle, if they are whole; `just` is None where it was not asked for."""
    if isinstance(latest, Partial | Failed):
        return latest
    there, now = latest.presence, latest.counted
    closed = None if just is None else just.answer
    if isinstance(closed, Partial) or (isinstance(closed, Failed) and closed.failure not in _LEFT_TO_GAPS):
        return closed
    if there.series > 1 and wants_one_series(account.objective.indicator):
        return SeveralSeries(there.series)
    if there.series > 0 and there.newest is None:
        return Failed(Failure.NOT_A_NUMBER, f"{described(account.objective.indicator)} is NaN or infinite")
    if 0 < there.series < _enough(account.series) and at - account.series_at < STALE_AFTER_S:
        return SeriesLost(account.series, there.series)
    _count_series(account, at, there.series)
    opened = open_bucket(at)
    if just is None and opened in now.valid and _has_closed(account, at):
        just = _Closed(Gap(opened - FINE_S, opened - FINE_S, FINE_S), now, None)
    elif isinstance(closed, Counted):
        account.read_at = at
    if just is not None:
        if isinstance(just.answer, Counted):
            before = ended_before(account, at) if just.unmoved is None else tuple(just.unmoved.items())
            record(account, just.gap, just.answer)
            if averages_after_s is not None:
                shift(account, at, just.gap, before, averages_after_s)
        # A start that could not read so much reads less at once.
        less = isinstance(just.answer, Failed) and just.gap.start < opened - LATE_S
        account.closed_at = opened - LATE_S if less else at
    kind = counted(account.objective.indicator)
    of_now = entry(kind, opened, at - opened, now.numerator.get(at), now.valid.get(at))
    account.ledger.record_open(of_now._replace(bad=of_now.bad + account.shifted))
    return Fresh(there.newest)


def _enough(series: int) -> float:
    return series * (1 - _LOST_SHARE)


def _count_series(account: Account, at: int, series: int) -> None:
    """Remember how many series there are, and since when to read again once lost ones are back."""
    if series < _enough(account.series) and account.lost is None:
        account.lost = (account.series, account.series_at)
    if account.lost is not None and series >= _enough(account.lost[0]):
        account.read_again = account.lost[1] - LATE_S
        account.lost = None
    if series:
        account.series, account.series_at = series, at


def read_again(source: Source, accounts: Accounts, at: int) -> None:
    """Read what was read while series were missing, now that they are back: perhaps only the answers had lost them."""
    opened = open_bucket(at)
    for key, account in accounts.items():
        since = account.read_again
        if since is None:
            continue
        first = max(since - since % FINE_S, opened - FINE_HORIZON_S)
        gap = Gap(first, opened - FINE_S, FINE_S)
        answer = source.closed({key: account.objective}, gap)[key]
        if isinstance(answer, Counted):
            record(account, gap, answer)
            account.ledger.forget(since, first)
            account.read_again = None


def read_sums(source: Source, accounts: Accounts, at: int, *, until: Callable[[], bool]) -> None:
    """Give every account that has no figure yet one from the sums over its whole window, if it can be had.

    A handful after the other, until done or `until` says stop.
    """
    for window_s, group in _unsummed(accounts, at).items():
        for some in handfuls(group, source.handful):
            if until():
                return
            _sum(source, some, at, window_s)


def _unsummed(accounts: Accounts, at: int) -> dict[int, dict[Key, Account]]:
    by_window: dict[int, dict[Key, Account]] = defaultdict(dict)
    for key, account in accounts.items():
        if not (account.summed or account.has_figure):
            by_window[at - bounds(account.objective.window, at)[0]][key] = account
    return by_window


def _sum(source: Source, accounts: Accounts, at: int, window_s: int) -> None:
    objectives = {key: account.objective for key, account in accounts.items()}
    for key, sums in source.window(objectives, at, window_s).items():
        account = accounts[key]
        if isinstance(sums, Partial | Failed):
            continue
        account.summed = True
        kind = counted(account.objective.indicator)
        whole = entry(kind, at - window_s, window_s, sums.numerator.get(at), sums.valid.get(at))
        if whole.valid > 0 and believable(account.objective, whole):
            figure = figure_from_sums(account.objective, at, whole.bad, whole.valid)
            account.assessment = Assessment(Rehydrating(0.0), figure, None)


def fill_gaps(source: Source, accounts: Accounts, at: int, *, until: Callable[[], bool]) -> bool:
    """Read unknown closed buckets, newest first and many accounts at once, until done or `until` says stop.

    Returns whether nothing is left to read.
    """
    while not until():
        wanted = _newest_gaps(accounts, at)
        if not wanted:
            return True
        progress = False
        for gap, group in wanted.items():
            for some in handfuls(group, source.handful):
                if until():
                    return False
                objectives = {key: account.objective for key, account in some.items()}
                for key, answer in source.closed(objectives, gap).items():
                    progress = _settle(some[key], gap, answer) or progress
        if not progress:
            return False
    return False


def handfuls(accounts: Accounts, size: int) -> Iterator[dict[Key, Account]]:
    """Yield as many accounts at once as one query holds, so that a cycle need not wait long for its turn."""
    members = list(accounts.items())
    for first in range(0, len(members), size):
        yield dict(members[first : first + size])


def _newest_gaps(accounts: Accounts, at: int) -> dict[Gap, dict[Key, Account]]:
    wanted: dict[Gap, dict[Key, Account]] = defaultdict(dict)
    for key, account in accounts.items():
        gap = next(_pieces(account, at), None)
        if gap is not None:
            wanted[gap][key] = account
    return wanted


def _pieces(account: Account, at: int) -> Iterator[Gap]:
    for gap in account.ledger.gaps(at):
        last = gap.last
        while last >= gap.start:
            start = max(gap.start, last - (account.span - 1) * gap.width_s)
            yield Gap(start, last, gap.width_s)
            last = start - gap.width_s


def _settle(account: Account, gap: Gap, answer: Counted | Missing) -> bool:
    """Record an answer; True when the next question will be another one."""
    if isinstance(answer, Counted):
        record(account, gap, answer)
        account.span = min(account.span * 2, SPAN_POINTS)
        return True
    if not isinstance(answer, Failed) or answer.failure not in _DIVISIBLE:
        return False
    if account.span > 1:
        account.span //= 2
        return answer.failure is not Failure.TIMEOUT
    if answer.failure is not Failure.NOT_A_NUMBER:
        return False
    # One broken sample must not hide a whole month: the bucket counts as one without data.
    account.ledger.record(Entry(gap.start, gap.width_s, State.ABSENT))
    return True


def record(account: Account, gap: Gap, answer: Counted) -> None:
    """Store what was answered of the buckets of a gap."""
    account.ledger.record_gap(counted(account.objective.indicator), gap, answer.numerator, answer.valid)
