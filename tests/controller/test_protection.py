import pytest

from frostline.api.objective import Protected
from frostline.controller.protection import Workloads, by_namespace, entry_text, missing, protected
from frostline.controller.workloads import SeenWorkload
from frostline.core.gate import Workload


def seen(name: str, kind: str = "Deployment", namespace: str = "dating", **labels: str) -> SeenWorkload:
    return SeenWorkload(
        key=Workload(namespace, kind, name),
        uid=name,
        version="1",
        deleting=False,
        labels=labels,
        marks={},
        packed=b"",
        changed_at=0,
        settled=True,
    )


def named(name: str, kind: str = "Deployment") -> Protected:
    return Protected.model_validate({"kind": kind, "name": name})


def selected(kind: str = "Deployment", **labels: str) -> Protected:
    return Protected.model_validate({"kind": kind, "selector": {"matchLabels": labels}})


HERE = [
    seen("gateway", app="x", tier="web"),
    seen("search", app="x", tier="back"),
    seen("gateway", "StatefulSet", app="x"),
    seen("cellar"),
]


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        pytest.param(named("gateway"), ["deployment/gateway"], id="by name"),
        pytest.param(named("gateway", "StatefulSet"), ["statefulset/gateway"], id="by name, another kind"),
        pytest.param(named("gate"), [], id="a part of a name"),
        pytest.param(selected(app="x"), ["deployment/gateway", "deployment/search"], id="by label"),
        pytest.param(selected(app="x", tier="web"), ["deployment/gateway"], id="by all labels"),
        pytest.param(selected("DaemonSet", app="x"), [], id="by label, another kind"),
        pytest.param(selected(app="y"), [], id="another value"),
    ],
)
def test_what_an_entry_names(entry: Protected, found: list[str]) -> None:
    assert sorted(map(str, protected([entry], Workloads(HERE)))) == found
    assert bool(missing([entry], Workloads(HERE))) == (not found)


def test_the_first_entry_that_names_a_workload_counts() -> None:
    found = protected([selected(app="x"), named("gateway")], Workloads(HERE))

    assert set(found.values()) == {"Deployment app=x"}


def test_entries_that_nothing_answers_to_are_told_by_their_place() -> None:
    assert missing([named("gateway"), named("gatewya"), selected(app="z")], Workloads(HERE)) == [
        (1, "Deployment/gatewya"),
        (2, "Deployment app=z"),
    ]


def test_labels_of_an_entry_are_told_in_one_order() -> None:
    assert entry_text(selected(b="2", a="1")) == entry_text(selected(a="1", b="2")) == "Deployment a=1,b=2"


def test_long_entries_are_told_apart_within_what_a_gate_can_say() -> None:
    labels = {f"{'n' * 60}-{number}": "v" * 63 for number in range(20)}
    one, other = selected(**labels, z="1"), selected(**labels, z="2")

    assert entry_text(one) != entry_text(other)
    assert max(len(entry_text(each)) for each in (one, other)) <= 512


def test_namespaces_are_kept_apart() -> None:
    found = by_namespace([*HERE, seen("gateway", namespace="billing")])

    assert [str(each.key) for each in found["billing"].of(named("gateway"))] == ["deployment/gateway"]
    assert len(list(found["dating"].of(selected(app="x")))) == 2
