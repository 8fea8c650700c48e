"""Which source an objective is measured by, and how sources come, change and go."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.api.base import JsonObject
from frostline.api.sourced import AcceptedSource
from frostline.controller.account import Key
from frostline.controller.namespaces import SeenNamespace
from frostline.controller.packed import Packed
from frostline.controller.sources import OWN_NAME, Asked, Chosen, Sources, meant
from frostline.controller.store import Stored
from frostline.core.outcome import NoSource, Unsourced
from frostline.prometheus.connection import Connection
from tests.controller.world.operator import lane_of
from tests.controller.world.prometheus import Prometheus

URL = "http://prometheus:9090"


class Contents:
    namespace = "frostline-system"

    def __init__(self) -> None:
        self.secrets: dict[str, Mapping[str, bytes]] = {}
        self.trouble: Exception | None = None
        self.reads = 0

    async def secret(self, name: str) -> Mapping[str, bytes] | None:
        self.reads += 1
        if self.trouble is not None:
            raise self.trouble
        return self.secrets.get(name)

    async def config_map(self, name: str) -> Mapping[str, bytes] | None:
        return self.secrets.get(name)


class Scene:
    """Sources over Secrets and time that the test sets."""

    def __init__(self, *, own: bool = True) -> None:
        self.contents = Contents()
        self.time = 0.0
        self.built: list[tuple[str, Connection]] = []
        self.dropped: list[str] = []
        self.refuses: str | None = None
        self.stored: dict[Key, Stored] = {}
        self.sources = Sources(
            lane_of(OWN_NAME, Prometheus({})) if own else None,
            self._build,
            self.contents,
            dropped=self.dropped.append,
            clock=lambda: self.time,
        )

    def _build(self, name: str, judged: AcceptedSource, connection: Connection) -> Asked:
        if self.refuses is not None:
            raise ValueError(self.refuses)
        assert judged.spec.url == connection.url
        self.built.append((name, connection))
        return lane_of(name, Prometheus({}))

    def put(self, name: str, **spec: Any) -> None:
        key = Key("", name)
        old = self.stored.get(key)
        generation = 1 if old is None else old.generation + 1
        self.stored[key] = Stored(
            key, f"uid-{name}", generation, "1", False, "", Packed({"spec": {"url": URL, **spec}}), {}
        )

    def look(self, seconds: float = 0) -> None:
        self.time += seconds
        asyncio.run(self.sources.look(self.stored))

    def choose(self, reference: str | None = None, namespace: str = "dating", **labels: str) -> str:
        """Return the name of the source, or why there is none."""
        named = {label.replace("__", "/").replace("_", "."): value for label, value in labels.items()}
        seen = SeenNamespace(Key("", namespace), "n", "1", False, None, named.get(names.Label.SOURCE), False, named)
        chosen = self.sources.choose(reference, namespace, seen)
        return chosen.name if isinstance(chosen, Chosen) else f"{chosen.why}: {chosen.detail}"


SOURCE = "frostline_dev__source"


def test_the_objective_then_the_namespace_then_the_default_then_the_flags() -> None:
    scene = Scene()
    assert scene.choose() == OWN_NAME
    for name in ("a", "b", "default"):
        scene.put(name)
    scene.look()

    assert scene.choose("a", **{SOURCE: "b"}) == "a"
    assert scene.choose(**{SOURCE: "b"}) == "b"
    assert scene.choose() == "default"


@pytest.mark.parametrize(
    ("reference", "labels", "expected"),
    [
        pytest.param("a", {}, "a", id="the objective's"),
        pytest.param("a", {names.Label.SOURCE: "b"}, "a", id="rather than the namespace's"),
        pytest.param(None, {names.Label.SOURCE: "b"}, "b", id="the namespace's"),
        pytest.param(None, {}, "default", id="none is named"),
        pytest.param("a", None, "a", id="the objective's, of an unknown namespace"),
        pytest.param(None, None, None, id="not known yet"),
    ],
)
def test_which_source_is_meant_does_not_depend_on_which_there_are(
    reference: str | None, labels: dict[str, str] | None, expected: str | None
) -> None:
    seen = (
        None
        if labels is None
        else SeenNamespace(Key("", "dating"), "n", "1", False, None, labels.get(names.Label.SOURCE), False, labels)
    )

    assert meant(reference, seen) == expected


def test_without_any() -> None:
    said = Scene(own=False).choose()

    assert said.startswith("not found: no source is named: set spec.sourceRef")


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        pytest.param({}, {"dating", "chat", "staff"}, id="all"),
        pytest.param({"namespaces": ["chat"]}, {"chat"}, id="a list"),
        pytest.param({"namespaceSelector": {"matchLabels": {"team": "core"}}}, {"dating"}, id="a selector"),
        pytest.param(
            {"namespaces": ["chat"], "namespaceSelector": {"matchLabels": {"team": "core"}}},
            {"chat", "dating"},
            id="both",
        ),
    ],
)
def test_who_may_use_one(spec: JsonObject, allowed: set[str]) -> None:
    scene = Scene()
    scene.put("a", **spec)
    scene.look()

    teams = {"dating": "core", "chat": "talk", "staff": "people"}
    assert {each for each, team in teams.items() if scene.choose("a", each, team=team) == "a"} == allowed


def test_no_other_takes_the_place_of_one_that_is_named() -> None:
    scene = Scene()
    scene.put("default", namespaces=["chat"])
    scene.put("broken", url="ftp://p")
    scene.put("secret", auth={"bearer": {"name": "gone"}})
    scene.look()

    assert scene.choose("nowhere") == (
        "not found: spec.sourceRef nowhere: there is no PrometheusSource nowhere: create it or name another"
        " (there is secret)"
    )
    assert "label frostline.dev/source=nowhere of namespace dating: there is no" in scene.choose(**{SOURCE: "nowhere"})
    assert scene.choose().startswith("not allowed: no source is named: PrometheusSource default is not for namespace")
    assert scene.choose("broken").startswith("not usable: spec.sourceRef broken: PrometheusSource broken cannot be")
    assert "there is no Secret gone in namespace frostline-system" in scene.choose("secret")


def test_a_namespace_that_was_not_seen_yet_is_measured_nowhere() -> None:
    scene = Scene()
    assert isinstance(scene.sources.choose(None, "dating", None), Chosen)
    scene.put("a")
    scene.look()

    found = scene.sources.choose(None, "dating", None)
    assert isinstance(found, NoSource)
    assert found.why is Unsourced.NOT_USABLE


def test_secrets_are_read_again_and_nothing_is_built_anew_while_they_are_the_same() -> None:
    scene = Scene()
    scene.contents.secrets["token"] = {"token": b"first-token"}
    scene.put("a", auth={"bearer": {"name": "token"}})
    scene.look()
    lane = scene.sources.lanes()[-1]
    scene.look(5)
    assert scene.contents.reads == 1
    scene.look(30)
    assert scene.contents.reads == 2
    assert scene.sources.lanes()[-1] is lane

    scene.contents.secrets["token"] = {"token": b"second-token"}
    scene.look(30)

    assert [each.headers["Authorization"] for _, each in scene.built] == ["Bearer first-token", "Bearer second-token"]
    assert scene.sources.lanes()[-1] is not lane


def test_credentials_are_no_other_data_but_an_address_or_a_tenant_is() -> None:
    scene = Scene()
    scene.contents.secrets["token"] = {"token": b"first-token"}
    token = {"bearer": {"name": "token"}}

    def origin(**spec: Any) -> str:
        scene.put("a", **spec)
        scene.look()
        return scene.sources.known["a"].origin

    first = origin(auth=token)
    scene.contents.secrets["token"] = {"token": b"second-token"}
    assert origin(auth=token, concurrency=9) == first
    tenant = origin(headers=[{"name": "X-Scope-OrgID", "value": "b"}])
    assert tenant != first
    assert origin(url="http://elsewhere") not in (first, tenant)


def test_what_cannot_be_read_now_stays_as_it_was() -> None:
    scene = Scene()
    scene.contents.secrets["token"] = {"token": b"first-token"}
    scene.put("a", auth={"bearer": {"name": "token"}})
    scene.look()
    scene.contents.trouble = ApiException(status=503, reason="down")

    scene.look(30)
    assert scene.choose("a") == "a"

    scene.put("a", auth={"bearer": {"name": "other"}})
    scene.look()
    assert "its Secrets cannot be read" in scene.choose("a")
    scene.contents.trouble = None
    scene.contents.secrets["other"] = {"token": b"t"}
    scene.look(30)
    assert scene.choose("a") == "a"


def test_a_secret_that_goes_and_comes_back() -> None:
    scene = Scene()
    scene.put("a", auth={"bearer": {"name": "token"}})
    scene.look()
    assert "there is no Secret token" in scene.choose("a")

    scene.contents.secrets["token"] = {"token": b"t"}
    scene.look(30)
    assert scene.choose("a") == "a"
    del scene.contents.secrets["token"]
    scene.look(30)
    assert "there is no Secret token" in scene.choose("a")
    assert [each.name for each in scene.sources.lanes()] == [OWN_NAME]


def test_a_way_of_measuring_that_there_is_not() -> None:
    scene = Scene()
    scene.refuses = "spec.measuring: this operator does not measure so"
    scene.put("a", measuring="Recorded")
    scene.look()

    assert "spec.measuring: this operator" in scene.choose("a")


def test_one_that_is_deleted_is_forgotten() -> None:
    scene = Scene()
    scene.put("a")
    scene.look()
    scene.stored.clear()
    scene.look()

    assert scene.dropped == ["a"]
    assert scene.choose("a").startswith("not found")
    assert set(scene.sources.asked()) == {OWN_NAME}
