"""Gathering: questions to the source, answers into the ledgers. Blocking; runs in a thread."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from frostline.controller.account import SPAN_POINTS, Account, Key
from frostline.core.assess import Answer, Assessment, Fresh, figure_from_sums
from frostline.core.ledger import FINE_S, Gap, entry, open_bucket
from frostline.core.outcome import Failed, Failure, Partial, Rehydrating
from frostline.prometheus.direct import Counted, DirectSource, Missing

LATE_S: Final = 600
"""For how long after it closed a bucket is asked for again: late data."""

_TOO_LARGE: Final = frozenset({Failure.TOO_MUCH, Failure.TIMEOUT})

Accounts = Mapping[Key, Account]


def read_now(source: DirectSource, accounts: Accounts, at: int) -> dict[Key, Answer]:
    """Ask for the open bucket, the ones that closed just now and the newest samples; record what was answered."""
    if not accounts:
        return {}
    indicators = {key: account.objective.indicator for key, account in accounts.items()}
    opened = open_bucket(at)
    recent = Gap(opened - LATE_S, opened - FINE_S, FINE_S)
    newest = source.newest(indicators, at)
    current = source.open(indicators, at, at - opened)
    closed = source.closed(indicators, recent)
    answers: dict[Key, Answer] = {}
    for key, account in accounts.items():
        now, just, latest = current[key], closed[key], newest[key]
        missing = next((each for each in (now, just, latest) if isinstance(each, Partial | Failed)), None)
        if missing is not None:
            answers[key] = missing
        elif isinstance(now, Counted) and isinstance(just, Counted) and not isinstance(latest, Partial | Failed):
            _record(account, recent, just)
            account.ledger.record_open(
                entry(
                    account.objective.indicator.counted,
                    opened,
                    at - opened,
                    now.numerator.get(at),
                    now.valid.get(at),
                )
            )
            answers[key] = Fresh(latest)
    return answers


def read_sums(source: DirectSource, accounts: Accounts, at: int) -> None:
    """Give every account that has no figure yet one from the sums over its whole window, if it can be had."""
    by_window: dict[int, dict[Key, Account]] = defaultdict(dict)
    for key, account in accounts.items():
        if not account.summed and (account.assessment is None or account.assessment.figure is None):
            by_window[account.objective.window_s][key] = account
    for window_s, group in by_window.items():
        indicators = {key: account.objective.indicator for key, account in group.items()}
        for key, sums in source.window(indicators, at, window_s).items():
            account = group[key]
            if isinstance(sums, Partial | Failed):
                continue
            account.summed = True
            whole = entry(
                account.objective.indicator.counted,
                at - window_s,
                window_s,
                sums.numerator.get(at),
                sums.valid.get(at),
            )
            if whole.valid > 0:
                figure = figure_from_sums(account.objective, at, whole.bad, whole.valid)
                account.assessment = Assessment(Rehydrating(0.0), figure, None)


def fill_gaps(source: DirectSource, accounts: Accounts, at: int, *, until: Callable[[], bool]) -> bool:
    """Read unknown closed buckets, newest first and many accounts at once, until done or `until` says stop.

    Returns whether nothing is left to read.
    """
    while not until():
        wanted = _newest_gaps(accounts, at)
        if not wanted:
            return True
        progress = False
        for gap, group in wanted.items():
            if until():
                return False
            indicators = {key: account.objective.indicator for key, account in group.items()}
            for key, counted in source.closed(indicators, gap).items():
                progress = _settle(group[key], gap, counted) or progress
        if not progress:
            return False
    return False


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


def _settle(account: Account, gap: Gap, counted: Counted | Missing) -> bool:
    """Record an answer; True when the next question will be another one."""
    if isinstance(counted, Counted):
        _record(account, gap, counted)
        account.span = SPAN_POINTS
        return True
    if isinstance(counted, Failed) and counted.failure in _TOO_LARGE and account.span > 1:
        account.span //= 2
        return counted.failure is Failure.TOO_MUCH
    return False


def _record(account: Account, gap: Gap, counted: Counted) -> None:
    kind = account.objective.indicator.counted
    for start in range(gap.start, gap.last + 1, gap.width_s):
        end = start + gap.width_s
        account.ledger.record(entry(kind, start, gap.width_s, counted.numerator.get(end), counted.valid.get(end)))
