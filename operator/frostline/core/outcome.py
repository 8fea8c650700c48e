"""How a measurement went: a closed union, so that a figure that is missing cannot be mistaken for a number."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Failure(StrEnum):
    """Why a question to Prometheus has no answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    """HTTP 401 or 403."""
    TOO_MUCH = "too much"
    """HTTP 422 or an answer above the size limit: the question must be smaller."""
    BAD_QUERY = "bad query"
    """HTTP 400."""
    SERVER_ERROR = "server error"
    NOT_A_NUMBER = "not a number"
    """A counter is NaN or infinite."""
    NOT_PROMETHEUS = "not Prometheus"
    """The answer is not what the Prometheus API says."""
    NOT_ASKED = "not asked"
    """It failed too often in a row, or used up its time: nothing more is asked for now."""
    NOT_RECORDED = "not recorded"
    """The recording rules of the promise are not evaluated."""
    RECORDED_TWICE = "recorded twice"
    """Two series record the same promise: whichever is read, the other one may be right."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Every bucket of the window is known and there were valid events."""


@dataclass(frozen=True, slots=True)
class NoTraffic:
    """The series exist and are read, but counted no valid event in the window: the SLI is undefined, burn is 0."""


@dataclass(frozen=True, slots=True)
class Rehydrating:
    """Buckets are still being read: the sums may already be shown, levels may not change. `known` is 0 to 1."""

    known: float


@dataclass(frozen=True, slots=True)
class NoData:
    """Prometheus answered, and has nothing to measure. `what` says which series are missing."""

    what: str


@dataclass(frozen=True, slots=True)
class Stale:
    """There was data, the newest at epoch second `newest`."""

    newest: int


@dataclass(frozen=True, slots=True)
class SeveralSeries:
    """One value is meant, and `count` series give one."""

    count: int


@dataclass(frozen=True, slots=True)
class SeriesLost:
    """Of `before` series only `now` are left: an answer that is not whole, until it has stayed so for a while."""

    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Inconsistent:
    """The counts contradict each other. `what` says how."""

    what: str


@dataclass(frozen=True, slots=True)
class Partial:
    """Prometheus answered with warnings: some of the data may be missing."""

    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """Prometheus did not answer. `detail` names what was asked, of whom, and what came back."""

    failure: Failure
    detail: str


class Unsourced(StrEnum):
    """Why there is nobody to ask."""

    NOT_FOUND = "not found"
    NOT_ALLOWED = "not allowed"
    """It is not for this namespace."""
    NOT_USABLE = "not usable"
    """Its manifest or its credentials are not in order."""


@dataclass(frozen=True, slots=True)
class NoSource:
    """There is no source to measure by. `detail` names which was wanted, and what to do."""

    why: Unsourced
    detail: str


Outcome: TypeAlias = (
    Measured
    | NoTraffic
    | Rehydrating
    | NoData
    | Stale
    | SeveralSeries
    | SeriesLost
    | Inconsistent
    | Partial
    | Failed
    | NoSource
)
