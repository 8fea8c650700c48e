"""Commands that a person runs against the API server: how they reach it, and how they end when it refuses."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import aiohttp
from kubernetes.aio.client import ApiException

from frostline.kubernetes.connection import Cluster, NoClusterError
from frostline.kubernetes.resource import Objects, reason_of


class RefusedError(RuntimeError):
    """What was asked for cannot be done; the text says why and what to do."""


def talk(cluster: Cluster, talking: Callable[[Objects], Awaitable[int]]) -> int:
    """Return the exit code of `talking`; 1 when it cannot be done, and why on standard error."""

    async def run() -> int:
        async with await cluster.connect() as api:
            return await talking(Objects(api))

    try:
        return asyncio.run(run())
    except (NoClusterError, RefusedError) as error:
        say(f"error: {error}")
    except ApiException as error:
        say(f"error: the API server refused: {reason_of(error)}")
    except (aiohttp.ClientError, TimeoutError) as error:
        say(f"error: the API server cannot be reached ({str(error) or type(error).__name__}): try kubectl cluster-info")
    return 1


def say(line: str) -> None:
    """Tell the person something that is not the result."""
    print(line, file=sys.stderr, flush=True)
