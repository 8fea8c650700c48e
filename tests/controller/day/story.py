"""What people and users do in the simulated day: the same in every run, but that a refused release is tried again."""

from collections.abc import Callable
from dataclasses import dataclass

from frostline import names
from frostline.api.base import JsonObject
from frostline.api.gated import gate as gate_of
from frostline.core.gate import Workload
from frostline.core.verdict import Change, Operation, Passed, judge
from frostline.kubernetes.resource import (
    GATES,
    NAMESPACES,
    OBJECTIVES,
    OVERRIDES,
    POLICIES,
    REPLICA_SETS,
    WORKLOADS,
)
from tests.controller.day.surroundings import Surroundings
from tests.controller.freezing import MINUTE, Traffic
from tests.controller.releasing import moment
from tests.controller.world.manifests import template
from tests.support.objectives import AT, DAY, HOUR, Events

START = AT + 2 * DAY + 4 * HOUR
"""A Sunday at noon, so that a calendar week ends in the middle of the day."""
END = START + DAY
NAMESPACES_THERE = ("dating", "chat", "reports")
GATEWAY = Workload("dating", "Deployment", "gateway")
PROFILE = Workload("dating", "Deployment", "user-profile")
MATCHER = Workload("dating", "Deployment", "matcher")
RANKER = Workload("dating", "Deployment", "ranker")
CHAT = Workload("chat", "StatefulSet", "realtime-chat")
WEB = Workload("reports", "Deployment", "web")
REPORTER = Workload("reports", "Deployment", "reporter")


PASSING = ("dating", "passing")
"""An objective that is deleted in the evening, or before when nobody hears of it."""
SERIES = 10
"""Of requests and reports each, as many as there are pods."""


def hours(number: float) -> int:
    """Return the epoch second so many hours after the start."""
    return START + int(number * HOUR)


def outage(at: float, seconds: int, share: float = 1.0) -> tuple[int, int, float]:
    """Return an outage for Traffic."""
    return hours(at), hours(at) + seconds, share


def good(traffic: Traffic) -> Events:
    """Return the same events, the good ones counted."""

    def events(start: int, end: int) -> tuple[float | None, float | None]:
        bad, valid = traffic(start, end)
        return None if bad is None or valid is None else valid - bad, valid

    return events


def sliced(traffic: Traffic, length_s: int) -> Events:
    """Return the slices of the same events; one is bad when more than a twentieth of its events are."""

    def events(start: int, end: int) -> tuple[float | None, float | None]:
        slices = [traffic(at, at + length_s) for at in range(start, end - length_s + 1, length_s)]
        known = [(bad, valid) for bad, valid in slices if bad is not None and valid]
        return (float(sum(bad > valid / 20 for bad, valid in known)), float(len(known))) if known else (None, None)

    return events


def events() -> dict[str, Events]:
    """Return what users meet in the day."""
    return {
        "matches": Traffic(outage(1, 20), outage(6, 30), outage(18, 45), begun=START - 4 * HOUR),
        "took_count": good(Traffic(outage(5, 2 * HOUR, 0.3), outage(14, int(2.5 * HOUR), 0.5), base=0.001)),
        "sent": good(Traffic(outage(3, 330), outage(20, 20))),
        "queue": sliced(Traffic(outage(10, 2 * HOUR)), MINUTE),
        "reports": Traffic(outage(8, 2 * HOUR, 0.5), base=0.0005),
        "pages": sliced(Traffic(outage(9, 50 * MINUTE)), 5 * MINUTE),
    }


def objective(valid: str, target: float, window: JsonObject, *protects: JsonObject, **more: object) -> JsonObject:
    """Return the spec of an objective on bad_<valid> and <valid>, if `more` has no other indicator."""
    return {
        "indicator": {"ratio": {"bad": f"bad_{valid}", "valid": valid}},
        "objective": {"target": target},
        "window": window,
        "protects": list(protects),
        **more,
    }


def named(workload: Workload) -> JsonObject:
    """Return an entry of protects."""
    return {"kind": workload.kind, "name": workload.name}


