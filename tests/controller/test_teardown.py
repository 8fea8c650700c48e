import asyncio
from collections.abc import Mapping
from typing import Any

from frostline import names
from frostline.controller.teardown import TakenAway, stop_operator, take_away
from frostline.kubernetes.admission import BINDINGS, CONFIGURATIONS
from frostline.kubernetes.resource import GATES, NAMESPACES, WORKLOADS, NotInstalledError, Objects, Resource

PLACES = (None, "dating", "frostline-system")
NOTHING = TakenAway(0, 0, 0, 0, 0)


class Server(Objects):
    """Objects by resource and name; patches are kept as they came."""

    def __init__(self, **objects: dict[str, dict[str, Any]]) -> None:
        self.objects = objects
        self.patches: list[tuple[str, str, Any]] = []
        self.order: list[str] = []

    async def everything(self, resource: Resource, *_: Any, selector: str | None = None) -> list[Mapping[str, Any]]:
        if resource == GATES and "releasegates" not in self.objects:
            raise NotInstalledError("no gates here")
        found = self.objects.get(resource.plural, {}).values()
        return [each for each in found if selector is None or selector in each["metadata"].get("labels", {})]

    async def knows(self, resource: Resource) -> bool:
        return resource.plural in self.objects

    async def delete(
        self, resource: Resource, namespace: str | None, name: str, uid: str | None = None, version: str | None = None
    ) -> bool:
        assert (namespace in PLACES, uid, version) == (True, None, None)
        was_there = self.objects.get(resource.plural, {}).pop(name, None) is not None
        if was_there:
            self.order.append(f"{resource.plural}/{name}")
        return was_there

    async def merge(self, resource: Resource, namespace: str | None, name: str, patch: Any, **sub: Any) -> Any:
        assert namespace in PLACES
        if name not in self.objects.get(resource.plural, {}):
            return None
        self.patches.append((resource.plural, name, patch))
        self.order.append(f"{resource.plural}/{name}")
        for part in ("labels", "annotations"):
            for key, value in patch.get("metadata", {}).get(part, {}).items():
                assert value is None
                self.objects[resource.plural][name]["metadata"].get(part, {}).pop(key, None)
        if sub.get("sub") == "scale":
            self.objects[resource.plural][name]["spec"] = patch["spec"]
        return {}

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Mapping[str, Any] | None:
        assert namespace in PLACES
        return self.objects.get(resource.plural, {}).get(name)


def named(name: str, namespace: str = "dating", **metadata: Any) -> dict[str, dict[str, Any]]:
    return {name: {"metadata": {"namespace": namespace, "name": name, **metadata}}}


def used() -> Server:
    label = str(names.Label.RELEASES)
    return Server(
        **{
            BINDINGS.plural: {
                **named("frostline-freeze"),
                **named("frostline-keep"),
                **named("frostline-guard-records"),
                **named("somebody-elses"),
            },
            CONFIGURATIONS.plural: named("frostline"),
            "releasegates": named("deployment-gateway"),
            "deployments": {
                **named(
                    "gateway", labels={label: "Freeze", "app": "x"}, annotations={"frostline.dev/level": "Exhausted"}
                ),
                **named("left-over", annotations={"frostline.dev/since": "2026-11-21T08:00:00Z"}),
                **named("other", labels={"app": "y"}),
            },
            "prometheusrules": {
                **named("frostline-shared", labels={"frostline.dev/rules-of": "frostline-system"}),
                **named("frostline-slos", labels={"frostline.dev/rules-of": "frostline-system"}),
                **named("somebody-elses", labels={"app.kubernetes.io/managed-by": "frostline"}),
            },
            "namespaces": {
                **named("dating", labels={"frostline.dev/enforced": "true", "frostline.dev/mode": "Warn"}),
                **named("quiet", labels={"frostline.dev/mode": "Warn"}),
            },
        }
    )


def test_everything_of_ours_goes_and_nothing_else() -> None:
    server = used()

    taken = asyncio.run(take_away(server, "dating"))

    assert taken == TakenAway(admission=4, gates=1, workloads=2, namespaces=1, rules=2)
    assert list(server.objects[BINDINGS.plural]) == ["somebody-elses"]
    assert list(server.objects["prometheusrules"]) == ["somebody-elses"]
    assert server.objects["deployments"]["gateway"]["metadata"]["labels"] == {"app": "x"}
    assert server.objects["namespaces"]["dating"]["metadata"]["labels"] == {"frostline.dev/mode": "Warn"}
    assert {name for _, name, _ in server.patches} == {"gateway", "left-over", "dating"}


def test_what_refuses_goes_first() -> None:
    server = used()

    asyncio.run(take_away(server, "dating"))

    kinds = [each.partition("/")[0] for each in server.order]
    assert kinds == sorted(
        kinds,
        key=[
            BINDINGS.plural,
            CONFIGURATIONS.plural,
            "releasegates",
            "deployments",
            "namespaces",
            "prometheusrules",
        ].index,
    )


def test_a_second_time_finds_nothing() -> None:
    server = used()
    asyncio.run(take_away(server, "dating"))

    assert asyncio.run(take_away(server, "dating")) == NOTHING
    assert NOTHING.nothing


def test_a_cluster_that_never_had_it() -> None:
    assert asyncio.run(take_away(Server(), None)) == NOTHING


def test_the_operator_is_stopped_and_waited_for() -> None:
    server = Server(deployments=named("frostline-operator"))
    deployment = server.objects["deployments"]["frostline-operator"]
    deployment["status"] = {"replicas": 1}
    paused = []

    async def pause() -> None:
        paused.append(1)
        if len(paused) == 3:
            deployment["status"] = {}

    assert asyncio.run(stop_operator(server, "frostline-system", "frostline-operator", pause, 10))
    assert (deployment["spec"], len(paused)) == ({"replicas": 0}, 3)
    deployment["status"] = {"replicas": 1}
    assert not asyncio.run(stop_operator(server, "frostline-system", "frostline-operator", pause, 2))


def test_an_operator_that_is_not_there_has_stopped() -> None:
    async def pause() -> None:
        raise AssertionError("there is nothing to wait for")

    assert asyncio.run(stop_operator(Server(), "frostline-system", "frostline-operator", pause, 10))


def test_the_kinds_that_carry_marks() -> None:
    assert {NAMESPACES.plural, *(each.plural for each in WORKLOADS.values())} == {
        "namespaces",
        "deployments",
        "statefulsets",
        "daemonsets",
    }
