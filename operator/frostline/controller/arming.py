"""Arms the gates once all they need is there, keeps them as they are, and leaves alone what somebody switched off."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

import aiohttp
from kubernetes.aio.client import ApiException
from prometheus_client.core import GaugeMetricFamily, Metric

from frostline import names
from frostline.core.admission import Manifest
from frostline.core.armed import (
    Armed,
    Drop,
    Facts,
    Hook,
    Killed,
    Make,
    Mark,
    Note,
    NotYet,
    Part,
    Restore,
    State,
    Step,
)
from frostline.core.arming import plan
from frostline.kubernetes.events import Told
from frostline.kubernetes.resource import reason_of

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 30.0
_ASK_S: Final = 1.0
_RESUME_S: Final = 5.0
_ROUNDS: Final = 4
"""At most: ask the probe, make, take the probe away, look."""


class Server(Protocol):
    """The API server; each call raises ApiException when it refuses."""

    async def facts(self) -> Facts:
        """Return what it has."""

    async def make(self, manifest: Manifest) -> None:
        """Create an object."""

    async def restore(self, live: Manifest, patch: Manifest) -> None:
        """Merge a patch into an object."""

    async def drop(self, manifest: Manifest) -> None:
        """Delete an object."""

    async def note(self, marks: Mapping[Part, Mark | None]) -> None:
        """Remember something of parts; None forgets."""

    async def tell(self, told: Told) -> None:
        """Leave an Event."""


class Arming:
    """Keeps the gates armed. `client_config` says where the webhook is, None when there is none.

    Its form is that of a webhook's clientConfig less caBundle: {service: {namespace, name, path, port}} or {url}.
    """

    def __init__(self, server: Server, client_config: Mapping[str, Any] | None = None) -> None:
        self._server = server
        self._client_config = client_config
        self._ca_bundle: bytes | None = None
        self._due = float("-inf")
        self._said = ""
        self.state: State = NotYet("the operator has not looked yet")

    async def run(self, ca_bundle: bytes | None, now: float) -> State:
        """Look at the API server when it is time to, do what is to be done, and return how things stand.

        `ca_bundle` is the webhook's CA in PEM, None until there is one; `now` in epoch seconds. What the API server
        refuses is told and tried again; nothing is raised.
        """
        if now >= self._due or ca_bundle != self._ca_bundle:
            self._ca_bundle = ca_bundle
            await self._look(now)
            self._due = now + _pause(self.state)
        return self.state

    async def keep(self, ca_bundle: Callable[[], bytes | None], clock: Callable[[], float]) -> None:
        """Run for ever."""
        while True:
            await self.run(ca_bundle(), clock())
            await asyncio.sleep(_ASK_S)

    async def _look(self, now: float) -> None:
        try:
            self.state = await self._act(int(now))
        except ApiException as error:
            lacks = "the operator's role lacks a right: " if error.status == HTTPStatus.FORBIDDEN else ""
            said = f"{lacks}{reason_of(error)}"
            if lacks or isinstance(self.state, NotYet):
                self.state = NotYet(said, self.state.parts)
            self._say(logging.WARNING, f"arming: the API server refused, trying again: {said}")
        except (aiohttp.ClientError, TimeoutError) as error:
            self._say(logging.WARNING, f"arming: the API server is away, trying again: {type(error).__name__} {error}")
        else:
            fine = isinstance(self.state, Armed)
            self._say(logging.INFO if fine else logging.WARNING, self.state.sentence)

    async def _act(self, now: int) -> State:
        hook = None if self._client_config is None else Hook(self._client_config, self._ca_bundle)
        for _ in range(_ROUNDS):
            planned = plan(await self._server.facts(), hook, now)
            for step in planned.steps:
                await self._apply(step)
            await self._announce(planned.state, planned.steps)
            if not planned.steps:
                break
        return planned.state

    async def _apply(self, step: Step) -> None:
        match step:
            case Make(manifest):
                await self._server.make(manifest)
                _LOG.info("made %s", _called(manifest))
            case Restore(live, patch):
                await self._server.restore(live, patch)
                _LOG.warning("put right %s: %s differed", _called(live), ", ".join(sorted(patch)))
            case Drop(manifest):
                await self._server.drop(manifest)
                _LOG.info("took away %s", _called(manifest))
            case Note(part, mark):
                await self._server.note({part: mark})

    async def _announce(self, state: State, steps: tuple[Step, ...]) -> None:
        """Leave an Event for what was noticed now; what was noticed before has one."""
        noted = [step.mark for step in steps if isinstance(step, Note) and step.mark is not None]
        if isinstance(state, Killed) and any(mark.killed for mark in noted):
            await self._server.tell(Told(names.Reason.KILL_SWITCH, "Arm", state.sentence, warning=True))
        elif isinstance(state, Armed) and noted:
            await self._server.tell(Told(names.Reason.ARMED, "Arm", state.sentence))

    def _say(self, level: int, sentence: str) -> None:
        if sentence != self._said:
            _LOG.log(level, "%s", sentence)
            self._said = sentence


def _pause(state: State) -> float:
    """Return the seconds until the next look: few while somebody waits for it."""
    if isinstance(state, NotYet) and state.asking:
        return _ASK_S
    return _RESUME_S if isinstance(state, Killed) else _LOOK_S


def metric(state: State) -> Metric:
    """Return which parts are armed, 1 or 0 each."""
    family = GaugeMetricFamily(names.Metric.ARMED, "1 for a part that is armed.", labels=["part"])
    for part in Part:
        family.add_metric([part.value], float(part in state.parts))
    return family


def _called(manifest: Manifest) -> str:
    return f"{manifest['kind'].lower()}/{manifest['metadata']['name']}"
