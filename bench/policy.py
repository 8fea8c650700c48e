"""What the admission policy costs a request to the API server."""

import os
from typing import Any, Final

from bench.results import Result, median, of_runs, timed
from e2e.api import OPERATOR, Answer, Api, gates, workload, workloads
from e2e.cluster.cluster import Cluster
from e2e.cluster.progress import Say
from e2e.cluster.session import session_folder
from e2e.cluster.waiting import eventually
from frostline.core.admission import Manifest, binding
from frostline.core.gate import Workload
from frostline.core.verdict import Why
from frostline.names import Admission, Label
from tests.support.edits import Template, both, container, edited, image, variables
from tests.support.rollouts import Case

GATES: Final = 50
GOOD: Final = 10
_WARM_UP: Final = 10
_ROUNDS: Final = 40
_NAMESPACE: Final = "bench-policy"
_PATH: Final = workloads(_NAMESPACE, "Deployment", "web-0") + "?dryRun=All"
_BINDINGS: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


def run(tell: Say) -> list[Result]:
    """Measure changes of a workload without a gate, with one, and with many in its namespace.

    Each gate has ten good templates of 4 kB.
    """
    with session_folder(tell, purpose="-bench") as folder:
        cluster = Cluster(folder, environment={key: os.environ[key] for key in ("PATH", "HOME")}, tell=tell)
        cluster.up(operator=False)
        cluster.kubectl("create", "namespace", _NAMESPACE)
        cluster.kubectl("label", "namespace", _NAMESPACE, f"{Label.ENFORCED}=true")
        api = Api(cluster)
        try:
            return _measured(api)
        finally:
            api.close()


def _measured(api: Api) -> list[Result]:
    start = edited({}, _start, container(env=variables("same", 60)))
    good = tuple(both(image(f"web:{n}"), container(env=variables("same", 60))) for n in range(100, 100 + GOOD))
    for number in range(GATES):
        _created(api("POST", workloads(_NAMESPACE, "Deployment"), workload("Deployment", f"web-{number}", start)))
    wanted = {
        "resources": edited(start, container(resources={})),
        "rollback": edited(start, image(f"web:{99 + GOOD}")),
        "release": edited(start, image("web:9")),
    }
    seconds = {what: [_spent(api, template)] for what, template in wanted.items()}
    _created(api("POST", _BINDINGS, binding(Admission.FREEZE)))
    case = Case("", "", Why.ROLLBACK, "", good=good)
    for numbers in (range(1), range(1, GATES)):
        for number in numbers:
            gate = case.manifest(Workload(_NAMESPACE, "Deployment", f"web-{number}"))
            _created(api("POST", gates(_NAMESPACE), gate, user=OPERATOR))
        eventually(lambda: api("PUT", _PATH, _with(api, wanted["release"])).status == 403, 10, "the gate holds")
        for what, template in wanted.items():
            seconds[what].append(_spent(api, template))
    return [_result(what, *runs) for what, runs in seconds.items()]


def _result(what: str, without: list[float], one: list[float], many: list[float]) -> Result:
    others: dict[str, Any] = {
        "without_ms": median(without) * 1e3,
        "ratio": median(one) / median(without),
        f"with_{GATES}_gates_ms": median(many) * 1e3,
    }
    return Result(f"policy-{what}", median(one) * 1e3, "ms", of_runs(one, **others))


def _spent(api: Api, template: Template) -> list[float]:
    current = _with(api, template)
    seconds = [timed(lambda: api("PUT", _PATH, current)) for _ in range(_WARM_UP + _ROUNDS)]
    return seconds[_WARM_UP:]


def _with(api: Api, template: Template) -> Manifest:
    current = api("GET", workloads(_NAMESPACE, "Deployment", "web-0")).body
    current["spec"]["template"] = template
    return current


def _created(answer: Answer) -> None:
    if answer.status != 201:
        raise RuntimeError(f"the API server refuses what is to be measured: {answer.message}")


def _start(template: Template) -> None:
    template.update(Case("", "", Why.HELD, "").old())
