"""The table of cases: what passes a gate that holds, and what does not."""

from typing import Final

from frostline.core.verdict import COLLECTORS, Operation, Why
from tests.support.edits import (
    Edit,
    added,
    annotation,
    both,
    container,
    image,
    label,
    mounted,
    nothing,
    spec,
    turned,
    turned_in_spec,
    variable,
    without,
)
from tests.support.rollouts import ALL_CLASSES, BYPASS, Case, Exceptional

FUNCTION: Final = "Changes of what runs"
OPERATION: Final = "Operational changes"
ORDER: Final = "Spelling"
BACK: Final = "Rollback"
SHAPE: Final = "Stricter or looser policies"
EXCEPTION: Final = "Overrides and the bypass"
LIFE: Final = "Creating and deleting"

_INJECTED: Final = {"name": "mesh", "image": "mesh:1"}
_MESH_VOLUME: Final = {"name": "mesh-data", "emptyDir": {}}
_NEXT: Final = image("web:3")


def _held(does: str, change: Edit, because: str = "it changes what runs") -> Case:
    return Case(FUNCTION, does, Why.HELD, because, change)


def _operational(does: str, change: Edit, because: str = "the same code runs") -> Case:
    return Case(OPERATION, does, Why.OPERATIONAL, because, change)


_FUNCTIONAL: Final = (
    _held("set image", _NEXT),
    _held("set image of an init container", image("migrate:2", "migrate")),
    _held("set image of a second container", image("proxy:2", "proxy")),
    _held("set env", variable("LEVEL", "debug")),
    _held("set env to nothing (FOO-)", variable("REGION", None)),
    _held("change command", container(command=["serve", "--fast"])),
    _held("change args", container(args=[])),
    _held("change envFrom", container(envFrom=[{"configMapRef": {"name": "other"}}])),
    _held("change a port", container(ports=[{"name": "http", "containerPort": 8081, "protocol": "TCP"}])),
    _held("change a lifecycle hook", container(lifecycle={"preStop": {"exec": {"command": ["drain"]}}})),
    _held("change a security context", container(securityContext={"runAsUser": 1000})),
    _held("change imagePullPolicy", container(imagePullPolicy="Always"), "a tag may then mean another image"),
    _held("add a container", added("containers", {"name": "debug", "image": "debug:1"})),
    _held("remove a container", without("containers", "proxy")),
    _held("rename a container", container("proxy", name="front"), "a new name is a container removed and one added"),
    _held("remove an init container", without("initContainers", "warm")),
    _held("swap init containers", turned_in_spec("initContainers"), "they run in their order"),
    _held("add a volume", added("volumes", {"name": "more", "emptyDir": {}})),
    _held("change a volume's source", spec(volumes=[{"name": "config", "configMap": {"name": "web-2"}},
                                                    {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}])),
    _held("mount a volume elsewhere", container(volumeMounts=[{"name": "config", "mountPath": "/etc/other"}])),
    _held("change a checksum annotation", annotation("checksum/config", "bbbb"), "configuration that is read anew"),
    _held("add an annotation", annotation("example.com/feature", "on"), "configuration by annotation"),
    _held("remove an annotation", annotation("checksum/config", None)),
    _held("change the service account", spec(serviceAccountName="other", serviceAccount="other")),
    _held("change hostNetwork", spec(hostNetwork=True)),
    _held("change dnsPolicy", spec(dnsPolicy="Default")),
    _held("change an image and resources at once", both(_NEXT, container(resources={}))),
)  # fmt: skip

_OPERATIONAL: Final = (
    _operational("scale, labels or annotations of the workload", nothing, "the template is the same"),
    _operational("rollout restart", annotation("kubectl.kubernetes.io/restartedAt", "2026-11-21T09:30:00Z")),
    _operational("set resources", container(resources={"limits": {"memory": "1Gi"}})),
    _operational("change a readiness probe", container(readinessProbe={"tcpSocket": {"port": 8080}})),
    _operational("add a liveness probe", container("proxy", livenessProbe={"tcpSocket": {"port": 80}})),
    _operational("change tolerations", spec(tolerations=[{"key": "spot", "operator": "Exists"}])),
    _operational("change the node selector", spec(nodeSelector={"kubernetes.io/arch": "arm64"})),
    _operational("change the priority class", spec(priorityClassName="system-node-critical")),
    _operational("change pull secrets", spec(imagePullSecrets=[{"name": "registry"}])),
    _operational("change the grace period", spec(terminationGracePeriodSeconds=90)),
    _operational("change a label of the template", label("chart", "web-2")),
)


def _reordered(does: str, change: Edit, because: str = "a set has no order") -> Case:
    return Case(ORDER, does, Why.OPERATIONAL, because, change)


_SPELLING: Final = (
    _reordered("reorder env", turned("env")),
    _reordered("reorder ports", turned("ports")),
    _reordered("reorder volume mounts", turned("volumeMounts")),
    _reordered("reorder volumes", turned_in_spec("volumes")),
    _reordered("reorder containers", turned_in_spec("containers"), "they start together"),
    Case(
        ORDER, "reorder an env in which a name repeats", Why.HELD, "the last of a name wins", turned("env"),
        before=container(env=[{"name": "LEVEL", "value": "info"}, {"name": "LEVEL", "value": "debug"}]),
    ),
)  # fmt: skip

