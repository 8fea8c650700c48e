"""Which source an objective is measured by, and the lanes of all of them, made anew as credentials change."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from frostline import names
from frostline.api.accept import Invalid
from frostline.api.sourced import AcceptedSource, accept_source
from frostline.controller.account import Key
from frostline.controller.credentials import Contents, NotUsableError, connection
from frostline.controller.effects import REFUSALS, brief
from frostline.controller.lane import Lane
from frostline.controller.namespaces import SeenNamespace
from frostline.controller.store import Stored
from frostline.core.breaker import State
from frostline.core.outcome import NoSource, Unsourced
from frostline.prometheus.connection import Connection

_LOG = logging.getLogger(__name__)
OWN_NAME: Final = "(flags)"
"""The source that the operator's flags name; no object can be called so."""
_READ_AGAIN_S: Final = 20.0
_PATIENCE_S: Final = 5.0
"""For all Secrets together: a slow API server delays no measurement longer."""


class Client(Protocol):
    """What is known of the client of a lane."""

    @property
    def state(self) -> State:
        """The state of its breaker."""

    @property
    def version(self) -> str | None:
        """What it says that it is, where it does."""

    def close(self) -> None:
        """Close its connections."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A lane and the client in it."""

    lane: Lane
    client: Client

    def end(self) -> None:
        """Ask nothing more."""
        self.lane.end()
        self.client.close()


Build = Callable[[str, AcceptedSource, Connection], Asked]
"""Makes the lane of a source by its name.

Raises:
    ValueError: it cannot be measured by in this way; the message begins with the field.
"""


