import copy
from collections.abc import Callable
from typing import Any

import pytest

from frostline.core.gate import Workload
from frostline.core.policy import Rule
from frostline.webhook.index import Index
from tests.webhook.requests import gate_manifest

WEB = Workload("dating", "Deployment", "web")


def test_a_gate_is_found_by_its_workload_alone() -> None:
    index = Index()
    index.put(gate_manifest())

    found = index.find(WEB)
    assert found is not None
    assert found.rule is Rule.FREEZE
    assert len(index) == 1
    for other in (WEB._replace(namespace="chat"), WEB._replace(kind="StatefulSet"), WEB._replace(name="we")):
        assert index.find(other) is None


def test_a_newer_state_takes_the_place_of_the_old_one() -> None:
    index = Index()
    index.put(gate_manifest(version="1", rule="Freeze"))
    index.put(gate_manifest(version="2", rule="Slush"))

    found = index.find(WEB)
    assert found is not None
    assert found.rule is Rule.SLUSH


def test_a_state_that_is_known_is_not_read_again() -> None:
    index = Index()
    index.put(gate_manifest(version="1"))
    before = index.find(WEB)

    index.put(gate_manifest(version="1"))

    assert index.find(WEB) is before


def test_dropped_and_not_kept_gates_are_gone() -> None:
    index = Index()
    for name in ("web", "api", "chat"):
        index.put(gate_manifest(name))

    index.drop(("dating", "deployment-api"))
    index.drop(("dating", "deployment-never-there"))
    index.keep({("dating", "deployment-web")})

    assert len(index) == 1
    assert index.find(WEB) is not None


def _a_list_of_nothing(spec: dict[str, Any]) -> None:
    spec["good"] = [None]


def _no_rule(spec: dict[str, Any]) -> None:
    del spec["rule"]


def _a_container_without_a_name(spec: dict[str, Any]) -> None:
    spec["good"][0]["template"]["containers"] = [{}]


def _another_workload(spec: dict[str, Any]) -> None:
    spec["workload"]["name"] = "api"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(_a_list_of_nothing, "validation error", id="a list of nothing"),
        pytest.param(_no_rule, "validation error", id="no rule"),
        pytest.param(_a_container_without_a_name, "name", id="a container without a name"),
        pytest.param(_another_workload, "called deployment-api", id="the name of another workload's gate"),
    ],
)
def test_a_gate_that_cannot_be_read_is_told_once_and_stops_nothing(
    spoil: Callable[[dict[str, Any]], None], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    index = Index()
    for version in ("1", "2", "3"):
        spoiled = copy.deepcopy(gate_manifest(version=version))
        spoil(spoiled["spec"])
        index.put(spoiled)
    index.put(gate_manifest("other"))

    assert index.find(WEB) is None
    assert len(index) == 1
    assert len(caplog.records) == 1
    assert "releasegate deployment-web in namespace dating" in caplog.text
    assert says in caplog.text

    index.put(gate_manifest(version="4"))
    assert index.find(WEB) is not None
