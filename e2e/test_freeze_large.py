"""The policy stays within the API server's cost limits on templates as large as they come."""

import uuid
from collections.abc import Iterator

import pytest

from e2e.api import OPERATOR, Answer, Api, gates, workload, workloads
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.core.admission import binding
from frostline.core.gate import Workload
from frostline.core.verdict import Why
from frostline.names import Admission
from tests.support.edits import Edit, Template, edited, image, variables
from tests.support.rollouts import Case

BINDING = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
GOOD = 10


@pytest.fixture
def bound(api: Api) -> Iterator[None]:
    assert api("POST", BINDING, binding(Admission.FREEZE)).status == 201
    yield
    api("DELETE", f"{BINDING}/{Admission.FREEZE}")


@pytest.fixture
def place(kubectl: RunsKubectl) -> Iterator[str]:
    name = f"cost-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "frostline.dev/enforced=true")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def many(last: str, *, turned: bool = False) -> Edit:
    """Give each of three containers such an env."""

    def edit(template: Template) -> None:
        template["spec"]["containers"].append({"name": "third", "image": "third:1"})
        for each in template["spec"]["containers"]:
            env = variables(last if each["name"] == "third" else "same")
            each["env"] = env[::-1] if turned else env

    return edit


def put(api: Api, path: str, template: Template) -> Answer:
    current = api("GET", path).body
    current["spec"]["template"] = template
    return api("PUT", path + "?dryRun=All", current)


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize(
    ("last", "status"), [(f"good {GOOD - 1}", 200), ("never", 403), ("running", 200)], ids=["good", "new", "reordered"]
)
def test_a_hundred_variables_reordered_in_three_containers(api: Api, place: str, last: str, status: int) -> None:
    case = Case("", "", Why.ROLLBACK, "", culprit=many("running"), good=tuple(many(f"good {n}") for n in range(GOOD)))
    made = api(
        "POST", workloads(place, "Deployment"), workload("Deployment", "web", edited({}, _start, many("running")))
    )
    assert made.status == 201, made.message

    def settle(template: Template) -> Template:
        dry = api("POST", workloads(place, "Deployment") + "?dryRun=All", workload("Deployment", "aside", template))
        settled: Template = dry.body["spec"]["template"]
        return settled

    held = Workload(place, "Deployment", "web")
    gate = case.manifest(held, settle=settle)
    assert api("POST", gates(place), gate, user=OPERATOR).status == 201
    path = workloads(*held)
    eventually(lambda: put(api, path, edited({}, _start, image("web:9"))).status == 403, 10, "the gate holds")

    answer = put(api, path, edited({}, _start, many(last, turned=True)))

    assert answer.status == status, answer.message
    assert "cost" not in answer.message


def _start(template: Template) -> None:
    template.update(Case("", "", Why.HELD, "").old())
