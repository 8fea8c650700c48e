"""Nobody undoes a freeze by hand, cluster admins and GitOps tools included; the bypass and the cluster itself pass."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from e2e.api import OPERATOR, Answer, Api, gates
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.core.gate import Workload
from frostline.core.verdict import COLLECTORS, Why
from frostline.names import BYPASS_GROUP
from tests.support.rollouts import Case

MERGE = "application/merge-patch+json"
GROUP = "/apis/frostline.dev/v1alpha1"
GITOPS = "system:serviceaccount:flux-system:kustomize-controller"

Patch = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A namespace with a frozen promise, and people who may do everything that RBAC can give."""

    api: Api
    namespace: str
    admins: str
    policy: str

    def objective(self, subresource: str = "") -> str:
        return f"{GROUP}/namespaces/{self.namespace}/servicelevelobjectives/web{subresource}"

    @property
    def overrides(self) -> str:
        return f"{GROUP}/namespaces/{self.namespace}/releaseoverrides"

    def policy_path(self, subresource: str = "") -> str:
        return f"{GROUP}/errorbudgetpolicies/{self.policy}{subresource}"

    @property
    def gate(self) -> str:
        return gates(self.namespace, "deployment-web")

    def try_(
        self, method: str, path: str, body: Patch | None = None, *, user: str = "root", bypass: bool = False
    ) -> Answer:
        """Try something as a dry run, with all rights that RBAC can give."""
        groups = (self.admins, *((BYPASS_GROUP,) if bypass else ()))
        kind = MERGE if method == "PATCH" else "application/json"
        if method == "DELETE":
            dry = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
            return self.api(method, path, dry, user=user, groups=groups)
        return self.api(method, f"{path}?dryRun=All", body, user=user, groups=groups, kind=kind)


def objective(namespace: str) -> Patch:
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "indicator": {"ratio": {"bad": 'bad{job="web"}', "valid": 'all{job="web"}'}},
            "objective": {"target": 99.9},
            "window": {"rolling": "30d"},
            "policyRef": "default",
            "protects": [
                {"kind": "Deployment", "name": "web"},
                {"kind": "StatefulSet", "selector": {"matchLabels": {"app": "db"}}},
            ],
        },
    }


def override(by: str) -> Patch:
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ReleaseOverride",
        "metadata": {"name": "fix"},
        "spec": {
            "class": "Security",
            "reason": "a hole",
            "workloads": [{"kind": "Deployment", "name": "web"}],
            "expiresAt": "2099-01-01T00:00:00Z",
            "requestedBy": by,
        },
    }


@pytest.fixture(scope="module")
def world(cluster: Cluster, kubectl: RunsKubectl) -> Iterator[World]:
    api = Api(cluster)
    some = uuid.uuid4().hex[:6]
    made = World(api, f"guards-{some}", f"admins-{some}", f"policy-{some}")
    kubectl("create", "namespace", made.namespace)
    kubectl("create", "clusterrolebinding", made.admins, "--clusterrole=cluster-admin", f"--group={made.admins}")
    collection = f"{GROUP}/namespaces/{made.namespace}/servicelevelobjectives"
    assert api("POST", collection, objective(made.namespace)).status == 201
    policy = {"apiVersion": "frostline.dev/v1alpha1", "kind": "ErrorBudgetPolicy", "metadata": {"name": made.policy}}
    spec = {"passes": {"withheld": ["Labels"], "ignoredVolumes": ["mesh"]}}
    assert api("POST", f"{GROUP}/errorbudgetpolicies", policy | {"spec": spec}).status == 201
    source = {"apiVersion": "frostline.dev/v1alpha1", "kind": "PrometheusSource", "metadata": {"name": made.policy}}
    assert api("POST", f"{GROUP}/prometheussources", source | {"spec": {"url": "http://p"}}).status == 201
    write(api, made.objective("/status"), {"status": {"releases": "Freeze"}})
    write(api, made.policy_path("/status"), {"status": {"objectives": 1, "holding": 2}})
    gate = Case("", "", Why.HELD, "").manifest(Workload(made.namespace, "Deployment", "web"))
    assert api("POST", gates(made.namespace), gate, user=OPERATOR).status == 201
    namespace = f"/api/v1/namespaces/{made.namespace}"
    write(api, namespace, {"metadata": {"labels": {"frostline.dev/enforced": "true", "frostline.dev/mode": "Warn"}}})
    yield made
    write(api, made.policy_path("/status"), {"status": {"holding": 0}})
    api("DELETE", made.policy_path())
    api("DELETE", f"{GROUP}/prometheussources/{made.policy}")
    kubectl("delete", "namespace", made.namespace, "--wait=false", "--ignore-not-found")
    kubectl("delete", "clusterrolebinding", made.admins)
    api.close()


