"""The policy stays within the API server's cost limits on large templates, and does not slow a namespace down."""

import statistics
import time
import uuid
from collections.abc import Iterator

import pytest

from e2e.api import OPERATOR, Answer, Api, gates, workload, workloads
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl
from e2e.cluster.waiting import eventually
from frostline.core.admission import binding
from frostline.core.gate import Workload
from frostline.core.verdict import Why
from frostline.names import Admission
from tests.support.edits import Edit, Template, container, edited, image
from tests.support.rollouts import Case

BINDING = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
ENV = 100
GOOD = 10
GATES = 50
ROUNDS = 40


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Api]:
    caller = Api(cluster)
    yield caller
    caller.close()


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


def variables(last: str) -> list[dict[str, str]]:
    """Return an env as long as they come, in which only the last variable tells templates apart."""
    return [{"name": f"VARIABLE_{each:03}", "value": f"value of {each}"} for each in range(ENV - 1)] + [
        {"name": "LAST", "value": last}
    ]


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


def _milliseconds(api: Api, path: str, template: Template) -> float:
    """Return what a request takes where nothing else is in its way: the first quartile."""
    current = api("GET", path).body
    current["spec"]["template"] = template
    spent = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        api("PUT", path + "?dryRun=All", current)
        spent.append(time.perf_counter() - begun)
    return statistics.quantiles(spent)[0] * 1000


def test_a_gate_adds_milliseconds(api: Api, place: str) -> None:
    """Fifty gates are in the namespace of the workload, each with ten good templates of 4 kB."""
    start = edited({}, _start, container(env=variables("same")[:60]))
    good = tuple(_both(image(f"web:{n}"), container(env=variables("same")[:60])) for n in range(100, 100 + GOOD))
    case = Case("", "", Why.ROLLBACK, "", good=good)
    for number in range(GATES):
        made = api("POST", workloads(place, "Deployment"), workload("Deployment", f"web-{number}", start))
        assert made.status == 201, made.message
    path = workloads(place, "Deployment", "web-0")
    wanted = {
        "resources": edited(start, container(resources={})),
        "rollback": edited(start, image(f"web:{99 + GOOD}")),
        "release": edited(start, image("web:9")),
    }
    spent = {what: [_milliseconds(api, path, template)] for what, template in wanted.items()}
    assert api("POST", BINDING, binding(Admission.FREEZE)).status == 201
    try:
        for numbers in (range(1), range(1, GATES)):
            for number in numbers:
                gate = case.manifest(Workload(place, "Deployment", f"web-{number}"))
                answer = api("POST", gates(place), gate, user=OPERATOR)
                assert answer.status == 201, answer.message
            eventually(lambda: put(api, path, wanted["release"]).status == 403, 10, "the gate holds")
            for what, template in wanted.items():
                spent[what].append(_milliseconds(api, path, template))
    finally:
        api("DELETE", f"{BINDING}/{Admission.FREEZE}")

    for what, (without, one, many_gates) in spent.items():
        print(f"{what}: {without:.1f} ms without, {one:.1f} ms with one gate, {many_gates:.1f} ms with {GATES}")
        assert one - without < 100
        assert many_gates - without < 10 * GATES


def _both(*edits: Edit) -> Edit:
    def edit(template: Template) -> None:
        for each in edits:
            each(template)

    return edit
