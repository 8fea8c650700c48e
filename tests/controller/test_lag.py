import asyncio
import time

import pytest

from frostline.controller import lag


def test_what_holds_the_loop_up_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "_EVERY_S", 0.01)
    seen: list[float] = []

    async def run() -> None:
        observing = asyncio.create_task(lag.observe_lag(seen.append))
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - this is what is to be seen
        async with asyncio.timeout(5):
            while not seen:  # noqa: ASYNC110 - it says nothing
                await asyncio.sleep(0)
        observing.cancel()

    asyncio.run(run())
    assert 0.15 < seen[0] < 5
