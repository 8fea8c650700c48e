"""What people and GitOps tools type at a frozen workload, with the real kubectl; and where the policy is a trap."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.api import OPERATOR, Api, gates, workloads
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.core import cel
from frostline.core.admission import binding
from frostline.core.gate import Workload
from frostline.core.projection import Shape, project
from frostline.core.verdict import Why
from frostline.names import BYPASS_GROUP, Admission
from tests.support.rollouts import Case

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
BINDINGS = f"{ADMISSION}/validatingadmissionpolicybindings"
POLICIES = f"{ADMISSION}/validatingadmissionpolicies"
HELD = "releases of deployment/web are held back"
MERGE = "application/merge-patch+json"


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    caller = Api(cluster)
    yield caller
    caller.close()


@pytest.fixture
def bound(api: Api) -> Iterator[None]:
    """Bind the policies as the operator does: as its service account, with the chart's rights."""
    for admission in (Admission.FREEZE, Admission.KEEP):
        answer = api("POST", BINDINGS, binding(admission), user=OPERATOR)
        assert answer.status == 201, answer.message
    yield
    for admission in (Admission.FREEZE, Admission.KEEP):
        assert api("DELETE", f"{BINDINGS}/{admission}", user=OPERATOR).status == 200


@pytest.fixture
def place(kubectl: RunsKubectl) -> Iterator[str]:
    name = f"kubectl-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(params=["a developer with edit", "a GitOps tool with *"])
def who(request: pytest.FixtureRequest, kubectl: RunsKubectl, place: str) -> Iterator[tuple[str, ...]]:
    """Give the flags that make kubectl a person or a tool."""
    if request.param == "a developer with edit":
        kubectl("create", "rolebinding", "dev", "--clusterrole=edit", "--user=dev", "-n", place)
        yield ("--as=dev",)
        return
    account = f"system:serviceaccount:{place}:gitops"
    kubectl("create", "clusterrolebinding", place, "--clusterrole=cluster-admin", f"--user={account}")
    yield (f"--as={account}",)
    kubectl("delete", "clusterrolebinding", place)


def deployment(image: str, **env: str) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": image,
        "env": [{"name": name, "value": value} for name, value in ({"REGION": "north"} | env).items()],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    }


def patched(image: str) -> str:
    return json.dumps(
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}}, separators=(",", ":")
    )