CORE: JsonObject = {"kind": "Deployment", "selector": {"matchLabels": {"part-of": "core"}}}
STRICT: JsonObject = {
    "releases": {"endangered": "Freeze"},
    "overrides": {"exhausted": ["Security", "Emergency"], "longest": "6h"},
}
OBJECTIVES_THERE: dict[tuple[str, str], JsonObject] = {
    ("dating", "availability"): objective("matches", 99.9, {"rolling": "1d"}, named(GATEWAY), named(PROFILE)),
    ("dating", "latency"): objective(
        "",
        99,
        {"rolling": "7d"},
        CORE,
        indicator={"latency": {"histogram": "took", "threshold": "800ms"}},
        policyRef="strict",
    ),
    ("chat", "delivered"): objective(
        "",
        99.95,
        {"calendar": "Week"},
        named(CHAT),
        indicator={"ratio": {"good": "acknowledged", "valid": "sent"}},
    ),
    ("chat", "queue"): objective(
        "", 99, {"rolling": "7d"}, named(CHAT), indicator={"threshold": {"gauge": "queue", "bound": 100}}
    ),
    ("reports", "in-time"): objective("reports", 98, {"rolling": "30d"}, named(REPORTER), named(WEB)),
    ("reports", "pages"): objective(
        "pages", 99, {"rolling": "7d"}, named(WEB), budgeting={"method": "Timeslices", "sliceTarget": 95}
    ),
}


def begin(around: Surroundings) -> None:
    """Put in place what is there in the morning: every workload runs its second image."""
    for name in (*NAMESPACES_THERE, "frostline-system"):
        around.server.put(NAMESPACES, "", name, metadata={"labels": {}})
    around.prometheus.series = {"matches": SERIES, "reports": SERIES}
    around.server.put(POLICIES, "", "strict", spec=STRICT)
    for workload in (GATEWAY, PROFILE, MATCHER, CHAT, WEB, REPORTER):
        core = {"part-of": "core"} if workload.namespace == "dating" else {}
        for image in ("app:1", "app:2"):
            deploy(around, workload, image, **core)
    around.server.put(OBJECTIVES, *PASSING, spec=objective("reports", 90, {"rolling": "28d"}, policyRef="strict"))
    for (namespace, name), spec in OBJECTIVES_THERE.items():
        around.server.put(OBJECTIVES, namespace, name, spec=spec)


def deploy(around: Surroundings, workload: Workload, image: str, **labels: str) -> None:
    """Have a workload run an image, and its controller keep the revisions."""
    resource = WORKLOADS[workload.kind]
    old = around.server.get(resource, workload.namespace, workload.name)
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": workload.name}}, "template": template(image)}
    generation = 1 if old is None else old["metadata"]["generation"] + 1
    metadata: JsonObject = {"managedFields": [{"time": moment(around.now())}]}
    if labels:
        metadata["labels"] = labels
    status = {"observedGeneration": generation, "updatedReplicas": 1, "availableReplicas": 1}
    new = around.server.put(resource, workload.namespace, workload.name, metadata=metadata, spec=spec, status=status)
    if workload.kind == "Deployment":
        _revise(around, workload, new["metadata"]["uid"], image)


def _revise(around: Surroundings, workload: Workload, uid: str, image: str) -> None:
    made = [
        each for each in around.server.of(REPLICA_SETS).values() if each["metadata"]["ownerReferences"][0]["uid"] == uid
    ]
    number = 1 + max((int(each["metadata"]["annotations"][_REVISION]) for each in made), default=0)
    around.server.put(
        REPLICA_SETS,
        workload.namespace,
        f"{workload.name}-{image.replace(':', '-')}",
        metadata={
            "ownerReferences": [{"uid": uid}],
            "annotations": {_REVISION: str(number)},
            "labels": {"app": workload.name},
        },
        spec={"template": template(image)},
    )


_REVISION = "deployment.kubernetes.io/revision"


