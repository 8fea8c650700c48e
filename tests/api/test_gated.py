from typing import Any

from frostline.api.gated import gate
from frostline.core.gate import Workload
from frostline.core.policy import Level, OverrideClass, Rule
from frostline.core.projection import Shape, canonical, project

TEMPLATE: dict[str, Any] = {"spec": {"containers": [{"name": "app", "image": "app:1"}]}}


def manifest(**more: Any) -> dict[str, Any]:
    spec = {
        "workload": {"kind": "Deployment", "name": "gateway"},
        "rule": "Freeze",
        "since": "2026-11-21T08:00:00Z",
        "by": [
            {
                "objective": "availability",
                "uid": "a",
                "policy": "default",
                "through": "Deployment/gateway",
                "level": "Exhausted",
                "since": "2026-11-21T07:59:00Z",
                "rule": "Freeze",
                "budget": "-3%",
            }
        ],
        "message": "held",
        **more,
    }
    return {"metadata": {"namespace": "dating", "name": "deployment-gateway"}, "spec": spec}


def test_what_a_gate_says_reaches_the_core() -> None:
    until = "2026-11-21T09:00:00Z"
    override = {"name": "fix", "uid": "f", "class": "Security", "until": until, "users": ["ann"], "images": ["app:2"]}
    read = gate(
        manifest(
            overrideClasses=["Security"],
            shape={"ignoredContainers": ["proxy"]},
            running=project(TEMPLATE, Shape()),
            good=[{"source": "revision 1", "template": project(TEMPLATE, Shape())}],
            overrides=[override],
        )
    )

    assert read.workload == Workload("dating", "Deployment", "gateway")
    assert (read.rule, read.claims[0].level, read.claims[0].measured_at) == (Rule.FREEZE, Level.EXHAUSTED, None)
    assert read.since - read.claims[0].since == 60
    assert read.override_classes == {OverrideClass.SECURITY}
    assert read.shape == Shape(ignored_containers=frozenset({"proxy"}))
    assert read.running == read.good[0].template == canonical(project(TEMPLATE, Shape()))
    (exception,) = read.overrides
    assert exception.until - read.since == 3600
    assert exception.users == frozenset({"ann"})
    assert exception.images == frozenset({"app:2"})
    assert exception.template is None


def test_a_gate_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    newer = manifest(fromTheFuture=True)
    newer["spec"]["by"][0]["alsoNew"] = {"a": 1}

    assert gate(newer) == gate(manifest())