@dataclass
class Shell:
    """Types commands as somebody, in one namespace."""

    kubectl: RunsKubectl
    place: str
    who: tuple[str, ...]
    typed: list[str] = field(default_factory=list)

    def run(self, command: str, manifest: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        self.typed.append(command)
        given = None if manifest is None else json.dumps(manifest)
        return self.kubectl(*self.who, "-n", self.place, *command.split(" "), input=given, check=False)

    def passes(self, command: str, manifest: dict[str, Any] | None = None) -> None:
        done = self.run(command, manifest)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def refused(self, command: str, manifest: dict[str, Any] | None = None) -> None:
        done = self.run(command, manifest)
        assert done.returncode != 0, f"{command}: {done.stdout}"
        assert HELD in done.stderr, f"{command}: {done.stderr}"


@pytest.fixture
def shell(api: Api, kubectl: RunsKubectl, place: str, who: tuple[str, ...], bound: None) -> Shell:  # noqa: ARG001
    """Give a Deployment of three revisions, whose third ran when the gate closed."""
    ready = Shell(kubectl, place, who)
    path = workloads(place, "Deployment", "web")
    templates = []
    for number in (1, 2, 3):
        ready.passes("apply -f -", deployment(f"web:{number}"))
        ready.passes("rollout status deployment/web --timeout=60s")
        templates.append(project(api("GET", path).body["spec"]["template"], Shape()))
    gate = Case("", "", Why.HELD, "").manifest(Workload(place, "Deployment", "web"), now=datetime.now(UTC))
    gate["spec"]["running"] = templates[2]
    gate["spec"]["good"] = [{"source": f"revision {n + 1}", "template": templates[n]} for n in (1, 0)]
    assert api("POST", gates(place), gate, user=OPERATOR).status == 201
    kubectl("label", "namespace", place, "frostline.dev/enforced=true")
    eventually(lambda: ready.run("set image deployment/web web=web:9 --dry-run=server").returncode != 0, 10, "it holds")
    return ready


def test_what_people_type(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.refused("set image deployment/web web=web:9")
    shell.refused("set image deployment/web web=web:9 --dry-run=server")
    shell.passes("set image deployment/web web=web:9 --dry-run=client")
    shell.refused("set env deployment/web LEVEL=debug")
    shell.refused("set env deployment/web REGION-")
    shell.refused(f"patch deployment/web --type=merge -p {patched('web:9')}")
    shell.refused(f"patch deployment/web --type=strategic -p {patched('web:9')}")
    json_patch = '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"web:9"}]'
    shell.refused(f"patch deployment/web --type=json -p {json_patch}")
    shell.refused("apply -f -", deployment("web:9"))
    shell.refused("apply --server-side --force-conflicts -f -", deployment("web:9"))
    shell.refused("apply -f -", deployment("web:3", LEVEL="debug"))
    shell.refused("replace -f -", deployment("web:9"))
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/web:3/web:9/")
    shell.refused("edit deployment/web")
    shell.refused("replace --force -f -", deployment("web:9"))
    shell.refused("delete deployment/web")
    shell.refused("delete deployment/web --dry-run=server")
    shell.refused("delete deployments --all")
    shell.refused("delete deployment/web --cascade=orphan")

    shell.passes("apply -f -", deployment("web:3"))
    shell.passes("scale deployment/web --replicas=2")
    shell.passes("autoscale deployment/web --min=1 --max=3")
    shell.passes("label deployment/web team=a")
    shell.passes("annotate deployment/web note=b")
    shell.passes("label deployment/web frostline.dev/releases-")
    shell.refused("set image deployment/web web=web:9")
    shell.passes("rollout pause deployment/web")
    shell.refused("set image deployment/web web=web:9")
    shell.passes("rollout resume deployment/web")
    shell.passes("create deployment other --image=other:1")
    shell.passes("set image deployment/other other=other:2")
    shell.passes("delete deployment/other")
    shell.passes("create job once --image=once:1")
    shell.passes("delete pods --all --wait=false")
    shell.passes("delete replicasets --all --wait=false --cascade=background --dry-run=server")


def test_rollback_and_restart(shell: Shell) -> None:
    shell.passes("rollout undo deployment/web --dry-run=server")
    shell.passes("rollout undo deployment/web")  # to web:2
    shell.refused("rollout undo deployment/web")  # back to web:3
    shell.refused("rollout undo deployment/web --to-revision=3")
    shell.passes("rollout undo deployment/web --to-revision=1")
    shell.passes("rollout undo deployment/web")  # a second return to web:2
    shell.passes("apply -f -", deployment("web:1"))  # git revert
    shell.passes("rollout restart deployment/web")
    shell.passes("set resources deployment/web --requests=cpu=20m")
    shell.passes("rollout undo deployment/web")  # takes the resources back
    shell.refused("apply -f -", deployment("web:3"))


def test_deletion_with_the_bypass_and_re_creation(shell: Shell, kubectl: RunsKubectl) -> None:
    kubectl("create", "rolebinding", "bypass", "--clusterrole=edit", f"--group={BYPASS_GROUP}", "-n", shell.place)
    breaking = Shell(kubectl, shell.place, (*shell.who, f"--as-group={BYPASS_GROUP}"))

    breaking.passes("set image deployment/web web=web:4")
    shell.refused("set image deployment/web web=web:5")
    breaking.passes("delete deployment/web")
    shell.refused("create -f -", deployment("web:9"))
    shell.passes("create -f -", deployment("web:3"))


@pytest.mark.usefixtures("bound")
def test_a_collection_is_not_deleted_either(api: Api, shell: Shell) -> None:
    answer = api("DELETE", workloads(shell.place, "Deployment"))

    assert answer.status == 403
    assert HELD in answer.message


def test_without_a_binding_nothing_is_refused(api: Api, kubectl: RunsKubectl, place: str) -> None:
    shell = Shell(kubectl, place, ())
    shell.passes("apply -f -", deployment("web:1"))
    kubectl("label", "namespace", place, "frostline.dev/enforced=true")
    gate = Case("", "", Why.HELD, "").manifest(Workload(place, "Deployment", "web"))
    assert api("POST", gates(place), gate, user=OPERATOR).status == 201

    # A binding that a test before this one removed may live on for a moment.
    eventually(lambda: shell.run("delete deployment/web --dry-run=server").returncode == 0, 10, "deletions pass")
    eventually(lambda: shell.run("set image deployment/web web=web:9").returncode == 0, 10, "releases pass")


def test_a_binding_whose_kind_is_missing_is_a_trap(api: Api, kubectl: RunsKubectl, place: str) -> None:
    """Hence the operator binds only what the API server knows, and labels only namespaces with something frozen."""
    shell = Shell(kubectl, place, ())
    shell.passes("apply -f -", deployment("web:1"))
    made = []
    for policy in (cel.freeze(), cel.keep()):
        name = policy["metadata"]["name"] = f"trap-{policy['metadata']['name']}"
        policy["spec"]["paramKind"]["kind"] = "NobodyServesThis"
        bound = binding(Admission.FREEZE)
        named = {**bound, "metadata": {"name": name}, "spec": {**bound["spec"], "policyName": name}}
        assert api("POST", POLICIES, policy).status == 201
        assert api("POST", BINDINGS, named).status == 201
        made.append(name)
    try:
        shell.passes("annotate deployment/web note=unlabelled")
        kubectl("label", "namespace", place, "frostline.dev/enforced=true")
        eventually(lambda: shell.run("annotate deployment/web note=b --overwrite").returncode != 0, 10, "the trap")
        refusal = shell.run("annotate deployment/web note=b --overwrite").stderr
        assert "failed to find resource referenced by paramKind" in refusal or "NobodyServesThis" in refusal, refusal
        # Deletions pass: no namespace hangs in its end.
        shell.passes("delete deployment/web")
    finally:
        for name in made:
            api("DELETE", f"{BINDINGS}/{name}")
            api("DELETE", f"{POLICIES}/{name}")
        # It lives on for a moment, in whatever namespace carries the label.
        probe = "create deployment after --image=web:1 --dry-run=server"
        eventually(lambda: shell.run(probe).returncode == 0, 10, "the trap is gone")
