"""One promise, `matching`, over events that a test tells."""

from collections.abc import Callable

from frostline import names
from tests.controller.world.manifests import manifest
from tests.controller.world.world import World
from tests.support.objectives import Events

MINUTE = 60


def traffic(
    *incidents: tuple[int, int], share: float = 1.0, base: float = 0.0
) -> Callable[[int, int], tuple[float, float]]:
    """Return ten requests a second, of which `share` fail within the (begin, end) of incidents, `base` always."""

    def events(start: int, end: int) -> tuple[float, float]:
        broken = sum(max(0, min(end, stop) - max(start, begin)) for begin, stop in incidents)
        return 10 * (base * (end - start) + share * broken), 10.0 * (end - start)

    return events


def world(events: Events, **more: object) -> World:
    made = World({"all": events})
    made.apply("matching", manifest(**more))  # type: ignore[arg-type]
    return made


def levels(made: World) -> list[str]:
    return [told.note.split(":")[0] for told in made.api.events]


def reason(made: World, kind: names.Condition = names.Condition.MEASURED) -> str:
    return str(made.condition("matching", kind)["reason"])