def write(api: Api, path: str, body: Patch) -> None:
    """Write as the operator does."""
    answer = api("PATCH", path, body, user=OPERATOR, kind=MERGE)
    assert answer.status == 200, answer.message


def refused(answer: Answer, *words: str) -> None:
    assert answer.status in (403, 422), answer
    for word in words:
        assert word in answer.message
    assert "\n" not in answer.message


RECORDS = [
    pytest.param("POST", "gates", {}, id="create a gate"),
    pytest.param("PATCH", "gate", {"spec": {"rule": "Warn"}}, id="loosen a gate"),
    pytest.param("PATCH", "gate", {"metadata": {"labels": {"a": "b"}}}, id="label a gate"),
    pytest.param("DELETE", "gate", None, id="delete a gate"),
    pytest.param("PATCH", "objective", {"status": {"releases": "Open"}}, id="write an objective's status"),
    pytest.param("PATCH", "policy", {"status": {"holding": 0}}, id="write a policy's status"),
    pytest.param("PATCH", "source", {"status": {"objectives": 7}}, id="write a source's status"),
]


@pytest.mark.parametrize("user", ["root", GITOPS])
@pytest.mark.parametrize(("method", "what", "body"), RECORDS)
def test_records_are_the_operators(world: World, method: str, what: str, body: Patch | None, user: str) -> None:
    path = {
        "gates": gates(world.namespace),
        "gate": world.gate,
        "objective": world.objective("/status"),
        "policy": world.policy_path("/status"),
        "source": f"{GROUP}/prometheussources/{world.policy}/status",
    }[what]
    if what == "gates":
        body = Case("", "", Why.HELD, "").manifest(Workload(world.namespace, "Deployment", "other"))

    refused(world.try_(method, path, body, user=user), "only the Frostline operator writes", f"--as={user}")
    assert world.try_(method, path, body, user=user, bypass=True).status < 300
    assert world.try_(method, path, body, user=OPERATOR).status < 300


def test_the_cluster_takes_gates_along(world: World) -> None:
    for user in COLLECTORS:
        assert world.try_("DELETE", world.gate, user=user).status == 200


WEAKENED = [
    pytest.param({"indicator": {"ratio": {"valid": 'all{job="other"}'}}}, "indicator", id="indicator"),
    pytest.param({"budgeting": {"method": "Timeslices", "sliceTarget": 95}}, "budgeting", id="budgeting"),
    pytest.param({"window": {"rolling": "7d"}}, "window", id="window"),
    pytest.param({"policyRef": "loose"}, "policyRef", id="another policy"),
    pytest.param({"policyRef": None}, "policyRef", id="no policy"),
    pytest.param({"sourceRef": "kinder"}, "sourceRef", id="another source"),
    pytest.param({"objective": {"target": 99}}, "target", id="target lowered"),
    pytest.param({"protects": []}, "protects", id="nothing protected"),
    pytest.param(
        {"protects": [{"kind": "StatefulSet", "selector": {"matchLabels": {"app": "db"}}}]},
        "protects",
        id="one protected less",
    ),
]


