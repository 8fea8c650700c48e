"""How late the event loop is: what holds it up holds up probes, watches and writes alike."""

import asyncio
from collections.abc import Callable
from typing import Final

_EVERY_S: Final = 1.0


async def observe_lag(observe: Callable[[float], None]) -> None:
    """Tell, each second until cancelled, by how many seconds a wake-up came late."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        observe(max(loop.time() - due, 0.0))