_ROLLBACK: Final = (
    Case(BACK, "rollout undo", Why.ROLLBACK, "the revision before is good", image("web:1"), good=(image("web:1"),)),
    Case(
        BACK, "rollout undo --to-revision", Why.ROLLBACK, "up to ten earlier revisions are good", image("web:0"),
        good=(image("web:1"), image("web:0")),
    ),
    Case(
        BACK, "undo of the undo", Why.HELD, "it brings back what ran when the gate closed", image("web:2"),
        before=image("web:1"), good=(image("web:1"),),
    ),
    Case(
        BACK, "a second return to good", Why.ROLLBACK, "good stays good", image("web:0"),
        before=image("web:1"), good=(image("web:1"), image("web:0")),
    ),
    Case(
        BACK, "return to good with env reordered", Why.ROLLBACK, "a set of variables has no order",
        both(image("web:1"), turned("env")), good=(image("web:1"),),
    ),
    Case(
        BACK, "return to good with other resources", Why.ROLLBACK, "resources are operational",
        both(image("web:1"), container(resources={})), good=(image("web:1"),),
    ),
    Case(
        BACK, "the good image with another env", Why.HELD, "that never ran",
        both(image("web:1"), variable("LEVEL", "x")), good=(image("web:1"),),
    ),
    Case(
        BACK, "a good template less a variable", Why.HELD, "that never ran",
        both(image("web:1"), variable("REGION", None)), good=(image("web:1"),),
    ),
    Case(
        BACK, "a variable twice in place of another", Why.HELD, "that never ran",
        both(image("web:1"), container(env=[{"name": "LEVEL", "value": "info"}] * 2)),
        good=(both(image("web:1"), container(env=[{"name": "LEVEL", "value": "info"}, {"name": "B", "value": "b"}])),),
    ),
    Case(
        BACK, "a good template plus an annotation", Why.HELD, "that never ran",
        both(image("web:1"), annotation("example.com/feature", "on")), good=(image("web:1"),),
    ),
    Case(BACK, "undo of a removed container", Why.ROLLBACK, "it was there before", added("containers", _INJECTED),
         good=(added("containers", _INJECTED),)),
)  # fmt: skip

_SHAPES: Final = (
    Case(
        SHAPE, "set resources where they are withheld", Why.HELD, "the policy says so",
        container(resources={"limits": {"memory": "1Gi"}}), shape={"withheld": ["Resources"]},
    ),
    Case(
        SHAPE, "change a probe where probes are withheld", Why.HELD, "the policy says so",
        container(readinessProbe={"tcpSocket": {"port": 8080}}), shape={"withheld": ["Probes"]},
    ),
    Case(
        SHAPE, "change tolerations where scheduling is withheld", Why.HELD, "the policy says so",
        spec(tolerations=[{"key": "spot", "operator": "Exists"}]), shape={"withheld": ["Scheduling"]},
    ),
    Case(
        SHAPE, "change pull secrets where they are withheld", Why.HELD, "the policy says so",
        spec(imagePullSecrets=[{"name": "registry"}]), shape={"withheld": ["PullSecrets"]},
    ),
    Case(
        SHAPE, "change the grace period where it is withheld", Why.HELD, "the policy says so",
        spec(terminationGracePeriodSeconds=90), shape={"withheld": ["GracePeriod"]},
    ),
    Case(
        SHAPE, "change a label where labels are withheld", Why.HELD, "the policy says so", label("chart", "web-2"),
        shape={"withheld": ["Labels"]},
    ),
    Case(
        SHAPE, "rollout undo where labels are withheld", Why.ROLLBACK, "the hash of a ReplicaSet is no label of ours",
        both(image("web:1"), label("chart", "web-0")), shape={"withheld": ["Labels", "Resources"]},
        good=(both(image("web:1"), label("chart", "web-0"), label("pod-template-hash", "5f6d")),),
    ),
    Case(
        SHAPE, "an ignored annotation", Why.OPERATIONAL, "the policy says that it is no configuration",
        annotation("example.com/injected", "2"), shape={"ignoredAnnotations": ["example.com/injected"]},
    ),
    Case(
        SHAPE, "an injected container with its volume", Why.OPERATIONAL, "the policy ignores both, mounts included",
        both(added("containers", _INJECTED), added("volumes", _MESH_VOLUME), mounted("mesh-data", "/mesh", "proxy")),
        shape={"ignoredContainers": ["mesh"], "ignoredVolumes": ["mesh-data"]},
    ),
    Case(
        SHAPE, "set image beside an ignored container", Why.HELD, "it changes what runs",
        both(added("containers", _INJECTED), _NEXT), shape={"ignoredContainers": ["mesh"]},
    ),
)  # fmt: skip


