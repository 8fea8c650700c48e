"""Keeps the rules of all promises where Prometheus finds them, beside the cycles."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from enum import StrEnum
from typing import Final, Protocol

from frostline.api.accept import Accepted
from frostline.api.ruled import ruled
from frostline.controller.account import Key
from frostline.controller.cycle import View
from frostline.controller.effects import REFUSALS, brief
from frostline.core.alerts import Links
from frostline.core.rule_delivery import ForeignError, Plan, plan
from frostline.core.rule_files import Refused, RuleFile, rule_files, text
from frostline.core.rules import Promise
from frostline.names import DEFAULT_SOURCE
from frostline.prometheus.rule_directory import RuleDirectory

_LOG = logging.getLogger(__name__)

LOOK_S: Final = 5.0
"""How often to look whether promises changed: a flock of changes is one."""

AGAIN_S: Final = 60.0
"""How often to look whether what was written is still there."""

RETRY_S: Final = 30.0


class Place(Protocol):
    """Where rule files are put. Digests of content tell files apart."""

    async def found(self) -> Mapping[str, str | None]:
        """Return digests by name, None for files of somebody else."""

    def digest(self, file: RuleFile) -> str:
        """Return the digest that a file will have."""

    async def write(self, file: RuleFile) -> None:
        """Create or replace a file as a whole; ForeignError where it is somebody else's."""

    async def remove(self, name: str) -> None:
        """Remove a file of ours."""


class FolderPlace:
    """A folder of rule files."""

    def __init__(self, directory: RuleDirectory) -> None:
        self._directory = directory

    def __str__(self) -> str:
        return f"folder {self._directory.folder}"

    async def found(self) -> Mapping[str, str | None]:
        """Return digests by name, None for files of somebody else."""
        return await asyncio.to_thread(self._directory.found)

    def digest(self, file: RuleFile) -> str:
        """Return the digest that a file will have."""
        return self._directory.digests({file.name: text([file])})[file.name]

    async def write(self, file: RuleFile) -> None:
        """Create or replace a file as a whole."""
        await asyncio.to_thread(self._directory.write, file.name, text([file]))

    async def remove(self, name: str) -> None:
        """Remove a file."""
        await asyncio.to_thread(self._directory.remove, name)


class Delivered(StrEnum):
    """What came of a write."""

    WRITTEN = "written"
    REMOVED = "removed"
    TAKEN = "taken"
    """The name is somebody else's."""
    REFUSED = "refused"


async def _nobody(_trouble: str | None) -> None:
    """Tell nobody."""