@pytest.mark.parametrize(("spec", "named"), WEAKENED)
def test_a_promise_that_holds_is_not_weakened(world: World, spec: Patch, named: str) -> None:
    path, body = world.objective(), {"spec": spec}

    refused(world.try_("PATCH", path, body), "holds releases back (Freeze)", named, f"--as-group={BYPASS_GROUP}")
    assert world.try_("PATCH", path, body, bypass=True).status == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"spec": {"objective": {"target": 99.95}}}, id="target raised"),
        pytest.param({"spec": {"owner": "team-web", "rationale": "…"}}, id="owner and rationale"),
        pytest.param({"metadata": {"labels": {"a": "b"}}}, id="metadata"),
        pytest.param(
            {"spec": {"protects": [*objective("")["spec"]["protects"], {"kind": "DaemonSet", "name": "agent"}]}},
            id="one protected more",
        ),
    ],
)
def test_a_promise_that_holds_can_be_made_stricter(world: World, body: Patch) -> None:
    answer = world.try_("PATCH", world.objective(), body)

    assert answer.status == 200, answer.message


def test_a_promise_that_holds_is_not_deleted(world: World) -> None:
    refused(world.try_("DELETE", world.objective()), "cannot be deleted")
    assert world.try_("DELETE", world.objective(), bypass=True).status == 200
    for user in COLLECTORS:
        assert world.try_("DELETE", world.objective(), user=user).status == 200


LOOSENED = [
    ({"mode": "Warn"}, "mode"),
    ({"releases": {"depleting": "Open"}}, "releases.depleting"),
    ({"releases": {"endangered": "Warn"}}, "releases.endangered"),
    ({"releases": {"exhausted": "Slush"}}, "releases.exhausted"),
    ({"overrides": {"exhausted": ["LowRisk", "Security"]}}, "overrides.exhausted"),
    ({"overrides": {"longest": "2d"}}, "overrides.longest"),
    ({"overrides": {"longest": "1500m"}}, "overrides.longest"),
    ({"passes": {"withheld": []}}, "passes.withheld"),
    ({"passes": {"withheld": None}}, "passes.withheld"),
    ({"passes": {"ignoredAnnotations": ["a"]}}, "passes.ignoredAnnotations"),
    ({"passes": {"ignoredContainers": ["a"]}}, "passes.ignoredContainers"),
    ({"passes": {"ignoredVolumes": ["mesh", "other"]}}, "passes.ignoredVolumes"),
    ({"lift": {"hold": "59m"}}, "lift.hold"),
    ({"hysteresis": {"hold": "899s"}}, "hysteresis.hold"),
    ({"hysteresis": {"margin": 1.5}}, "hysteresis.margin"),
    ({"levels": {"depleting": 69.5}}, "levels.depleting"),
    ({"levels": {"endangered": 29}}, "levels.endangered"),
    ({"burn": {"depleting": 2.5}}, "burn.depleting"),
    ({"burn": {"endangered": 6}}, "burn.endangered"),
    ({"namespaces": ["elsewhere"]}, "namespaces"),
]


@pytest.mark.parametrize(("spec", "named"), LOOSENED, ids=[str(spec) for spec, _ in LOOSENED])
def test_a_policy_that_holds_is_not_loosened(world: World, spec: Patch, named: str) -> None:
    path, body = world.policy_path(), {"spec": spec}

    refused(world.try_("PATCH", path, body), "holds releases of 2 workloads back", named, f"--as-group={BYPASS_GROUP}")
    assert world.try_("PATCH", path, body, bypass=True).status == 200


TIGHTENED: list[Patch] = [
    {"releases": {"depleting": "Slush", "endangered": "Freeze"}},
    {"overrides": {"exhausted": ["Security"], "longest": "1d"}},
    {"overrides": {"longest": "86400s"}},
    {"overrides": {"longest": "12h"}},
    {"passes": {"withheld": ["Labels", "Probes"], "ignoredVolumes": []}},
    {"lift": {"hold": "1d"}, "hysteresis": {"hold": "1h", "margin": 2.5}},
    {"levels": {"depleting": 80, "endangered": 30.5}, "burn": {"depleting": 1.5, "endangered": 4}},
]


@pytest.mark.parametrize("spec", TIGHTENED, ids=str)
def test_a_policy_that_holds_can_be_made_stricter(world: World, spec: Patch) -> None:
    answer = world.try_("PATCH", world.policy_path(), {"spec": spec})

    assert answer.status == 200, answer.message


