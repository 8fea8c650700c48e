import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
import yaml
from aiohttp import web
from kubernetes.aio.client import ApiException

from frostline.core.rule_delivery import ForeignError
from frostline.core.rule_files import RuleFile
from frostline.core.rules import Group, Rule
from frostline.kubernetes.resource import Objects, Resource
from frostline.kubernetes.rules import CONFIG_MAPS, PROMETHEUS_RULES, RuleObjects
from tests.kubernetes.server import FakeApi, talking

T = TypeVar("T")
BOTH = pytest.mark.parametrize("resource", [PROMETHEUS_RULES, CONFIG_MAPS], ids=lambda each: each.plural)
OURS = {
    "app.kubernetes.io/managed-by": "frostline",
    "app.kubernetes.io/component": "rules",
    "frostline.dev/rules-of": "frostline-system",
    "release": "kube",
}


@dataclass
class Cluster(FakeApi):
    """Objects of one namespace, as an API server holds them."""

    replies: list[Any] = field(default_factory=list)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuses: int | None = None
    done: list[str] = field(default_factory=list)
    versions: Any = field(default_factory=lambda: itertools.count(1))

    async def handle(self, request: web.Request) -> web.Response:
        name = request.match_info["path"].partition("monitoring/")[2].partition("/")[2]
        body = await request.json() if request.can_read_body else {}
        if self.refuses is not None:
            return _refusal(self.refuses)
        if request.method == "GET" and not name:
            assert "as=PartialObjectMetadataList" in request.headers["Accept"]
            found = [{"metadata": each["metadata"]} for each in self.objects.values() if _ours(request, each)]
            # As API servers answer: null where there are none.
            return web.json_response({"kind": "PartialObjectMetadataList", "metadata": {}, "items": found or None})
        self.done.append(f"{request.method} {name or body['metadata']['name']}")
        if request.method == "POST":
            return self._created(body)
        there = self.objects.get(name)
        if there is None:
            return _refusal(404)
        if request.method == "PATCH":
            wanted = {key: body["metadata"].get(key) for key in ("uid", "resourceVersion")}
            if any(there["metadata"][key] != value for key, value in wanted.items()):
                return _refusal(409)
            there["metadata"]["labels"] |= body["metadata"]["labels"]
            there["metadata"]["resourceVersion"] = str(next(self.versions))
            for part in {"spec", "data"} & body.keys():
                there[part] = {**there[part], **body[part]}
        if request.method == "DELETE":
            if body["preconditions"] != {"uid": there["metadata"]["uid"]}:
                return _refusal(409)
            del self.objects[name]
        return web.json_response(there)

    def _created(self, body: dict[str, Any]) -> web.Response:
        name = body["metadata"]["name"]
        if name in self.objects:
            return _refusal(409)
        number = str(next(self.versions))
        self.objects[name] = {**body, "metadata": {**body["metadata"], "uid": f"u{number}", "resourceVersion": number}}
        return web.json_response(self.objects[name], status=201)

    def touch(self, name: str, **parts: Any) -> None:
        """Change an object as somebody else would."""
        self.objects[name] = {**self.objects[name], **parts}
        self.objects[name]["metadata"]["resourceVersion"] = str(next(self.versions))


def _refusal(code: int) -> web.Response:
    return web.json_response({"kind": "Status", "message": "no"}, status=code)


def _ours(request: web.Request, manifest: dict[str, Any]) -> bool:
    wanted = dict(each.split("=") for each in request.query["labelSelector"].split(","))
    labels: dict[str, str] = manifest["metadata"].get("labels", {})
    return wanted.items() <= labels.items()


def file(name: str = "frostline-slos", expression: str = "vector(1)") -> RuleFile:
    return RuleFile(name, (Group("frostline-slos", 30, (Rule("slo:a:b", expression, (("name", "a"),)),)),))


def rules(objects: Objects, resource: Resource = PROMETHEUS_RULES, owner: str = "frostline-system") -> RuleObjects:
    return RuleObjects(objects, resource, "monitoring", {"release": "kube"}, owner)


def with_rules(cluster: Cluster, talk: Callable[[RuleObjects], Awaitable[T]], **which: Any) -> T:
    """Return what `talk` returns, with the memory of a new operator."""
    return talking(cluster, lambda api: talk(rules(Objects(api), **which)))


@BOTH
def test_what_is_written_is_found_with_its_digest_and_its_labels(resource: Resource) -> None:
    cluster = Cluster()

    async def talk(place: RuleObjects) -> None:
        assert await place.found() == {}
        await place.write(file())
        assert await place.found() == {"frostline-slos": place.digest(file())}
        assert place.digest(file()) != place.digest(file(expression="vector(2)"))

    with_rules(cluster, talk, resource=resource)

    (made,) = cluster.objects.values()
    assert made["metadata"]["labels"] == OURS
    assert made["metadata"]["namespace"] == "monitoring"


