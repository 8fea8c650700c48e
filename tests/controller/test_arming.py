import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.aio.client import ApiException

from frostline import names
from frostline.controller.arming import Arming, metric
from frostline.core.armed import OBJECTS, Answer, Armed, Facts, Killed, Mark, NotYet, Part
from frostline.kubernetes.events import Told

URL = {"url": "https://127.0.0.1:9443/review"}
POLICIES = frozenset((names.Admission.FREEZE, names.Admission.KEEP, names.Admission.PROBE))
PARTS = {f"{kind}/{name}": part for part, (kind, name) in OBJECTS.items()}


def called(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@dataclass
class Cluster:
    """An API server that knows the kind after it was asked `patience` times."""

    patience: int = 1
    objects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    marks: dict[Part, Mark] = field(default_factory=dict)
    policies: frozenset[names.Admission] = POLICIES
    told: list[Told] = field(default_factory=list)
    refuses: Exception | None = None
    looks: int = 0
    writes: int = 0

    async def facts(self) -> Facts:
        self.looks += 1
        if self.refuses is not None:
            raise self.refuses
        return Facts(
            validates=True,
            served=True,
            policies=self.policies,
            present={part: self.objects[name] for name, part in PARTS.items() if name in self.objects},
            marks=dict(self.marks),
            probe=self._asked(),
        )

    def _asked(self) -> Answer | None:
        if "ValidatingAdmissionPolicyBinding/frostline-probe" not in self.objects:
            return None
        self.patience -= 1
        return Answer.KNOWN if self.patience < 0 else Answer.UNKNOWN

    async def make(self, manifest: Mapping[str, Any]) -> None:
        assert called(manifest) not in self.objects
        self.writes += 1
        self.objects[called(manifest)] = manifest

    async def restore(self, live: Mapping[str, Any], patch: Mapping[str, Any]) -> None:
        self.writes += 1
        self.objects[called(live)] = {**live, **{key: value for key, value in patch.items() if key != "metadata"}}

    async def drop(self, manifest: Mapping[str, Any]) -> None:
        self.writes += 1
        self.objects.pop(called(manifest), None)

    async def note(self, marks: Mapping[Part, Mark | None]) -> None:
        self.writes += 1
        for part, mark in marks.items():
            self.marks.pop(part, None)
            if mark is not None:
                self.marks[part] = mark

    async def tell(self, told: Told) -> None:
        self.told.append(told)

    def kill(self, part: Part) -> None:
        kind, name = OBJECTS[part]
        self.objects.pop(f"{kind}/{name}", None)

    def has(self, part: Part) -> bool:
        kind, name = OBJECTS[part]
        return f"{kind}/{name}" in self.objects


def look(arming: Arming, now: float, ca_bundle: bytes | None = b"PEM") -> object:
    return asyncio.run(arming.run(ca_bundle, now))


def armed(cluster: Cluster) -> Arming:
    arming = Arming(cluster, URL)
    for second in range(10):
        look(arming, second)
    assert isinstance(arming.state, Armed)
    return arming


def test_arms_as_soon_as_the_api_server_knows_the_kind() -> None:
    cluster = Cluster(patience=3)
    arming = Arming(cluster, URL)

    states = [type(look(arming, second)) for second in range(5)]

    assert states[0] is NotYet
    assert states[-1] is Armed
    assert sorted(cluster.objects) == sorted(PARTS)
    assert [told.reason for told in cluster.told] == [names.Reason.ARMED]


def test_looks_twice_a_minute_and_writes_nothing_when_all_is_well() -> None:
    cluster = Cluster()
    arming = armed(cluster)
    before = (cluster.looks, cluster.writes)

    for second in range(10, 70):
        look(arming, second)

    assert cluster.looks - before[0] == 2
    assert cluster.writes == before[1]


def test_a_new_certificate_is_not_kept_waiting() -> None:
    cluster = Cluster()
    arming = armed(cluster)

    look(arming, 10, b"NEW")

    (webhook,) = cluster.objects["MutatingWebhookConfiguration/frostline"]["webhooks"]
    assert webhook["clientConfig"]["caBundle"] == "TkVX"


def test_the_kill_switch_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster()
    arming = armed(cluster)
    for part in Part:
        cluster.kill(part)

    with caplog.at_level(logging.INFO):
        for second in (60, 120, 180):
            look(arming, second)

    assert isinstance(arming.state, Killed)
    assert arming.state.since == 60
    assert [told.reason for told in cluster.told[1:]] == [names.Reason.KILL_SWITCH]
    assert sum("switched off by hand" in line for line in caplog.messages) == 1


def test_a_restarted_operator_remembers_the_kill_switch() -> None:
    cluster = Cluster()
    armed(cluster)
    for part in Part:
        cluster.kill(part)
    look(Arming(cluster, URL), 60)

    restarted = Arming(cluster, URL)
    look(restarted, 1000)

    assert cluster.objects == {}
    assert isinstance(restarted.state, Killed)
    assert restarted.state.since == 60
    assert len(cluster.told) == 2


def test_forgetting_arms_again() -> None:
    cluster = Cluster()
    arming = armed(cluster)
    cluster.kill(Part.FREEZE)
    look(arming, 60)
    del cluster.marks[Part.FREEZE]

    for second in range(120, 125):
        look(arming, second)

    assert arming.state == Armed(frozenset(Part))


def test_a_lack_of_rights_is_said_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster(refuses=ApiException(status=403, reason="Forbidden"))
    arming = Arming(cluster)

    with caplog.at_level(logging.WARNING):
        for second in (0, 60):
            look(arming, second)

    assert isinstance(arming.state, NotYet)
    assert "role lacks a right: 403 Forbidden" in arming.state.sentence
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("error", [ApiException(status=500, reason="Oops"), TimeoutError()], ids=["500", "time-out"])
def test_an_api_server_in_trouble_changes_nothing(error: Exception) -> None:
    cluster = Cluster()
    arming = armed(cluster)
    before = arming.state
    cluster.refuses = error

    look(arming, 60)

    assert arming.state == before


def test_metric_says_which_parts_are_armed() -> None:
    samples = metric(Killed({Part.KEEP: 0}, frozenset({Part.FREEZE}))).samples

    assert {sample.labels["part"]: sample.value for sample in samples} == {"freeze": 1, "keep": 0, "webhook": 0}


EVENTS = st.one_of(
    st.tuples(st.just("kill"), st.sampled_from(list(Part))),
    st.tuples(st.just("resume"), st.sampled_from(list(Part))),
    st.tuples(st.just("look"), st.none()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("lose certificate"), st.none()),
)


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=30))
def test_what_was_switched_off_comes_back_by_resume_only(events: list[tuple[str, Part | None]]) -> None:
    cluster = Cluster()
    arming = armed(cluster)
    off: set[Part] = set()
    ca_bundle: bytes | None = b"PEM"
    for now, (event, part) in enumerate(events, start=1):
        if event == "kill" and part is not None:
            cluster.kill(part)
            # What is deleted before anything remembers it was never armed.
            off |= {part} if part in cluster.marks else set()
        elif event == "resume" and part is not None:
            cluster.marks.pop(part, None)
            off.discard(part)
        elif event == "restart":
            arming = Arming(cluster, URL)
        elif event == "lose certificate":
            ca_bundle = None
        look(arming, now * 100, ca_bundle)
        assert not any(cluster.has(each) for each in off)


def test_policies_that_went_away_and_came_back_are_remembered_anew() -> None:
    cluster = Cluster()
    arming = armed(cluster)

    cluster.policies, cluster.marks = frozenset(), {}
    look(arming, 60)
    assert isinstance(arming.state, NotYet)
    assert arming.state.parts == {Part.WEBHOOK}
    assert cluster.marks == {}

    cluster.policies = POLICIES
    look(arming, 120)
    assert isinstance(arming.state, Armed)
    assert set(cluster.marks) == set(Part)
