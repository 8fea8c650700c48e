"""Says in Events of the operator's namespace that rules are not as they shall be, and that they are again."""

import logging
import time
from collections.abc import Callable
from typing import Final

from frostline import names
from frostline.controller.effects import REFUSALS, brief
from frostline.kubernetes.events import About, Recorder, Told

_LOG = logging.getLogger(__name__)

AGAIN_S: Final = 3_000.0
"""While it lasts it is said again: the API server forgets Events after an hour."""


class RuleEvents:
    """One Event when trouble begins, one when it is over.

    Args:
        recorder: leaves Events.
        namespace: the operator's own, which they are about.
        clock: monotonic seconds.
    """

    def __init__(self, recorder: Recorder, namespace: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._recorder = recorder
        self._about = About("v1", "Namespace", namespace, namespace, "")
        self._clock = clock
        self._said_at: float | None = None

    async def note(self, trouble: str | None) -> None:
        """Take note of why rules are not as they shall be, None when they are."""
        if trouble is None:
            if self._said_at is not None:
                self._said_at = None
                await self._tell(Told(names.Reason.RULES_WRITTEN, "Rules", "all rules are written again"))
        elif self._said_at is None or self._clock() >= self._said_at + AGAIN_S:
            self._said_at = self._clock()
            await self._tell(Told(names.Reason.RULES_NOT_WRITTEN, "Rules", trouble, warning=True))

    async def _tell(self, told: Told) -> None:
        try:
            await self._recorder.record(self._about, told)
        except REFUSALS as error:
            _LOG.warning("event about rules not created: %s", brief(error))