def _exception(does: str, verdict: Why, because: str, *overrides: Exceptional, **rest: object) -> Case:
    return Case(EXCEPTION, does, verdict, because, _NEXT, overrides=overrides, **rest)  # type: ignore[arg-type]


_EXCEPTIONS: Final = (
    _exception("release with a live override", Why.OVERRIDE, "it names user and class", Exceptional()),
    _exception("release by a user whom no override names", Why.HELD, "an override is for its users",
               Exceptional(users=("bob",))),
    _exception("release by a GitOps account that the override names", Why.OVERRIDE, "users may be service accounts",
               Exceptional(users=("system:serviceaccount:flux-system:kustomize",)),
               user="system:serviceaccount:flux-system:kustomize"),
    _exception("release with an expired override", Why.HELD, "expiry is judged by the API server's clock",
               Exceptional(minutes=-5)),
    _exception("release with an override, no clock in the request", Why.HELD, "without a time no override is live",
               Exceptional(), clock=False),
    _exception("release with an override of class LowRisk", Why.HELD, "Freeze does not take it",
               Exceptional("LowRisk")),
    _exception("release with an override of class LowRisk at Slush", Why.OVERRIDE, "Slush takes it",
               Exceptional("LowRisk"), classes=ALL_CLASSES),
    _exception("release of just the images of an override", Why.OVERRIDE, "all images are named",
               Exceptional(images=("web:3", "proxy:1", "migrate:1", "warm:1"))),
    _exception("release of another image than the override's", Why.HELD, "an image is not named",
               Exceptional(images=("web:9", "proxy:1", "migrate:1", "warm:1"))),
    _exception("release with an init image that the override lacks", Why.HELD, "init containers count, too",
               Exceptional(images=("web:3", "proxy:1", "warm:1"))),
    _exception("release of the template of an override", Why.OVERRIDE, "it is the one", Exceptional(template=_NEXT)),
    _exception("release of another template than the override's", Why.HELD, "it is not the one",
               Exceptional(template=image("web:4"))),
    _exception("retry of the template that used a single use", Why.OVERRIDE, "retries pass",
               Exceptional(template=_NEXT, used=True)),
    _exception("second use of a single use", Why.HELD, "it is tied to what it released",
               Exceptional(template=image("web:4"), used=True)),
    _exception("release with one override of several live", Why.OVERRIDE, "one is enough",
               Exceptional(minutes=-5), Exceptional(users=("bob",)), Exceptional()),
    _exception("release with the bypass", Why.BYPASS, "the break-glass, on record", groups=BYPASS),
    _exception("release with the bypass and a live override", Why.OVERRIDE, "the bypass was not needed", Exceptional(),
               groups=BYPASS),
    Case(EXCEPTION, "set resources with the bypass", Why.OPERATIONAL, "the bypass was not needed",
         container(resources={}), groups=BYPASS),
    _exception("release as cluster admin", Why.HELD, "rights do not open a gate", groups=("system:masters",)),
)  # fmt: skip

_LIVES: Final = (
    Case(LIFE, "re-create what ran", Why.RECREATED, "an outage must be mendable", operation=Operation.CREATE),
    Case(LIFE, "create a good template", Why.ROLLBACK, "good may come back", image("web:1"),
         operation=Operation.CREATE, good=(image("web:1"),)),
    Case(LIFE, "re-create what ran with other resources", Why.RECREATED, "resources are operational",
         container(resources={}), operation=Operation.CREATE),
    Case(LIFE, "create something new under the same name", Why.HELD, "it is a release", _NEXT,
         operation=Operation.CREATE),
    Case(LIFE, "create something new with an override", Why.OVERRIDE, "it is declared", _NEXT,
         operation=Operation.CREATE, overrides=(Exceptional(),)),
    Case(LIFE, "re-create the culprit after a rollback", Why.HELD, "a rollback ran last", operation=Operation.CREATE,
         culprit=image("web:1"), good=(image("web:0"),)),
    Case(LIFE, "delete", Why.KEPT, "only what ran could be created again", None, operation=Operation.DELETE),
    Case(LIFE, "delete with a live override", Why.KEPT, "an override releases, it does not delete", None,
         operation=Operation.DELETE, overrides=(Exceptional(),)),
    Case(LIFE, "delete with the bypass", Why.BYPASS, "the break-glass, on record", None,
         operation=Operation.DELETE, groups=BYPASS),
    Case(LIFE, "deletion by the garbage collector", Why.COLLECTED, "its owner is gone", None,
         operation=Operation.DELETE, user=COLLECTORS[1]),
    Case(LIFE, "set image in a namespace that terminates", Why.TERMINATING, "nothing is kept there", _NEXT,
         terminating=True),
    Case(LIFE, "delete in a namespace that terminates", Why.TERMINATING, "nothing is kept there", None,
         operation=Operation.DELETE, terminating=True),
)  # fmt: skip

CASES: Final = (
    *_FUNCTIONAL, *_OPERATIONAL, *_SPELLING, *_ROLLBACK, *_SHAPES, *_EXCEPTIONS, *_LIVES,
)  # fmt: skip
