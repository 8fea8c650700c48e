"""One source in its own thread: a round of questions at a time, which nobody has to wait for."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import Final, Protocol

from frostline.controller.account import Account, Key
from frostline.controller.measure import fill_gaps, read_again, read_now, read_sums
from frostline.controller.patching import look, mend
from frostline.controller.timing import Timing
from frostline.core.assess import Answer, Fresh
from frostline.core.outcome import Failed, Failure, Partial
from frostline.core.selector import Selector
from frostline.prometheus.source import Source

_SUMS_S: Final = 2.0
"""For how long a cycle goes on with first figures from sums; what is left is read between cycles."""

_PATCHES_S: Final = 1.0
"""The same of reading again what rules saw in part only."""


class Clock(Protocol):
    """The time of a source."""

    def now(self) -> float | Partial | Failed:
        """Return epoch seconds, or why they are not to be had."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a source said in one round.

    Attributes:
        at: the moment that was asked for, in its own epoch seconds.
        asked: the accounts that were asked for.
        answers: one for each of them.
        seconds: how long it took.
        trouble: why its time is not to be had, in place of `at`.
    """

    at: int | None
    asked: Mapping[Key, Account]
    answers: Mapping[Key, Answer]
    seconds: float
    trouble: Partial | Failed | None = None


@dataclass(slots=True)
class Lane:
    """A source, its clock, and the thread in which it is asked: only that thread touches accounts meanwhile.

    Attributes:
        name: of the source, for people.
        late: whether the last round took longer than one waits for it: nobody waits for the next one.
        last: the newest round that was taken up.
    """

    name: str
    source: Source
    clock: Clock
    timing: Timing
    begin_round: Callable[[], None] = lambda: None
    late: bool = False
    last: Round | None = None
    _thread: ThreadPoolExecutor = field(init=False)
    _round: Future[Round] | None = field(default=None, init=False)
    _other: Future[tuple[str, ...] | Partial | Failed] | Future[bool] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, f"source-{self.name}")

    @property
    def waits(self) -> tuple[Future[Round], ...]:
        """What to wait for before the round can be taken up."""
        return () if self._round is None else (self._round,)

    @property
    def busy(self) -> bool:
        """Whether its accounts may be changing now."""
        return any(each is not None and not each.done() for each in (self._round, self._other))

    def begin(self, accounts: Mapping[Key, Account]) -> None:
        """Begin a round, unless one is under way or waits to be taken up."""
        if self._round is None and not self.busy:
            self._round = self._thread.submit(self._ask, dict(accounts))

    def take(self, patience_s: float) -> Round | None:
        """Return the round that is over, None while there is none; one of more than `patience_s` is late."""
        if self._round is None or not self._round.done():
            self.late = True
            return None
        self.last, self._round = self._round.result(), None
        # Judged by its length: one that hangs would otherwise be waited for every other time.
        self.late = self.last.seconds > patience_s
        return self.last

    def boundaries(self, selector: Selector, at: int, patience_s: float) -> tuple[str, ...] | Partial | Failed:
        """Return the bounds of a histogram at `at`, or that they were not there in time."""
        busy = Failed(Failure.NOT_ASKED, f"{self.name} is busy")
        if self.busy:
            return busy
        asked = self._thread.submit(self.source.boundaries, selector, at)
        self._other = asked
        try:
            return asked.result(patience_s)
        except NotYet:
            return busy

    def fill(self, accounts: Mapping[Key, Account], until: Callable[[], bool]) -> "Future[bool] | None":
        """Begin to read buckets that are not known yet; the result says whether none is left. None while busy."""
        if self.busy or self._round is not None:
            return None
        filling = self._thread.submit(self._fill, dict(accounts), until)
        self._other = filling
        return filling

    def end(self) -> None:
        """Take no more work; what is under way ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _ask(self, accounts: Mapping[Key, Account]) -> Round:
        begun = time.monotonic()
        self.begin_round()
        now = self.clock.now()
        if isinstance(now, Partial | Failed):
            return Round(None, accounts, dict.fromkeys(accounts, now), time.monotonic() - begun, now)
        at = self.timing.evaluation_time(now)
        answers = read_now(self.source, accounts, at)
        read_again(self.source, accounts, at)
        look(self.source, accounts, at)
        stop = time.monotonic() + _PATCHES_S
        mend(self.source, accounts, at, until=lambda: time.monotonic() > stop)
        # A first figure from sums is for what is alive and unambiguous only.
        alive = {key for key, answer in answers.items() if isinstance(answer, Fresh) and answer.newest is not None}
        deadline = time.monotonic() + _SUMS_S
        read_sums(self.source, {key: accounts[key] for key in alive}, at, until=lambda: time.monotonic() > deadline)
        return Round(at, accounts, answers, time.monotonic() - begun)

    def _fill(self, accounts: Mapping[Key, Account], until: Callable[[], bool]) -> bool:
        self.begin_round()
        now = self.clock.now()
        if isinstance(now, Partial | Failed):
            return False
        at = self.timing.evaluation_time(now)
        # Right budgets first: by sums of what is alive, then by the buckets of what cannot be summed up.
        alive = {key: account for key, account in accounts.items() if account.series}
        read_sums(self.source, alive, at, until=until)
        blank = {key: account for key, account in accounts.items() if not account.has_figure}
        fill_gaps(self.source, blank, at, until=until)
        return fill_gaps(self.source, accounts, at, until=until)
