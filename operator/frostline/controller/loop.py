"""The loop that runs cycles: on the grid, at once when an object changes, and back-filling in between."""

import asyncio
import logging
import time
from typing import Final

from frostline.controller.cycle import Cycle, blank, rehydrating
from frostline.controller.garbage import Settled
from frostline.controller.health import Health
from frostline.controller.timing import Timing

_LOG = logging.getLogger(__name__)
_DEBOUNCE_S: Final = 0.5
_FILL_SHARE: Final = 0.5
_FIRST_FILL_SHARE: Final = 1.0
"""As long as first figures are missing: another cycle takes its time, and has little to tell."""
_REHYDRATING_PAUSE_S: Final = 1.0


class Loop:
    """Runs `cycle` for ever. `wake` asks for a cycle soon, `nudge` for a look at gates and marks only.

    `figured` is set once all that can be measured has a figure: what takes long had better begin after it.
    """

    def __init__(self, cycle: Cycle, timing: Timing, health: Health) -> None:
        self._cycle = cycle
        self._timing = timing
        self._health = health
        self._settled = Settled()
        self._wake = asyncio.Event()
        self._cycle_wanted = False
        self._untold = False
        self.figured = asyncio.Event()

    def wake(self) -> None:
        """Ask for a cycle as soon as the present one is over."""
        self._cycle_wanted = True
        self._wake.set()

    def nudge(self) -> None:
        """Ask for gates and marks to be compared soon: nothing has to be measured for that."""
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled."""
        telling: asyncio.Task[None] | None = None
        try:
            while True:
                begun = time.monotonic()
                self._wake.clear()
                self._cycle_wanted = False
                await self._cycle.decide()
                self._health.cycled(time.monotonic() - begun)
                telling = await self._tell(telling)
                self._settled.look(len(self._cycle.views))
                if not blank(self._cycle.views):
                    self.figured.set()
                filled = await self._fill()
                await self._pause(filled=filled)
        finally:
            if telling is not None:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, telling: asyncio.Task[None] | None) -> asyncio.Task[None]:
        """Have statuses written beside the loop; what is new waits while writes are many, or slow."""
        self._untold = True
        if telling is not None:
            if not telling.done():
                return telling
            await telling
        return asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        while self._untold:
            self._untold = False
            await self._cycle.tell()

    async def _fill(self) -> bool:
        if not rehydrating(self._cycle.views):
            return False
        # Of its own time: a cycle whose writes the API server delays shall not keep figures from being complete.
        share = _FILL_SHARE if self.figured.is_set() else _FIRST_FILL_SHARE
        deadline = time.monotonic() + self._timing.interval_s * share
        return await asyncio.to_thread(self._cycle.fill, lambda: time.monotonic() > deadline or self._wake.is_set())

    async def _pause(self, *, filled: bool) -> None:
        """Wait for the next grid time, or less when there is news to tell."""
        length = self._timing.interval_s - time.time() % self._timing.interval_s
        if rehydrating(self._cycle.views):
            length = 0.0 if filled else min(length, _REHYDRATING_PAUSE_S)
        until = time.monotonic() + length
        while True:
            try:
                # Not wait_for: it forgets that it was cancelled when it is woken at the same moment.
                async with asyncio.timeout(max(until - time.monotonic(), 0.0)):
                    await self._wake.wait()
            except TimeoutError:
                return
            # Objects come in flocks: one look at all of them.
            await asyncio.sleep(_DEBOUNCE_S)
            if self._cycle_wanted:
                return
            self._wake.clear()
            await self._cycle.enforce()
            if time.monotonic() >= until:
                # Where something changes all the time, nobody would measure any more.
                return
