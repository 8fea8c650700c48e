"""People who use the app: requests at a steady pace, whatever comes back. Ends by itself."""

import argparse
import asyncio
import random
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from examples.soulsync.app.workloads import UNKNOWN_USER

TWO_HOURS = 7200.0
# A server that hangs must not fill our memory: beyond this many open requests people give up before they ask.
MOST_AT_ONCE = 200
TIMEOUT = aiohttp.ClientTimeout(total=10)
UNKNOWN_SHARE = 0.03


@dataclass(frozen=True)
class Stream:
    """One kind of request: method, URL, and how many a second."""

    method: str
    url: str
    per_second: float
    asks_for_unknown_users: bool = False

    def query(self) -> Mapping[str, str]:
        """Query of the next request; the wrong user now and then, where the app knows users."""
        if self.asks_for_unknown_users and random.random() < UNKNOWN_SHARE:
            return {"user": UNKNOWN_USER}
        return {}


def streams(gateway: str, chat: str, matching: str) -> tuple[Stream, ...]:
    """Return the load on the three workloads that people reach; each argument is a base URL."""
    return (
        Stream("GET", f"{gateway}/getMatches", 30.0, asks_for_unknown_users=True),
        Stream("POST", f"{chat}/sendMessage", 8.0),
        Stream("POST", f"{matching}/writeReport", 2.0),
    )


async def ask(session: aiohttp.ClientSession, stream: Stream) -> None:
    """Send one request and read its answer; a server that does not answer is the server's affair."""
    with suppress(aiohttp.ClientError, TimeoutError):
        async with session.request(stream.method, stream.url, params=dict(stream.query())) as answer:
            await answer.read()


async def flow(session: aiohttp.ClientSession, stream: Stream, stop: asyncio.Event) -> None:
    """Send the requests of one stream until `stop` is set. Late ones are made up for, but never in a burst."""
    open_requests: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not stop.is_set():
        if len(open_requests) < MOST_AT_ONCE:
            task = asyncio.create_task(ask(session, stream))
            open_requests.add(task)
            task.add_done_callback(open_requests.discard)
        due = max(due + 1 / stream.per_second, loop.time() - 1)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=max(0.0, due - loop.time()))
    await asyncio.gather(*open_requests)


async def run(all_streams: tuple[Stream, ...], seconds: float) -> None:
    """Send all streams for so many seconds, or until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.call_later(seconds, stop.set)
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        await asyncio.gather(*(flow(session, stream, stop) for stream in all_streams))


def main() -> None:
    """Run the load on three base URLs."""
    parser = argparse.ArgumentParser(prog="python -m e2e.demo.load", description="People who use SoulSync.")
    for name in ("gateway", "chat", "matching"):
        parser.add_argument(f"--{name}", required=True, metavar="URL", help="base URL, http://127.0.0.1:8001")
    parser.add_argument("--for", dest="seconds", type=float, default=TWO_HOURS, help="stop after so many seconds")
    options = parser.parse_args()
    asyncio.run(run(streams(options.gateway, options.chat, options.matching), options.seconds))


if __name__ == "__main__":
    main()
