"""A balancer as a Service is one: each connection goes to one of several servers, and to no other afterwards."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Sequence
from types import TracebackType


class Balancer:
    """Listens on the loopback address while in its context and passes connections on, in turn.

    A server that takes no connection is passed over.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = 0
        self._turns = itertools.cycle(ports)
        self._count = len(ports)
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> "Balancer":
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._over.wait()
        server.close()
        open_still = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_still:
            task.cancel()
        await asyncio.gather(*open_still, return_exceptions=True)
        # What was cut off is told so in the next round.
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(self._count):
            try:
                from_server, to_server = await asyncio.open_connection("127.0.0.1", next(self._turns))
            except OSError:
                continue
            try:
                await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))
            finally:
                to_server.transport.abort()
                writer.transport.abort()
            return
        writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    # One side has ended: so does the other.
    writer.close()
