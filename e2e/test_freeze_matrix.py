"""The admission policies on a real API server give the verdicts of `judge`, and no process of ours is there."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.api import OPERATOR, Answer, Api, gates, workload, workloads
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.core import cel
from frostline.core.admission import binding
from frostline.core.gate import Workload
from frostline.core.verdict import Operation
from frostline.names import Admission
from tests.support.edits import Template
from tests.support.rollout_cases import CASES
from tests.support.rollouts import Case

PROBE = "frostline-probe"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
OTHER_KINDS = ("StatefulSet", "DaemonSet")
ROW = [
    case
    for case in CASES
    if case.does
    in {
        "set image",
        "set env",
        "set resources",
        "rollout restart",
        "rollout undo",
        "undo of the undo",
        "release with a live override",
        "release with the bypass",
        "re-create what ran",
        "create something new under the same name",
        "delete",
    }
]
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
DRY_DELETION = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
KEPT_FINALIZER = "example.com/kept"


def probes() -> list[dict[str, Any]]:
    """Return copies of the policies that let everything pass and say their verdict in a warning."""
    made = []
    for policy in (cel.freeze(), cel.keep()):
        policy["metadata"]["name"] = f"{PROBE}-{policy['metadata']['name']}"
        policy["spec"]["validations"] = [{"expression": "false", "messageExpression": "'verdict=' + variables.why"}]
        policy["spec"]["auditAnnotations"] = []
        made.append(policy)
    return made


def warning_binding(policy: str) -> dict[str, Any]:
    bound = binding(Admission.FREEZE)
    spec = {**bound["spec"], "policyName": policy, "validationActions": ["Warn"]}
    return {**bound, "metadata": {"name": policy}, "spec": spec}


@dataclass
class Arena:
    """Namespaces with a gated workload for every case."""

    api: Api
    namespace: str
    ending: str
    aside: str
    team: str

    def name(self, case: Case) -> str:
        """Return the name of the workload of a case, of whatever kind."""
        return f"case-{CASES.index(case)}"

    def place(self, case: Case) -> str:
        return self.ending if case.terminating else self.namespace

    def settle(self, template: Template) -> Template:
        """Return a template with the server's defaults."""
        answer = self.api(
            "POST", workloads(self.aside, "Deployment") + "?dryRun=All", workload("Deployment", "x", template)
        )
        assert answer.status == 201, answer.message
        settled: Template = answer.body["spec"]["template"]
        return settled

    def prepare(self, case: Case, kind: str) -> None:
        """Make the workload and its gate."""
        place, name = self.place(case), self.name(case)
        if case.operation is not Operation.CREATE:
            made = workload(kind, name, case.old())
            made["metadata"]["finalizers"] = [KEPT_FINALIZER] if case.terminating else []
            answer = self.api("POST", workloads(place, kind), made)
            assert answer.status == 201, answer.message
        gate = case.manifest(Workload(place, kind, name), now=datetime.now(UTC), settle=self.settle)
        # What a namespace takes along when it ends would be gone before anybody asks.
        gate["metadata"]["finalizers"] = [KEPT_FINALIZER] if case.terminating else []
        answer = self.api("POST", gates(place), gate, user=OPERATOR)
        assert answer.status == 201, answer.message

    def ask(self, case: Case, kind: str) -> Answer:
        """Send what the case does as a dry run, which is judged as the real one."""
        path = workloads(self.place(case), kind, self.name(case))
        user, groups = case.user, (self.team, *case.groups)
        if case.operation is Operation.DELETE:
            return self.api(
                "DELETE",
                path,
                {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]},
                user=case.user,
                groups=groups,
            )
        wanted = case.new()
        assert wanted is not None
        if case.operation is Operation.CREATE:
            made = workload(kind, self.name(case), wanted)
            return self.api("POST", workloads(self.place(case), kind) + "?dryRun=All", made, user=user, groups=groups)
        current = self.api("GET", path).body
        current["spec"]["template"] = wanted
        if not case.clock:
            current["metadata"]["managedFields"] = [{}]
        return self.api("PUT", path + "?dryRun=All", current, user=user, groups=groups)


