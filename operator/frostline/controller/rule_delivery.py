"""Keeps the rules of all promises where Prometheus finds them, beside the cycles."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from frostline.api.accept import Accepted
from frostline.api.ruled import ruled
from frostline.controller.account import Key
from frostline.controller.cycle import View
from frostline.controller.effects import REFUSALS, brief
from frostline.controller.sources import OWN_NAME
from frostline.core.alerts import Links
from frostline.core.rule_delivery import ForeignError, Plan, plan
from frostline.core.rule_files import RuleFile, rule_files, text
from frostline.core.rules import Promise
from frostline.prometheus.rule_directory import RuleDirectory

_LOG = logging.getLogger(__name__)

LOOK_S: Final = 5.0
"""How often to look whether promises changed: a flock of changes is one."""

AGAIN_S: Final = 300.0
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    files: Mapping[str, RuleFile]
    digests: Mapping[str, str]


class RuleDelivery:
    """Writes what changed, when it changed; what fails is tried again and said."""

    def __init__(self, place: Place, links: Links | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._place = place
        self._links = links or Links()
        self._clock = clock
        self._promises: dict[Key, tuple[Accepted, Promise]] = {}
        self._parsed: dict[tuple[str, str], Promise] = {}
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
        if not self._changed(views) and self._clock() < self._due:
            return
        # Whatever fails, and is not foreseen below, must not be tried without a pause.
        self._due = self._clock() + RETRY_S
        wanted = await asyncio.to_thread(self._render)
        try:
            todo = plan(wanted.digests, await self._place.found())
            await self._carry_out(todo, wanted)
        except ForeignError as error:
            _LOG.warning("rules not written, trying again: %s", error)
        except OSError as error:
            _LOG.warning("rules not written to %s, trying again: %s", self._place, error.strerror or error)
        except REFUSALS as error:
            _LOG.warning("rules not written to %s, trying again: %s", self._place, brief(error))
        else:
            self._due = self._clock() + AGAIN_S

    async def _carry_out(self, todo: Plan, wanted: _Wanted) -> None:
        """Write in order, remove last.

        Raises:
            ForeignError: a name is taken; all else was written.
        """
        for name in todo.writes:
            await self._place.write(wanted.files[name])
        if not todo.taken:
            for name in todo.removals:
                await self._place.remove(name)
        if todo.writes or (todo.removals and not todo.taken):
            _LOG.info(
                "rules of %d objectives: %d of %d files written, %d removed, in %s",
                len(self._promises),
                len(todo.writes),
                len(wanted.files),
                0 if todo.taken else len(todo.removals),
                self._place,
            )
        if todo.taken:
            taken = ", ".join(todo.taken)
            raise ForeignError(f"{taken} in {self._place} is somebody else's: remove it, or choose another place")

    def _changed(self, views: tuple[View, ...]) -> bool:
        """Take over what promises say now; return whether that is anything new."""
        before = self._promises
        now = {}
        for view in views:
            acceptance = view.acceptance
            # Rules of what another Prometheus measures would find no series in this one.
            if isinstance(acceptance, Accepted) and view.source == OWN_NAME:
                known = before.get(view.key)
                same = known is not None and known[0] is acceptance
                now[view.key] = known if known is not None and same else (acceptance, ruled(*view.key, acceptance))
        self._promises = now
        return now.keys() != before.keys() or any(now[key] is not before[key] for key in now)

    def _render(self) -> _Wanted:
        promises = [promise for _, promise in self._promises.values()]
        rendered = rule_files(promises, self._links, parsed=self._parsed)
        for refused in rendered.refused:
            _LOG.warning("no rules of %s: %s", "/".join(refused.promise.key), refused.why)
        gone = {refused.promise.key for refused in rendered.refused}
        self._parsed = {promise.key: promise for promise in promises if promise.key not in gone}
        files = {file.name: file for file in rendered.files}
        return _Wanted(files, {name: self._place.digest(file) for name, file in files.items()})
