import copy
from typing import Any

import pytest

from frostline import names
from frostline.controller.workloads import Workloads, seen_workload
from frostline.core.gate import Workload
from tests.controller.world.manifests import merged, template

MARK = {str(names.Label.RELEASES): "Freeze"}
DONE = {"observedGeneration": 3, "updatedReplicas": 2, "availableReplicas": 2}


def deployment(**more: Any) -> dict[str, Any]:
    least = {
        "kind": "Deployment",
        "metadata": {"namespace": "dating", "name": "gateway", "uid": "a", "resourceVersion": "1", "generation": 3},
        "spec": {"replicas": 2, "template": template("app:1")},
        "status": DONE,
    }
    found: dict[str, Any] = merged(least, more)
    return found


def test_what_is_read_of_a_workload() -> None:
    notes = {str(names.Annotation.LEVEL): "Exhausted", "other": "x"}

    seen = seen_workload(deployment(metadata={"labels": {**MARK, "app": "x"}, "annotations": notes}))

    assert seen.key == Workload("dating", "Deployment", "gateway")
    assert seen.labels == {**MARK, "app": "x"}
    assert seen.marks == {**MARK, str(names.Annotation.LEVEL): "Exhausted"}
    assert seen.template() == template("app:1")
    assert (seen.deleting, seen.settled, seen.changed_at) == (False, True, 0)


@pytest.mark.parametrize("absent", [{}, {"labels": None, "annotations": None}])
def test_a_workload_without_labels_and_annotations(absent: dict[str, Any]) -> None:
    seen = seen_workload(deployment(metadata=absent))

    assert (seen.labels, seen.marks) == ({}, {})


@pytest.mark.parametrize(
    ("more", "settled"),
    [
        pytest.param({}, True, id="all of them"),
        pytest.param({"status": {"updatedReplicas": 1}}, False, id="one still old"),
        pytest.param({"status": {"availableReplicas": 1}}, False, id="one not available"),
        pytest.param({"status": {"availableReplicas": None}}, False, id="none available"),
        pytest.param({"status": {"observedGeneration": 2}}, False, id="not looked at yet"),
        pytest.param({"status": None}, False, id="no status"),
        pytest.param({"spec": {"replicas": 0}, "status": {"updatedReplicas": None}}, True, id="scaled to nothing"),
        pytest.param({"spec": {"replicas": None}}, True, id="one by default"),
        pytest.param({"kind": "StatefulSet"}, True, id="StatefulSet"),
        pytest.param({"kind": "StatefulSet", "status": {"updatedReplicas": None}}, False, id="StatefulSet, old"),
        pytest.param(
            {
                "kind": "DaemonSet",
                "status": {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3},
            },
            True,
            id="DaemonSet",
        ),
        pytest.param(
            {
                "kind": "DaemonSet",
                "status": {"desiredNumberScheduled": 3, "updatedNumberScheduled": 2, "numberAvailable": 3},
            },
            False,
            id="DaemonSet, one still old",
        ),
    ],
)
def test_when_a_template_runs_everywhere(more: dict[str, Any], *, settled: bool) -> None:
    assert seen_workload(deployment(**more)).settled is settled


def test_a_status_is_no_change_of_the_template() -> None:
    fields = [
        {"time": "2027-01-15T08:00:00Z", "manager": "kubectl"},
        {"time": "2027-01-15T09:00:00Z", "manager": "controller", "subresource": "status"},
        {"manager": "timeless"},
    ]

    assert seen_workload(deployment(metadata={"managedFields": fields})).changed_at == 1_800_000_000


MARKED = {"metadata": {"labels": MARK}}


@pytest.mark.parametrize(
    ("old", "new", "woken"),
    [
        pytest.param({}, {"metadata": {"labels": {"app": "y"}}}, 1, id="a label"),
        pytest.param({}, {"metadata": {"annotations": {"team": "core"}}}, 0, id="an annotation of others"),
        pytest.param({}, {"spec": {"template": template("app:2")}}, 0, id="a template nobody holds back"),
        pytest.param({}, {"spec": {"replicas": 5}}, 0, id="scale"),
        pytest.param(MARKED, {"spec": {"template": template("app:2")}}, 1, id="a template that is held back"),
        pytest.param(MARKED, {"status": {"availableReplicas": 1}}, 1, id="a held one settles or not"),
        pytest.param(MARKED, {"metadata": {"labels": dict.fromkeys(MARK)}}, 1, id="our mark is lost"),
        pytest.param(MARKED, {"metadata": {"annotations": {"team": "core"}}}, 0, id="nothing of it"),
        pytest.param(MARKED, {"metadata": {"deletionTimestamp": "2027-01-15T08:00:00Z"}}, 1, id="on its way out"),
    ],
)
def test_what_is_news(old: dict[str, Any], new: dict[str, Any], woken: int) -> None:
    known, calls = Workloads(), []
    before = deployment(**old)
    known.put(before)
    known.on_change(lambda: calls.append(1))

    after = merged(copy.deepcopy(before), new)
    after["metadata"]["resourceVersion"] = "2"
    known.put(after)

    assert len(calls) == woken


def test_kinds_of_one_name_are_different_workloads() -> None:
    known = Workloads()

    known.put(deployment())
    known.put(deployment(kind="StatefulSet"))

    assert len(known.snapshot()) == 2
