"""What frostline resume does: makes the operator forget that somebody deleted what it armed."""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from kubernetes.aio.client import ApiException

from frostline import names
from frostline.cli.talking import RefusedError, say
from frostline.core.armed import Mark, Part, moment
from frostline.kubernetes.admission import AdmissionObjects
from frostline.kubernetes.events import Recorder
from frostline.kubernetes.resource import Objects, reason_of

_PATIENCE_S: Final = 90.0
_PAUSE_S: Final = 0.5


async def resume(objects: Objects, patience_s: float = _PATIENCE_S) -> int:
    """Forget what was armed and is gone, wait until it is there again, and return 0.

    Raises:
        RefusedError: the user lacks a right, or the operator does not answer within `patience_s`.
        kubernetes.aio.client.ApiException: the API server refused for another reason.
    """
    admission = AdmissionObjects(objects, Recorder(objects, "frostline resume"))
    try:
        marks, present = await admission.marks(), await admission.present()
        gone = {part: mark for part, mark in marks.items() if part not in present}
        if gone:
            await admission.note(dict.fromkeys(gone))
    except ApiException as error:
        if error.status == HTTPStatus.FORBIDDEN:
            raise RefusedError(_no_right(error)) from error
        raise
    if not gone:
        print(f"nothing is switched off; {_standing(frozenset(present))}")
        return 0
    for part, mark in gone.items():
        print(f"resumed {part.target}, {_since(mark)}", flush=True)
    await _armed(admission, gone, patience_s)
    print("armed again: releases are held back where a budget is spent")
    return 0


async def _armed(admission: AdmissionObjects, gone: Mapping[Part, Mark], patience_s: float) -> None:
    say("waiting for the operator to arm it again")
    deadline = time.monotonic() + patience_s
    while missing := gone.keys() - (await admission.present()).keys():
        if time.monotonic() > deadline:
            raise RefusedError(
                f"resumed, but the operator has not made {', '.join(sorted(part.target for part in missing))} within"
                f" {patience_s:g} s; see whether it runs and what it says:"
                " kubectl get pods -A -l app.kubernetes.io/part-of=frostline"
            )
        await asyncio.sleep(_PAUSE_S)


def _since(mark: Mark) -> str:
    return f"found deleted at {moment(mark.at)}" if mark.killed else "deleted a moment ago"


def _standing(parts: frozenset[Part]) -> str:
    if not parts:
        return "nothing is armed either: the operator's log says why"
    return f"armed: {', '.join(part.target for part in Part if part in parts)}"


def _no_right(error: ApiException) -> str:
    return (
        f"you may not resume: {reason_of(error)}. It takes the right to get and patch"
        f" validatingadmissionpolicies/{names.Admission.FREEZE} and to get"
        " validatingadmissionpolicybindings and mutatingwebhookconfigurations, as cluster-admin has"
    )