@pytest.fixture(scope="module")
def arena(cluster: Cluster, kubectl: RunsKubectl) -> Iterator[Arena]:
    api = Api(cluster)
    some = uuid.uuid4().hex[:6]
    made = Arena(api, f"matrix-{some}", f"ending-{some}", f"aside-{some}", f"team-{some}")
    for name in (made.namespace, made.ending, made.aside):
        kubectl("create", "namespace", name)
    # For the whole cluster, since a namespace that terminates loses its role bindings first.
    kubectl("create", "clusterrolebinding", made.team, "--clusterrole=edit", f"--group={made.team}")
    for policy in probes():
        assert api("POST", POLICIES, policy).status == 201
        assert api("POST", BINDINGS, warning_binding(policy["metadata"]["name"])).status == 201
    for admission in (Admission.FREEZE, Admission.KEEP):
        assert api("POST", BINDINGS, binding(admission)).status == 201
    yield made
    for name in (PROBE + "-" + Admission.FREEZE, PROBE + "-" + Admission.KEEP):
        api("DELETE", f"{BINDINGS}/{name}")
        api("DELETE", f"{POLICIES}/{name}")
    for admission in (Admission.FREEZE, Admission.KEEP):
        api("DELETE", f"{BINDINGS}/{admission}")
    for case in [each for each in CASES if each.terminating]:
        released: dict[str, Any] = {"metadata": {"finalizers": []}}
        held = Workload(made.ending, "Deployment", made.name(case))
        for path in (workloads(*held), gates(made.ending, held.gate_name)):
            api("PATCH", path, released, user=OPERATOR, kind="application/merge-patch+json")
    for name in (made.namespace, made.ending, made.aside):
        kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
    kubectl("delete", "clusterrolebinding", made.team, "--ignore-not-found")
    api.close()


@pytest.fixture(scope="module")
def gated(arena: Arena, kubectl: RunsKubectl) -> Arena:
    """Give an arena with a gated Deployment for every case, and workloads of the other kinds for some."""
    for case in CASES:
        arena.prepare(case, "Deployment")
    for kind in OTHER_KINDS:
        for case in ROW:
            arena.prepare(case, kind)
    for name in (arena.namespace, arena.ending):
        kubectl("label", "namespace", name, "frostline.dev/enforced=true")
    kubectl("delete", "namespace", arena.ending, "--wait=false")
    return arena


def verdict(answer: Answer) -> str:
    """Return what the probes said; empty where no policy was concerned."""
    said = [warning.rpartition("verdict=")[2] for warning in answer.warnings if "verdict=" in warning]
    return said[0] if said else ""


def concerns(case: Case) -> bool:
    """Say whether the policy is asked at all: an update that leaves the template alone never reaches it."""
    return case.operation is not Operation.UPDATE or case.old() != case.new()


def check(arena: Arena, case: Case, kind: str) -> None:
    """Fail unless the policy's verdict, and what the server does, is that of the case."""

    def judged() -> Answer:
        answer = arena.ask(case, kind)
        # Policies, gates and namespaces reach admission through watches.
        assert verdict(answer) == (case.verdict if concerns(case) else ""), answer
        return answer

    answer = eventually(judged, 10, case.does)

    assert (answer.status < 400) is case.passes, answer
    if not case.passes:
        name = Workload(arena.place(case), kind, arena.name(case))
        assert answer.status == 403
        assert f"releases of {name} are held back" in answer.message


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.does)
def test_deployment(gated: Arena, case: Case) -> None:
    check(gated, case, "Deployment")


@pytest.mark.parametrize("kind", OTHER_KINDS)
@pytest.mark.parametrize("case", ROW, ids=lambda each: each.does)
def test_other_kind(gated: Arena, case: Case, kind: str) -> None:
    check(gated, case, kind)


def test_every_row_has_its_cases() -> None:
    assert len(ROW) == 11
