"""The conversation of frostline teardown with the API server."""

import asyncio
from typing import Final

from frostline.cli.talking import RefusedError, say
from frostline.controller.teardown import TakenAway, stop_operator, take_away
from frostline.kubernetes.resource import Objects

_PAUSE_S: Final = 1.0
_PATIENCE: Final = 120
_LOOKS: Final = 3
"""An operator that still runs puts back what is taken away within a cycle or at once: looked for as often."""


async def tear_down(objects: Objects, operator: tuple[str, str] | None, rules_in: str | None = None) -> int:
    """Stop the operator where it is named, take everything away, and see that it stays away.

    Raises:
        RefusedError: the operator does not stop, or something comes back.
        kubernetes.aio.client.ApiException: the API server refused.
    """
    if operator is not None:
        namespace, name = operator
        say(f"stopping deployment/{name} in {namespace}")
        if not await stop_operator(objects, namespace, name, lambda: asyncio.sleep(_PAUSE_S), _PATIENCE):
            raise RefusedError(f"the pods of deployment/{name} in {namespace} do not end: look at kubectl get pods")
    taken = await take_away(objects, rules_in)
    _tell(taken)
    for _ in range(_LOOKS):
        await asyncio.sleep(_PAUSE_S)
        if not (await take_away(objects, rules_in)).nothing:
            raise RefusedError("what was taken away comes back: stop the operator first, or name it by --stop-operator")
    return 0


def _tell(taken: TakenAway) -> None:
    if taken.nothing:
        print("nothing was left to take away")
        return
    print(
        f"took away {taken.admission} bindings and webhook configurations, {taken.gates} gates, the marks of"
        f" {taken.workloads} workloads and {taken.namespaces} namespaces, {taken.rules} objects with rules"
    )
