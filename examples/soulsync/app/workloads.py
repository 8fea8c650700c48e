"""What each of the four workloads does when it is asked, well or broken."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import aiohttp
from aiohttp import web

from .metrics import Metrics

SLOW_SECONDS = 1.2
UNKNOWN_USER = "nobody"
GOOD_SECONDS = 0.07
UPSTREAM_TIMEOUT = aiohttp.ClientTimeout(total=5)


class Fault(StrEnum):
    """What can be wrong with a workload, chosen by POST /chaos."""

    NONE = "none"
    ERRORS = "errors"
    SLOW = "slow"


@dataclass
class Workload:
    """The state that the handlers of one running workload share."""

    metrics: Metrics
    upstream: str = ""
    fault: Fault = Fault.NONE
    client: aiohttp.ClientSession | None = None


Answer = Callable[[Workload, Mapping[str, str]], Awaitable[HTTPStatus]]


@dataclass(frozen=True)
class Route:
    """One thing that a workload can be asked for: its codes are every status that it may answer with."""

    method: str
    name: str
    answer: Answer
    codes: tuple[int, ...]


async def _work(workload: Workload, typical_seconds: float) -> None:
    """Take about as long as real work would: rarely more than three times the typical seconds."""
    if workload.fault is Fault.SLOW:
        await asyncio.sleep(SLOW_SECONDS)
    await asyncio.sleep(min(random.lognormvariate(0, 0.35), 3) * typical_seconds)


async def get_profile(workload: Workload, query: Mapping[str, str]) -> HTTPStatus:
    """Look one user up, as user-profile."""
    if workload.fault is Fault.ERRORS:
        return HTTPStatus.SERVICE_UNAVAILABLE
    await _work(workload, 0.02)
    return HTTPStatus.NOT_FOUND if query.get("user") == UNKNOWN_USER else HTTPStatus.OK


async def get_matches(workload: Workload, query: Mapping[str, str]) -> HTTPStatus:
    """Ask user-profile who is asking, then find who suits, as gateway. No profile, no matches."""
    if workload.fault is Fault.ERRORS:
        return HTTPStatus.SERVICE_UNAVAILABLE
    if workload.client is None:
        raise RuntimeError("gateway was asked before its client to user-profile was opened")
    try:
        async with workload.client.get(f"{workload.upstream}/getProfile", params=dict(query)) as profile:
            found = profile.status
    except (aiohttp.ClientError, TimeoutError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if found == HTTPStatus.NOT_FOUND:
        return HTTPStatus.NOT_FOUND
    if found != HTTPStatus.OK:
        return HTTPStatus.SERVICE_UNAVAILABLE
    await _work(workload, 0.04)
    return HTTPStatus.OK


async def send_message(workload: Workload, _query: Mapping[str, str]) -> HTTPStatus:
    """Acknowledge one message, as realtime-chat."""
    if workload.fault is Fault.ERRORS:
        return HTTPStatus.SERVICE_UNAVAILABLE
    await _work(workload, 0.03)
    return HTTPStatus.OK


async def write_report(workload: Workload, _query: Mapping[str, str]) -> HTTPStatus:
    """Write one report, as matching. A tenth of a second stands for the minutes of the real thing."""
    await _work(workload, 0.1)
    workload.metrics.report(on_time=workload.fault is not Fault.SLOW, valid=workload.fault is not Fault.ERRORS)
    return HTTPStatus.OK


ROUTES: dict[str, Route] = {
    "gateway": Route("GET", "getMatches", get_matches, (200, 404, 503)),
    "user-profile": Route("GET", "getProfile", get_profile, (200, 404, 503)),
    "realtime-chat": Route("POST", "sendMessage", send_message, (200, 503)),
    "matching": Route("POST", "writeReport", write_report, (200,)),
}


def metrics_of(name: str) -> Metrics:
    """Metrics of the workload with this name. Raises KeyError for a name not in ROUTES."""
    route = ROUTES[name]
    return Metrics({route.name: route.codes}, writes_reports=name == "matching")


def chaos_asked(body: object) -> Fault:
    """Read {"fault": "errors" | "slow" | "none"}. Raises ValueError that says what may be asked."""
    wanted = body.get("fault") if isinstance(body, dict) else None
    try:
        return Fault(str(wanted))
    except ValueError as error:
        choice = ", ".join(fault.value for fault in Fault)
        raise ValueError(f'POST /chaos takes {{"fault": one of {choice}}}, not {wanted!r}') from error


def lapse_asked(body: object) -> int:
    """Read {"requests": 100000}. Raises ValueError that says what may be asked."""
    wanted = body.get("requests") if isinstance(body, dict) else None
    # bool is a kind of int.
    if type(wanted) is not int or wanted < 1:
        raise ValueError(f'POST /lapse takes {{"requests": a whole number from 1 on}}, not {wanted!r}')
    return wanted


WORKLOAD: web.AppKey[Workload] = web.AppKey("workload", Workload)