def test_a_prometheus_rule_holds_groups_and_a_config_map_a_file() -> None:
    made: list[dict[str, Any]] = []
    for resource in (PROMETHEUS_RULES, CONFIG_MAPS):
        cluster = Cluster()
        with_rules(cluster, lambda place: place.write(file()), resource=resource)
        made += cluster.objects.values()

    assert made[0]["spec"] == yaml.safe_load(made[1]["data"]["frostline-slos.yaml"])


@BOTH
def test_after_a_restart_all_is_as_it_was(resource: Resource) -> None:
    cluster = Cluster()
    with_rules(cluster, lambda place: place.write(file()), resource=resource)

    async def again(place: RuleObjects) -> bool:
        return await place.found() == {"frostline-slos": place.digest(file())}

    assert with_rules(cluster, again, resource=resource)


@BOTH
def test_an_object_is_read_again_only_when_it_changed(resource: Resource) -> None:
    cluster = Cluster()

    async def talk(place: RuleObjects) -> None:
        await place.write(file())
        await place.found()
        cluster.done.clear()
        await place.found()
        assert cluster.done == []
        cluster.touch("frostline-slos", **({"data": {}} if resource == CONFIG_MAPS else {"spec": {"groups": []}}))
        assert (await place.found())["frostline-slos"] != place.digest(file())
        assert cluster.done == ["GET frostline-slos"]
        await place.write(file())
        assert await place.found() == {"frostline-slos": place.digest(file())}

    with_rules(cluster, talk, resource=resource)


@BOTH
def test_what_others_add_beside_the_rules_is_theirs(resource: Resource) -> None:
    cluster = Cluster()

    async def talk(place: RuleObjects) -> None:
        await place.write(file())
        kept = cluster.objects["frostline-slos"]
        kept["metadata"]["labels"]["team"] = "other"
        cluster.touch("frostline-slos", data={**kept.get("data", {}), "notes": "theirs"})
        assert await place.found() == {"frostline-slos": place.digest(file())}

    with_rules(cluster, talk, resource=resource)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        pytest.param({**OURS, "frostline.dev/rules-of": "other"}, {"frostline-slos": None}, id="another operator's"),
        pytest.param({"team": "other"}, {}, id="unlabelled"),
    ],
)
def test_an_object_of_somebody_else_is_left_alone(labels: dict[str, str], found: dict[str, None]) -> None:
    metadata = {"name": "frostline-slos", "labels": labels, "uid": "theirs", "resourceVersion": "0"}
    theirs = {"metadata": metadata, "spec": {"groups": []}}
    cluster = Cluster(objects={"frostline-slos": theirs})

    async def talk(place: RuleObjects) -> None:
        assert await place.found() == found
        with pytest.raises(ForeignError, match="frostline-slos in prometheusrules of namespace monitoring is somebody"):
            await place.write(file())
        await place.remove("frostline-slos")

    with_rules(cluster, talk)

    assert cluster.objects == {"frostline-slos": theirs}
    assert cluster.done == ["POST frostline-slos"]


def test_what_somebody_changes_at_the_same_time_is_not_overwritten() -> None:
    cluster = Cluster()

    async def talk(place: RuleObjects) -> None:
        await place.write(file())
        cluster.touch("frostline-slos", spec={"groups": ["theirs"]})
        with pytest.raises(ForeignError, match="was changed by somebody else a moment ago"):
            await place.write(file(expression="vector(2)"))

    with_rules(cluster, talk)

    assert cluster.objects["frostline-slos"]["spec"] == {"groups": ["theirs"]}


def test_only_the_object_that_was_read_is_removed() -> None:
    cluster = Cluster()

    async def talk(place: RuleObjects) -> None:
        await place.write(file())
        await place.found()
        cluster.objects["frostline-slos"]["metadata"]["uid"] = "made anew"
        await place.remove("frostline-slos")
        assert "frostline-slos" in cluster.objects
        await place.found()
        await place.remove("frostline-slos")
        assert cluster.objects == {}

    with_rules(cluster, talk)


@pytest.mark.parametrize("code", [403, 404, 500])
def test_a_refusal_is_raised(code: int) -> None:
    cluster = Cluster(refuses=code)
    for act in (RuleObjects.found, lambda place: place.write(file())):
        with pytest.raises(ApiException) as raised:
            with_rules(cluster, act)
        assert raised.value.status == code