def passes(around: Surroundings, workload: Workload, image: str) -> bool:
    """Return whether anna may release an image."""
    found = around.server.get(GATES, workload.namespace, workload.gate_name)
    old = around.server.get(WORKLOADS[workload.kind], workload.namespace, workload.name)
    assert old is not None
    change = Change(
        workload,
        Operation.UPDATE,
        old["spec"]["template"],
        template(image),
        "anna",
        frozenset(),
        (around.now(),),
    )
    return isinstance(judge(None if found is None else gate_of(found), change), Passed)


@dataclass(frozen=True)
class Deed:
    """What somebody does at epoch second `at`; `do` returns whether it is done, or to be tried again."""

    at: int
    do: Callable[[Surroundings], bool]


def released(at: float, workload: Workload, image: str) -> Deed:
    """Release an image, as soon as it passes."""

    def do(around: Surroundings) -> bool:
        if not passes(around, workload, image):
            return False
        deploy(around, workload, image)
        return True

    return Deed(hours(at), do)


def put(at: float, *where: object, **parts: object) -> Deed:
    """Create or replace an object."""
    return _done(at, lambda around: around.server.put(*where, **parts))  # type: ignore[arg-type]


def withdraw(around: Surroundings) -> None:
    """Delete the objective that shall not see the night."""
    if around.server.get(OBJECTIVES, *PASSING) is not None:
        around.server.drop(OBJECTIVES, *PASSING)


def _done(at: float, do: Callable[[Surroundings], object]) -> Deed:
    def done(around: Surroundings) -> bool:
        do(around)
        return True

    return Deed(hours(at), done)


def override(at: float, name: str, workload: Workload, *, lives: int, **more: object) -> Deed:
    """Declare an exception that lives so many hours."""
    spec = {
        "class": "Security",
        "reason": "CVE",
        "workloads": [named(workload)],
        "expiresAt": moment(hours(at + lives)),
        "requestedBy": "anna",
        **more,
    }
    metadata = {"creationTimestamp": moment(hours(at))}
    return put(at, OVERRIDES, workload.namespace, name, metadata=metadata, spec=spec)


def labelled(at: float, namespace: str, mode: str | None) -> Deed:
    """Set the mode of a namespace."""
    patch: JsonObject = {"metadata": {"labels": {str(names.Label.MODE): mode}}}
    return _done(at, lambda around: around.server.change(NAMESPACES, "", namespace, patch))


def deeds() -> list[Deed]:
    """Return what people do, in order of time; an hour at least after a level begins, so that lateness is no matter."""
    fresh = objective("reports", 99.9, {"rolling": "28d"}, named(REPORTER))
    eased = {**OBJECTIVES_THERE["chat", "queue"], "objective": {"target": 98}}
    return [
        released(2.2, GATEWAY, "app:1"),
        override(2.3, "fix", GATEWAY, lives=6),
        released(2.4, GATEWAY, "app:2-fix"),
        override(2.5, "once", PROFILE, lives=12, singleUse=True),
        released(2.6, PROFILE, "app:3"),
        released(4.2, WEB, "app:3"),
        put(5.9, POLICIES, "", "strict", spec={**STRICT, "releases": {"endangered": "Slush"}}),
        put(8.2, POLICIES, "", "strict", spec=STRICT),
        put(7.2, OBJECTIVES, "chat", "queue", spec=eased),
        put(8.4, OBJECTIVES, "reports", "strict-in-time", spec=fresh),
        _done(9.1, lambda around: deploy(around, RANKER, "app:1", **{"part-of": "core"})),
        labelled(11.3, "reports", "Warn"),
        labelled(13.3, "reports", None),
        _done(15.1, lambda around: around.server.drop(OBJECTIVES, "reports", "strict-in-time")),
        override(16.9, "late", MATCHER, lives=5),
        released(17.1, MATCHER, "app:4"),
        override(19.9, "night", GATEWAY, lives=2, **{"class": "Emergency"}),
        released(20.2, PROFILE, "app:1"),
        _done(22.4, withdraw),
    ]