@dataclass(slots=True)
class Known:
    """One PrometheusSource.

    Attributes:
        judged: what its manifest says, or what is wrong with it.
        trouble: why its credentials cannot be used.
        asked: the lane, while there is one.
        origin: tells the data apart that two states of a source give: address, tenant, way of counting.
    """

    stored: Stored
    judged: AcceptedSource | Invalid
    trouble: str | None = None
    asked: Asked | None = None
    origin: str = ""
    made_of: tuple[AcceptedSource, Connection] | None = None
    read_at: float | None = None

    @property
    def problem(self) -> str | None:
        """Why it cannot be used; None when it can."""
        if isinstance(self.judged, Invalid):
            return "; ".join(self.judged.problems)
        return self.trouble


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lane that an objective is measured in, and the origin of its data."""

    name: str
    lane: Lane
    origin: str


class Sources:
    """All sources of one operator. Only `look` changes them; it never overlaps with itself."""

    def __init__(
        self,
        own: Asked | None,
        build: Build,
        contents: Contents | None,
        *,
        dropped: Callable[[str], None] = lambda _name: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._build = build
        self._contents = contents
        self._dropped = dropped
        self._clock = clock
        self.known: dict[str, Known] = {}

    def lanes(self) -> list[Lane]:
        """Return every lane there is."""
        return [each.lane for each in self.asked().values()]

    def asked(self) -> dict[str, Asked]:
        """Return the lanes and clients there are by the name of their source."""
        own = {} if self._own is None else {OWN_NAME: self._own}
        return own | {name: each.asked for name, each in self.known.items() if each.asked is not None}

    def end(self) -> None:
        """Ask nothing more of anybody."""
        for each in self.asked().values():
            each.end()

    async def look(self, stored: Mapping[Key, Stored]) -> None:
        """Take in what sources there are, and read the Secrets of those whose time it is."""
        there = {key.name: each for key, each in stored.items()}
        for gone in self.known.keys() - there.keys():
            self._end(self.known.pop(gone))
            self._dropped(gone)
        for name, each in there.items():
            old = self.known.get(name)
            if old is None or old.stored.uid != each.uid or old.stored.generation != each.generation:
                kept = Known(each, accept_source(each.spec))
                if old is not None:
                    kept.asked, kept.origin, kept.made_of = old.asked, old.origin, old.made_of
                self.known[name] = kept
            else:
                old.stored = each
        due = [each for each in self.known.values() if self._is_due(each)]
        await asyncio.gather(*(self._connect(each) for each in due))

    def choose(self, reference: str | None, namespace: str, seen: SeenNamespace | None) -> Chosen | NoSource:
        """Return where objectives of a namespace are measured that refer to `reference`, or why nowhere."""
        label = None if seen is None else seen.source
        if reference is not None:
            return self._named(reference, f"spec.sourceRef {reference}", namespace, seen)
        if seen is None and self.known:
            return NoSource(Unsourced.NOT_USABLE, f"namespace {namespace} has not been seen yet")
        if label is not None:
            return self._named(label, f"label {names.Label.SOURCE}={label} of namespace {namespace}", namespace, seen)
        if names.DEFAULT_SOURCE in self.known:
            return self._named(names.DEFAULT_SOURCE, "no source is named", namespace, seen)
        if self._own is not None:
            return Chosen(OWN_NAME, self._own.lane, OWN_NAME)
        return NoSource(
            Unsourced.NOT_FOUND,
            "no source is named: set spec.sourceRef or the namespace's label"
            f" {names.Label.SOURCE}, or have a PrometheusSource called {names.DEFAULT_SOURCE}"
            f" (there is {self._there(namespace, seen)})",
        )

    def _named(self, name: str, by: str, namespace: str, seen: SeenNamespace | None) -> Chosen | NoSource:
        known = self.known.get(name)
        if known is None:
            return NoSource(
                Unsourced.NOT_FOUND,
                f"{by}: there is no PrometheusSource {name}: create it or name another"
                f" (there is {self._there(namespace, seen)})",
            )
        allowed = isinstance(known.judged, AcceptedSource) and _is_for(known.judged, namespace, seen)
        if isinstance(known.judged, AcceptedSource) and not allowed:
            return NoSource(
                Unsourced.NOT_ALLOWED,
                f"{by}: PrometheusSource {name} is not for namespace {namespace}: have it added to the source's"
                " spec.namespaces or name another",
            )
        if known.asked is None or known.problem is not None:
            why = known.problem or "it is not connected yet"
            return NoSource(Unsourced.NOT_USABLE, f"{by}: PrometheusSource {name} cannot be used: {why}")
        return Chosen(name, known.asked.lane, known.origin)

    def _there(self, namespace: str, seen: SeenNamespace | None) -> str:
        """Return the names of the sources that a namespace may use."""
        usable = (
            name
            for name, each in self.known.items()
            if isinstance(each.judged, AcceptedSource) and _is_for(each.judged, namespace, seen)
        )
        return ", ".join(sorted(usable)) or "none for this namespace"

    def _is_due(self, known: Known) -> bool:
        return known.read_at is None or self._clock() - known.read_at >= _READ_AGAIN_S

    async def _connect(self, known: Known) -> None:
        name = known.stored.key.name
        known.read_at = self._clock()
        if isinstance(known.judged, Invalid) or self._contents is None:
            self._end(known)
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await connection(known.judged.spec, self._contents)
            if known.made_of != (known.judged, found):
                asked = self._build(name, known.judged, found)
                self._end(known)
                known.asked, known.made_of, known.origin = asked, (known.judged, found), _origin(name, known.judged)
                _LOG.info("PrometheusSource %s is asked at %s", name, known.judged.spec.url)
            known.trouble = None
        except (NotUsableError, ValueError) as error:
            self._end(known)
            self._complain(known, str(error))
        except REFUSALS as error:
            # What was read before is as good as it was, if it is of this manifest.
            if known.made_of is None or known.made_of[0] != known.judged:
                self._end(known)
                self._complain(known, f"its Secrets cannot be read: {brief(error)}")
            else:
                _LOG.warning("Secrets of PrometheusSource %s cannot be read again: %s", name, brief(error))

    def _complain(self, known: Known, trouble: str) -> None:
        if trouble != known.trouble:
            _LOG.warning("PrometheusSource %s cannot be used: %s", known.stored.key.name, trouble)
        known.trouble = trouble

    def _end(self, known: Known) -> None:
        if known.asked is not None:
            known.asked.end()
        known.asked = known.made_of = None


def meant(reference: str | None, seen: SeenNamespace | None) -> str | None:
    """Return the name of the source that objectives of a namespace are for, whether or not there is one.

    That is `default` where neither `reference` nor the namespace's label names one: the PrometheusSource called so or,
    without one, what the flags name. None while the namespace, and so its label, is not known.
    """
    if reference is not None or seen is None:
        return reference
    return names.DEFAULT_SOURCE if seen.source is None else seen.source


def _is_for(judged: AcceptedSource, namespace: str, seen: SeenNamespace | None) -> bool:
    return judged.is_for(namespace, {} if seen is None else seen.labels)


def _origin(name: str, judged: AcceptedSource) -> str:
    """Return what tells the data of a source from those of another; credentials are no part of it."""
    spec = judged.spec
    tenant: Iterable[str] = (f"{each.name}={each.value}" for each in spec.headers if each.value is not None)
    said = "\n".join((name, spec.url, spec.flavor, spec.measuring, *sorted(tenant)))
    return sha256(said.encode()).hexdigest()
