"""Asking a server over TLS as the API server does, and how long each answer takes."""

import asyncio
import ssl
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from frostline.names import WEBHOOK_PATH

_LENGTH: Final = b"content-length:"


@dataclass(frozen=True)
class Taken:
    """Seconds of every answer."""

    seconds: Sequence[float]
    whole: float

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98]

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.whole


class _Connection:
    """One connection of HTTP/1.1, used again for each request; nothing but what a request needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._request = request

    async def ask(self) -> None:
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the server says {head.splitlines()[0].decode()}")
        lines = head.lower().splitlines()
        (length,) = [int(line.removeprefix(_LENGTH)) for line in lines if line.startswith(_LENGTH)]
        await self._reader.readexactly(length)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def _connect(port: int, authority: bytes, body: bytes) -> _Connection:
    context = ssl.create_default_context(cadata=authority.decode())
    head = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    return _Connection(reader, writer, request)


async def closed_loop(port: int, authority: bytes, body: bytes, connections: int, seconds: float) -> Taken:
    """Ask over some connections, each again as soon as it is answered."""
    opened = [await _connect(port, authority, body) for _ in range(connections)]
    taken: list[float] = []
    begun = time.perf_counter()

    async def one(connection: _Connection) -> None:
        while (at := time.perf_counter()) < begun + seconds:
            await connection.ask()
            taken.append(time.perf_counter() - at)

    await asyncio.gather(*(one(each) for each in opened))
    whole = time.perf_counter() - begun
    for each in opened:
        await each.close()
    return Taken(taken, whole)


async def steady(port: int, authority: bytes, body: bytes, connections: int, *, rate: float, seconds: float) -> Taken:
    """Ask at a rate whatever the answers do; an answer is counted from the moment at which its request was due."""
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await _connect(port, authority, body))
    taken: list[float] = []
    begun = time.perf_counter()

    async def one(due: float) -> None:
        connection = await free.get()
        await connection.ask()
        taken.append(time.perf_counter() - due)
        free.put_nowait(connection)

    under_way: set[asyncio.Task[None]] = set()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    whole = time.perf_counter() - begun
    while not free.empty():
        await free.get_nowait().close()
    return Taken(taken, whole)