def test_a_policy_that_holds_is_not_deleted(world: World) -> None:
    refused(world.try_("DELETE", world.policy_path()), "cannot be deleted")
    assert world.try_("DELETE", world.policy_path(), bypass=True).status == 200


LABELS = [
    ({"frostline.dev/enforced": None}, "frostline.dev/enforced"),
    ({"frostline.dev/enforced": "false"}, "frostline.dev/enforced"),
    ({"frostline.dev/mode": "Observe"}, "from Warn to Observe"),
    ({"frostline.dev/source": "kinder"}, "label frostline.dev/source cannot be changed"),
]


@pytest.mark.parametrize("subresource", ["", "/status"])
@pytest.mark.parametrize(("labels", "named"), LABELS, ids=[str(labels) for labels, _ in LABELS])
def test_labels_of_an_enforced_namespace(world: World, labels: Patch, named: str, subresource: str) -> None:
    path, body = f"/api/v1/namespaces/{world.namespace}{subresource}", {"metadata": {"labels": labels}}

    refused(world.try_("PATCH", path, body), named, f"--as-group={BYPASS_GROUP}")
    assert world.try_("PATCH", path, body, bypass=True).status == 200
    assert world.try_("PATCH", path, body, user=OPERATOR).status == 200


@pytest.mark.parametrize("mode", ["Enforce", None])
def test_the_mode_goes_up_at_any_time(world: World, mode: str | None) -> None:
    body = {"metadata": {"labels": {"frostline.dev/mode": mode, "team": "a"}}}

    assert world.try_("PATCH", f"/api/v1/namespaces/{world.namespace}", body).status == 200


@pytest.mark.parametrize(("mode", "status"), [("Observe", 201), ("Warn", 201), ("Enforce", 201), ("off", 403)])
def test_the_mode_of_any_namespace_is_one_of_three(world: World, mode: str, status: int) -> None:
    made = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "fresh", "labels": {"frostline.dev/mode": mode}},
    }

    answer = world.try_("POST", "/api/v1/namespaces", made)

    assert answer.status == status, answer
    assert status == 201 or "must be Observe, Warn or Enforce" in answer.message


def test_kube_system_is_left_alone(world: World) -> None:
    body = {"metadata": {"labels": {"frostline.dev/mode": "off"}}}

    assert world.try_("PATCH", "/api/v1/namespaces/kube-system", body).status == 200


def test_an_override_names_its_requester(world: World) -> None:
    refused(world.try_("POST", world.overrides, override("someone")), "write requestedBy: root")
    refused(world.try_("POST", world.overrides, override("root"), user=GITOPS), f"write requestedBy: {GITOPS}")
    assert world.try_("POST", world.overrides, override("root")).status == 201
    assert world.try_("POST", world.overrides, override("someone"), bypass=True).status == 201


def test_a_promise_that_holds_nothing_back_is_its_teams(world: World) -> None:
    write(world.api, world.objective("/status"), {"status": {"releases": "Warn"}})
    try:
        assert world.try_("PATCH", world.objective(), {"spec": {"objective": {"target": 99}}}).status == 200
        assert world.try_("DELETE", world.objective()).status == 200
    finally:
        write(world.api, world.objective("/status"), {"status": {"releases": "Freeze"}})


def test_a_namespace_with_frozen_promises_can_be_deleted(world: World, kubectl: RunsKubectl) -> None:
    name = f"{world.namespace}-ends"
    kubectl("create", "namespace", name)
    collection = f"{GROUP}/namespaces/{name}/servicelevelobjectives"
    assert world.api("POST", collection, objective(name)).status == 201
    write(world.api, f"{collection}/web/status", {"status": {"releases": "Freeze"}})
    gate = Case("", "", Why.HELD, "").manifest(Workload(name, "Deployment", "web"))
    assert world.api("POST", gates(name), gate, user=OPERATOR).status == 201
    write(world.api, f"/api/v1/namespaces/{name}", {"metadata": {"labels": {"frostline.dev/enforced": "true"}}})

    kubectl("delete", "namespace", name, "--wait=false")

    eventually(lambda: world.api("GET", f"/api/v1/namespaces/{name}").status == 404, 60, f"namespace {name} is gone")