class RuleDelivery:
    """Writes what changed, when it changed; what fails is tried again and said.

    Args:
        place: where rules go.
        links: where alerts lead.
        clock: monotonic seconds.
        delivered: told what came of each write.
        troubled: told after each attempt why rules are not as they shall be, None when they are.
    """

    def __init__(
        self,
        place: Place,
        links: Links | None = None,
        clock: Callable[[], float] = time.monotonic,
        delivered: Callable[[Delivered], None] = lambda _delivered: None,
        troubled: Callable[[str | None], Awaitable[None]] = _nobody,
    ) -> None:
        self._place = place
        self._troubled = troubled
        self._links = links or Links()
        self._clock = clock
        self._delivered = delivered
        self._seen: tuple[View, ...] | None = None
        self._promises: dict[Key, tuple[Accepted, Promise]] = {}
        self._parsed: dict[tuple[str, str], Promise] = {}
        self._unfit: dict[tuple[str, str], Refused] = {}
        self._digests: Mapping[str, str] | None = None
        self._due = 0.0

    async def keep(self, views: Callable[[], tuple[View, ...] | None]) -> None:
        """Run until cancelled; `views` gives what the last cycle saw, None before the first."""
        while True:
            seen = views()
            if seen is not None:
                await self.look(seen)
            await asyncio.sleep(LOOK_S)

    async def look(self, views: tuple[View, ...]) -> None:
        """Write what is due."""
        # What the last cycle saw is the same until the next one.
        if views is not self._seen and self._changed(views):
            self._digests = None
        elif self._clock() < self._due:
            return
        # Whatever fails, and is not foreseen below, must not be tried without a pause.
        self._due = self._clock() + RETRY_S
        try:
            await self._look()
        except ForeignError as error:
            why = f"rules not written: {error}"
        except OSError as error:
            self._delivered(Delivered.REFUSED)
            why = f"rules not written to {self._place}: {error.strerror or error}"
        except REFUSALS as error:
            self._delivered(Delivered.REFUSED)
            why = f"rules not written to {self._place}: {brief(error)}"
        else:
            self._due = self._clock() + AGAIN_S
            await self._troubled("; ".join(map(_without, self._unfit.values())) or None)
            return
        _LOG.warning("%s; trying again", why)
        await self._troubled(why)

    async def _look(self) -> None:
        """Compare what is there with what shall be, and write the difference.

        Raises:
            ForeignError: a name is taken; all else was written.
        """
        # The rules of ten thousand promises are large: what they digest to is kept, not what they are. To parse them
        # takes ten seconds, and after a restart all of them are there already: only what is written is parsed.
        files: Mapping[str, RuleFile] = {}
        if self._digests is None:
            files = await asyncio.to_thread(self._render, self._promises.keys())
            self._digests = await asyncio.to_thread(self._digested, files)
        there = await self._place.found()
        todo = plan(self._digests, there)
        if todo.writes:
            files = files or await asyncio.to_thread(self._render, self._promises.keys())
            new = {key for name in todo.writes for key in files[name].promises}
            files = await asyncio.to_thread(self._render, self._promises.keys() - new)
            self._digests = await asyncio.to_thread(self._digested, files)
            todo = plan(self._digests, there)
        taken = await self._written(todo, files)
        taken += (f"{each} in {self._place} is somebody else's: remove it" for each in todo.taken)
        # What has moved from one file to another that could not be written would be nowhere.
        removals = () if taken else todo.removals
        for name in removals:
            await self._place.remove(name)
            self._delivered(Delivered.REMOVED)
        written = len(todo.writes) + len(todo.taken) - len(taken)
        if written or removals:
            _LOG.info(
                "rules of %d objectives: %d of %d files written, %d removed, in %s",
                len(self._promises),
                written,
                len(self._digests),
                len(removals),
                self._place,
            )
        if taken:
            for _ in taken:
                self._delivered(Delivered.TAKEN)
            raise ForeignError("; ".join(taken))

    async def _written(self, todo: Plan, files: Mapping[str, RuleFile]) -> list[str]:
        """Write in order; return, in words, which could not be as they are somebody else's."""
        taken = []
        for name in todo.writes:
            try:
                await self._place.write(files[name])
            except ForeignError as error:
                taken.append(str(error))
            else:
                self._delivered(Delivered.WRITTEN)
        return taken

    def _changed(self, views: tuple[View, ...]) -> bool:
        """Take over what promises say now; return whether that is anything new."""
        before = self._promises
        self._seen, now = views, {}
        for view in views:
            acceptance, known = view.acceptance, before.get(view.key)
            # Rules of what another Prometheus measures would find no series in this one. Where it is not known now
            # which one is meant, nothing changes.
            here = known is not None if view.source is None else view.source == DEFAULT_SOURCE
            if isinstance(acceptance, Accepted) and here:
                same = known is not None and known[0] is acceptance
                now[view.key] = known if known is not None and same else (acceptance, ruled(*view.key, acceptance))
        self._promises = now
        return now.keys() != before.keys() or any(now[key] is not before[key] for key in now)

    def _render(self, trusted: Collection[Key]) -> dict[str, RuleFile]:
        """Return all files; rules of promises that are neither `trusted` nor parsed before are parsed.

        A promise that was refused stays refused until it changes: nothing of it is trusted.
        """
        promises = [promise for _, promise in self._promises.values()]
        known = self._parsed | {
            promise.key: promise for promise in promises if promise.key in trusted and not self._is_unfit(promise)
        }
        rendered = rule_files(promises, self._links, parsed=known)
        for refused in rendered.refused:
            if not self._is_unfit(refused.promise):
                _LOG.warning("%s", _without(refused))
        self._unfit = {refused.promise.key: refused for refused in rendered.refused}
        self._parsed = {
            promise.key: promise
            for promise in promises
            if promise.key not in self._unfit
            and (promise.key not in trusted or self._parsed.get(promise.key) is promise)
        }
        return {file.name: file for file in rendered.files}

    def _is_unfit(self, promise: Promise) -> bool:
        known = self._unfit.get(promise.key)
        return known is not None and known.promise is promise

    def _digested(self, files: Mapping[str, RuleFile]) -> dict[str, str]:
        return {name: self._place.digest(file) for name, file in files.items()}


def _without(refused: Refused) -> str:
    return f"no rules of {'/'.join(refused.promise.key)}: {refused.why}"
